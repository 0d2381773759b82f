import { execFile } from "node:child_process";
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
