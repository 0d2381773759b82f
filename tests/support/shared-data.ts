import { test } from "bun:test";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Recorded market data stands beside the repository, not in it: its licences and terms are its own. */
const FOLDER = new URL("../../../shared/data/", import.meta.url);

/** Path of a recorded file, e.g. `sharedData("derived/XRPETH-aggTrades-2019-10-11.csv")`. It may be missing. */
export function sharedData(name: string): string {
  return fileURLToPath(new URL(name, FOLDER));
}

/**
 * `test` for tests that need recorded files: where one is missing the test fails in CI and is skipped elsewhere.
 *
 * `testWithData(["ws/x.log.gz"], "feed, gives its trades", ([path]) => …)`: the paths arrive in the order of the names.
 */
export function testWithData(
  names: readonly string[],
  title: string,
  run: (paths: readonly string[]) => void | Promise<void>,
  timeoutMs?: number,
): void {
  const missing = names.filter((name) => !existsSync(sharedData(name)));
  if (missing.length > 0 && process.env["CI"] !== "true") {
    test.skip(`${title} (without ../shared/data/${missing.join(", ")})`, () => {});
    return;
  }
  test(
    title,
    async () => {
      if (missing.length > 0)
        throw new Error(`recorded data is missing: ${missing.map(sharedData).join(", ")}; CI must have it`);
      await run(names.map(sharedData));
    },
    timeoutMs,
  );
}
