import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const SETUP_TIMEOUT_MS = 180_000;
const run = promisify(execFile);

/** A file of this repository. */
export function fromRoot(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

/** Sees to it that `dist/client.js` is that of the sources as they are. */
export async function clientBuilt(): Promise<void> {
  await run(process.execPath, [fromRoot("scripts/setup.ts")], { timeout: SETUP_TIMEOUT_MS });
}

/** A project of somebody else that has this package. */
export async function consumer(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "tapeline-consumer-"));
  try {
    await mkdir(join(folder, "node_modules"));
    await symlink(fromRoot(""), join(folder, "node_modules", "tapeline"));
    await writeFile(join(folder, "package.json"), '{"type":"module"}');
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
