import { rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fsync, isMissing, makeDir } from "./disk.ts";
import { QUARANTINE_DIR, QUARANTINE_SUFFIX, relativePath, resolveInside } from "./layout.ts";
import { messageOf, TapeError } from "./tape-error.ts";
import type { TapeLogger } from "./tape-file.ts";

export type Quarantined =
  /** `path` is where the file is now, relative to the tape. */
  { readonly kind: "moved"; readonly path: string } | { readonly kind: "missing" };

export interface QuarantineRequest {
  readonly path: string;
  readonly reason: string;
  readonly nowMs: number;
}

/**
 * Moves a file out of the tape, into `quarantine/`, under a name that tells where it was and when, and that no
 * `*.parquet` pattern matches. It is never deleted. Throws {@link TapeError}: `refused` for a path outside the tape,
 * `write` when it cannot be moved.
 */
export async function quarantineFile(
  dir: string,
  { path, reason, nowMs }: QuarantineRequest,
  logger: TapeLogger,
): Promise<Quarantined> {
  const full = await resolveInside(dir, path);
  const target = join(dir, QUARANTINE_DIR, `${path}.${nowMs}${QUARANTINE_SUFFIX}`);
  try {
    await makeDir(dirname(target));
    await rename(full, target);
    await fsync(dirname(target));
    await fsync(dirname(full));
  } catch (cause) {
    if (isMissing(cause)) {
      logger.warn({ path, reason }, "tape file to quarantine is missing");
      return { kind: "missing" };
    }
    throw new TapeError("write", `could not move tape file ${path} to quarantine: ${messageOf(cause)}`, {
      paths: [path],
      cause,
    });
  }
  const moved = relativePath(dir, target);
  logger.warn({ path, reason, moved }, "tape file quarantined");
  return { kind: "moved", path: moved };
}
