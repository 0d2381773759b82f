import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A tmpfs of that size at `dir`, which is made. False where mounting is not allowed (it takes root). */
export async function mountSmallDisk(dir: string, megabytes: number): Promise<boolean> {
  await mkdir(dir, { recursive: true });
  try {
    await run("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", dir]);
    return true;
  } catch {
    return false;
  }
}

export async function unmount(dir: string): Promise<void> {
  // Lazily: a worker that was just killed may still hold it for a moment.
  await run("umount", ["-l", dir]);
}
