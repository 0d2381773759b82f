import { test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];
const LAUNCH_TIMEOUT_MS = 60_000;

/** Nothing of its own goes over the network, and nothing is left behind. */
const FLAGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

function executable(): string | undefined {
  const named = process.env["CHROMIUM_PATH"];
  if (named !== undefined) return named;
  for (const name of NAMES) {
    const found = Bun.which(name);
    if (found !== null) return found;
  }
  return undefined;
}

/** `test` with a real Chromium (`CHROMIUM_PATH`, or on the PATH): where there is none it fails in CI and is skipped elsewhere. */
export function testWithChromium(
  title: string,
  run: (browser: BrowserContext) => Promise<void>,
  timeoutMs: number,
): void {
  const executablePath = executable();
  if (executablePath === undefined && process.env["CI"] !== "true") {
    test.skip(`${title} (without Chromium)`, () => {});
    return;
  }
  test(
    title,
    async () => {
      if (executablePath === undefined)
        throw new Error(`no ${NAMES.join(", ")} on the PATH; CI must have it`);
      const profile = await mkdtemp(join(tmpdir(), "tapeline-chromium-"));
      const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
      const browser = await chromium.launchPersistentContext(profile, {
        executablePath,
        headless: true,
        args: [...FLAGS, ...sandbox],
        timeout: LAUNCH_TIMEOUT_MS,
      });
      try {
        await run(browser);
      } finally {
        await browser.close();
        await rm(profile, { recursive: true, force: true });
      }
    },
    timeoutMs,
  );
}
