import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** One step of hashing: about 0.2 ms of the event loop. */
const HASH_STEP_BYTES = 262_144;

/** sha256 of a file in lower-case hex, read in steps. */
export async function sha256OfFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  const stream = createReadStream(path, {
    highWaterMark: HASH_STEP_BYTES,
    ...(signal === undefined ? {} : { signal }),
  });
  for await (const step of stream) hash.update(step);
  return hash.digest("hex");
}

/** Flushes a file, or the entries of a directory, to the disk. */
export async function fsync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a directory and its parents; the new entries are on the disk when it answers. */
export async function makeDir(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let at = path; at.length >= first.length; at = dirname(at)) await fsync(dirname(at));
}

/** Moves a whole file to its name: afterwards both the move and the folders that hold it are on the disk. */
export async function publish(from: string, to: string): Promise<void> {
  await makeDir(dirname(to));
  await rename(from, to);
  await fsync(dirname(to));
}

/** True for the error of a file that is not there. */
export function isMissing(thrown: unknown): boolean {
  return (
    thrown instanceof Error && "code" in thrown && (thrown.code === "ENOENT" || thrown.code === "ENOTDIR")
  );
}
