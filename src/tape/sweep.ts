import { opendir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isMissing } from "./disk.ts";
import { INCOMING_DIR, relativePath, SERIES_PREFIX, TAPE_SUFFIX, TEMP_SUFFIX } from "./layout.ts";

export interface Swept {
  /** Removed temporary files, relative to the tape. */
  readonly temps: readonly string[];
  /** Removed files that no committed segment lists, relative to the tape. */
  readonly unlisted: readonly string[];
  readonly bytes: number;
}

export interface SweepRequest {
  /** Paths of every file that a committed segment lists. */
  readonly listed: ReadonlySet<string>;
  readonly nowMs: number;
  /** Younger files stay: their segment may be about to be committed. */
  readonly graceMs: number;
  /** The same for temporary files. */
  readonly tempGraceMs: number;
}

/**
 * Removes temporary files that a crash has left, and files under `venue=…` that no committed segment lists, once they
 * are older than their grace. Quarantined files and whatever else lies in the directory are not touched.
 */
export async function sweepTape(dir: string, request: SweepRequest): Promise<Swept> {
  const temps = await sweepTemps(dir, request.nowMs - request.tempGraceMs);
  const unlisted: string[] = [];
  let bytes = temps.bytes;
  for await (const full of filesUnder(dir)) {
    const path = relativePath(dir, full);
    if (!path.endsWith(TAPE_SUFFIX) || request.listed.has(path)) continue;
    const size = await removeOlder(full, request.nowMs - request.graceMs);
    if (size === undefined) continue;
    unlisted.push(path);
    bytes += size;
  }
  return { temps: temps.paths, unlisted, bytes };
}

/** Removes temporary files last changed before `beforeMs`. */
export async function sweepTemps(
  dir: string,
  beforeMs: number,
): Promise<{ readonly paths: readonly string[]; readonly bytes: number }> {
  const paths: string[] = [];
  let bytes = 0;
  for await (const entry of await opendir(join(dir, INCOMING_DIR))) {
    if (!entry.isFile() || !entry.name.endsWith(TEMP_SUFFIX)) continue;
    const full = join(dir, INCOMING_DIR, entry.name);
    const size = await removeOlder(full, beforeMs);
    if (size === undefined) continue;
    paths.push(relativePath(dir, full));
    bytes += size;
  }
  return { paths, bytes };
}

/** Files of the series folders; links are not followed. */
async function* filesUnder(dir: string): AsyncGenerator<string, void, undefined> {
  const folders: string[] = [];
  for await (const entry of await opendir(dir))
    if (entry.isDirectory() && entry.name.startsWith(SERIES_PREFIX)) folders.push(join(dir, entry.name));
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for await (const entry of await opendir(folder)) {
      const full = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(full);
      else if (entry.isFile()) yield full;
    }
  }
}

/** The size of the file it removed, or undefined when it is too young or gone. */
async function removeOlder(path: string, beforeMs: number): Promise<number | undefined> {
  try {
    // Looked at right before: the same trades may just have been written again, under the same name.
    const { mtimeMs, size } = await stat(path);
    if (mtimeMs >= beforeMs) return undefined;
    await rm(path);
    return size;
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw cause;
  }
}
