import { afterAll, beforeAll, expect } from "bun:test";
import { ContractWorld } from "../contract/http-world.ts";
import { testWithChromium } from "../support/chromium.ts";
import { clientBuilt } from "../support/client-built.ts";

const TEST_TIMEOUT_MS = 180_000;
/** A page that does not come fails its test. */
const PAGE_TIMEOUT_MS = 60_000;

let world: ContractWorld;
beforeAll(async () => {
  await clientBuilt();
  world = await ContractWorld.start();
}, TEST_TIMEOUT_MS);
afterAll(() => world?.close(), TEST_TIMEOUT_MS);

testWithChromium(
  "the page of the HTTP contract, tries a request out against its own server, and asks nobody else",
  async (browser) => {
    const page = await browser.newPage();
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (line) => line.type() === "error" && faults.push(line.text()));
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(`${world.url}/`) && !url.startsWith("data:")) faults.push(`asked ${url}`);
    });
    await page.goto(`${world.url}/docs`, { timeout: PAGE_TIMEOUT_MS });
    const health = page.locator("#operations-state-getHealth");
    await health.locator(".opblock-summary").click({ timeout: PAGE_TIMEOUT_MS });
    await health.locator(".try-out__btn").click({ timeout: PAGE_TIMEOUT_MS });
    await health.locator(".execute").click({ timeout: PAGE_TIMEOUT_MS });
    const answer = health.locator(".live-responses-table .response-col_description pre").first();
    expect(await answer.textContent({ timeout: PAGE_TIMEOUT_MS })).toContain('"backfill_status"');
    expect(faults).toEqual([]);
  },
  TEST_TIMEOUT_MS,
);

testWithChromium(
  "the page of the push contract, lists every channel and watches one of them",
  async (browser) => {
    const page = await browser.newPage();
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (line) => line.type() === "error" && faults.push(line.text()));
    await page.goto(`${world.url}/docs/push`, { timeout: PAGE_TIMEOUT_MS });
    await page.locator("#Gaps").waitFor({ timeout: PAGE_TIMEOUT_MS });
    const channels = await page.locator("main h3 code").allTextContents();
    expect(channels).toContain("levels:{symbol}");
    expect(channels).toContain("backfill:{job_id}");
    expect(channels).toContain("subscribe");
    await page.locator('input[name="channel"]').fill("backfill");
    await page.locator("form button").click();
    const frames = page.locator("form + pre");
    await frames.getByText('"recoverable":true').waitFor({ timeout: PAGE_TIMEOUT_MS });
    expect(faults).toEqual([]);
  },
  TEST_TIMEOUT_MS,
);
