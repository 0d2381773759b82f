import { open, readdir } from "node:fs/promises";
import { join } from "node:path";

/** Files synced at the same time; more gains nothing on one disk. */
const SYNC_PARALLEL = 16;

/** Flushes one file or folder to the disk. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Flushes a folder with everything in it, so that a rename afterwards publishes only whole content. */
export async function syncTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.map((entry) => join(entry.parentPath, entry.name));
  paths.push(folder);
  const next = paths.values();
  await Promise.all(
    Array.from({ length: SYNC_PARALLEL }, async () => {
      for (const path of next) await syncPath(path);
    }),
  );
}

/** The `code` of a file system error, for example `ENOENT`. */
export function errorCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" ? thrown.code : undefined;
}
