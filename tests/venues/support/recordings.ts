import { test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

/** Where recorded market data lies, beside the repository. */
const DATA = join(import.meta.dir, "../../../../shared/data");

/** A test over recorded data: without the data it fails in CI and is skipped elsewhere. */
export function recordedTest(name: string, run: () => void | Promise<void>): void {
  const missing = !existsSync(DATA);
  test.skipIf(missing && process.env["CI"] !== "true")(name, run, 60_000);
}

/** Lines of a recorded file, unpacked. */
export function recordedLines(path: string): string[] {
  const bytes = readFileSync(join(DATA, path));
  const text = path.endsWith(".gz") ? gunzipSync(bytes).toString("utf8") : bytes.toString("utf8");
  return text.split("\n").filter((line) => line !== "");
}

export function recordedText(path: string): string {
  return readFileSync(join(DATA, path), "utf8");
}

/** What stands behind the receive time of a line. */
export function frameText(line: string): string {
  return line.replace(/^[\d.]+:? /, "");
}
