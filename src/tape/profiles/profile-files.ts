import { opendir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isMissing } from "../disk.ts";
import { relativePath, TEMP_SUFFIX } from "../layout.ts";

export const PROFILE_SUFFIX = ".profile";
/** Folders between the cache and its files: venue, market, symbol. */
const DEPTH = 3;

export interface ProfileFile {
  /** Relative to the cache's directory. */
  readonly path: string;
  readonly bytes: number;
  /** When it was written, ms since the epoch. */
  readonly writtenMs: number;
  /** Left behind by a writer that was killed, or still being written. */
  readonly unfinished: boolean;
}

/** Every file of the cache; none when its directory is not there. Other files are not ours and are left out. */
export async function* profileFiles(
  dir: string,
  depth = DEPTH,
): AsyncGenerator<ProfileFile, void, undefined> {
  for (const { name, folder } of await entriesOf(dir)) {
    const full = join(dir, name);
    if (folder && depth > 0)
      for await (const file of profileFiles(full, depth - 1)) yield { ...file, path: `${name}/${file.path}` };
    const unfinished = name.endsWith(TEMP_SUFFIX);
    if (folder || depth > 0 || (!unfinished && !name.endsWith(PROFILE_SUFFIX))) continue;
    const info = await stat(full).catch(() => undefined);
    if (info === undefined) continue;
    yield { path: relativePath(dir, full), bytes: info.size, writtenMs: info.mtimeMs, unfinished };
  }
}

/** Removes a file; its size, or 0 when it is gone already. */
export async function removeProfile(dir: string, { path, bytes }: ProfileFile): Promise<number> {
  try {
    await rm(join(dir, path));
    return bytes;
  } catch (thrown) {
    if (isMissing(thrown)) return 0;
    throw thrown;
  }
}

async function entriesOf(dir: string): Promise<{ readonly name: string; readonly folder: boolean }[]> {
  const entries = [];
  try {
    for await (const entry of await opendir(dir))
      if (entry.isDirectory() || entry.isFile())
        entries.push({ name: entry.name, folder: entry.isDirectory() });
  } catch (thrown) {
    if (!isMissing(thrown)) throw thrown;
  }
  return entries;
}
