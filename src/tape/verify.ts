import { lstat } from "node:fs/promises";
import { invariant } from "../core/mod.ts";
import { isMissing, sha256OfFile } from "./disk.ts";
import { aborted } from "./gate.ts";
import { resolveInside } from "./layout.ts";
import { messageOf, TapeError } from "./tape-error.ts";
import type { FileProof, TapeCallOptions } from "./tape-file.ts";

/** Files hashed at once. */
const CONCURRENCY = 2;

/** Whether a file is what its listing says. */
export type Verification =
  | { readonly kind: "ok" }
  | { readonly kind: "missing" }
  | { readonly kind: "corrupt"; readonly reason: string };

/**
 * Compares a file with its listing: first the size, then the sha256 of all of it.
 * Throws {@link TapeError}: `refused` for a path outside the tape, `aborted`.
 */
export async function verifyFile(
  dir: string,
  { path, bytes, sha256 }: FileProof,
  { signal }: TapeCallOptions = {},
): Promise<Verification> {
  if (signal?.aborted) throw aborted(signal);
  const full = await resolveInside(dir, path);
  try {
    const info = await lstat(full);
    if (!info.isFile()) return { kind: "corrupt", reason: "expected a file, found something else" };
    if (info.size !== bytes)
      return { kind: "corrupt", reason: `expected ${bytes} bytes, found ${info.size}` };
    const found = await sha256OfFile(full, signal);
    if (found !== sha256) return { kind: "corrupt", reason: `expected sha256 ${sha256}, found ${found}` };
    return { kind: "ok" };
  } catch (cause) {
    if (signal?.aborted) throw aborted(signal);
    if (isMissing(cause)) return { kind: "missing" };
    throw new TapeError("read", `could not verify tape file ${path}: ${messageOf(cause)}`, {
      paths: [path],
      cause,
    });
  }
}

/** Verifies many files, two at a time; answers in their order. Ends at the first error. */
export async function verifyFiles<F extends FileProof>(
  dir: string,
  files: readonly F[],
  options: TapeCallOptions = {},
): Promise<readonly { readonly file: F; readonly result: Verification }[]> {
  const answers = new Map<F, Verification>();
  // One iterator shared by the workers: each takes the next file that nobody has.
  const queue = files.values();
  const failed = new AbortController();
  const signal =
    options.signal === undefined ? failed.signal : AbortSignal.any([failed.signal, options.signal]);
  const work = async (): Promise<void> => {
    try {
      for (const file of queue) answers.set(file, await verifyFile(dir, file, { signal }));
    } catch (cause) {
      failed.abort(cause);
      throw cause;
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return files.map((file) => {
    const result = answers.get(file);
    invariant(result !== undefined, `tape file ${file.path} was not verified`);
    return { file, result };
  });
}
