import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type BackfillUpdate, type LevelSet, Tapeline } from "../../src/client/mod.ts";
import { formatDay, MS_PER_DAY } from "../../src/core/mod.ts";
import { testWithChromium } from "../support/chromium.ts";
import { clientBuilt, consumer, fromRoot } from "../support/client-built.ts";
import { environment, type ServerProcess, type Variables, Workbench } from "../support/processes.ts";
import { TapelineApi } from "../support/tapeline-api.ts";
import { until } from "../support/until.ts";

/** The client and its examples against a real server that backfills from a simulated exchange. */
const SYMBOL = "DEMOUSDT";
const TIMEOUT_MS = 300_000;
const run = promisify(execFile);

const bench = new Workbench();
const clients: Tapeline[] = [];
let env: Variables;
let server: ServerProcess;

/** A whole day that no other test here asks for. */
function day(ago: number): string {
  return formatDay(Math.floor(Date.now() / MS_PER_DAY) - ago);
}

function client(): Tapeline {
  const made = new Tapeline(server.url);
  clients.push(made);
  return made;
}

beforeAll(async () => {
  await clientBuilt();
  const exchange = await bench.exchange(["--symbol", `${SYMBOL}:demo`, "--weight-limit", "1000000"]);
  env = environment(await bench.folder(), exchange, {
    SYMBOLS: SYMBOL,
    CONTEXT_BACKFILL_ENABLED: "false",
    LEVELS_INTERVAL_MS: "20",
  });
  server = await bench.server(env);
  await new TapelineApi(server.url).knows(SYMBOL);
}, TIMEOUT_MS);

afterAll(async () => {
  for (const made of clients) made.close();
  await bench.close();
}, TIMEOUT_MS);

/** What a look alone changes. */
function comparable({ as_of: _, revision: __, ...set }: LevelSet): object {
  return set;
}

/** Follows a job to its end, into a list. */
async function followed(tapeline: Tapeline, jobId: string, updates: BackfillUpdate[]): Promise<void> {
  for await (const update of tapeline.backfill(jobId)) updates.push(update);
}

function transitions(updates: readonly BackfillUpdate[]): string[] {
  return updates.flatMap(({ change }) =>
    change.kind === "transition" ? [`${change.transition.from} ${change.transition.to}`] : [],
  );
}

describe("the client", () => {
  test(
    "follows the levels and the job of a backfill; at the end both are what the server says",
    async () => {
      const tapeline = client();
      const session = day(2);
      const sets: LevelSet[] = [];
      const stop = tapeline.levels(SYMBOL, { session }).on((set) => sets.push(set));
      const asked = { symbols: [SYMBOL], start_date: session, end_date: session };
      const { job_id } = await tapeline.http.startBackfill(asked);
      const updates: BackfillUpdate[] = [];
      await followed(tapeline, job_id, updates);
      const { change: _, ...job } = updates.at(-1)!;
      const read = await tapeline.http.job(job_id);
      expect({ ...job, version: read.version }).toEqual(read);
      expect(job.status).toBe("complete");
      const percentages = updates.map(({ progress_pct }) => progress_pct);
      expect(percentages).toEqual(percentages.toSorted((a, b) => a - b));
      const last = await until("the last set", () => {
        const newest = sets.at(-1);
        return newest?.precision === "PRECISE" && newest.backfill === null ? newest : undefined;
      });
      stop();
      expect(comparable(last)).toEqual(comparable(await tapeline.http.levels({ symbol: SYMBOL, session })));
      expect(sets.length).toBeGreaterThan(10);
      const ratios = sets.map(({ coverage }) => coverage.ratio);
      expect(ratios).toEqual(ratios.toSorted((a, b) => a - b));
    },
    TIMEOUT_MS,
  );

  test(
    "follows bars, which are those that HTTP has",
    async () => {
      const tapeline = client();
      const bars = tapeline.bars(SYMBOL, "1m");
      const stop = bars.on(() => undefined);
      // Trades go on while HTTP is asked, so they meet in a moment between two of them.
      await until("the same running bar from both", async () => {
        const read = await tapeline.http.bars({ symbol: SYMBOL, interval: "1m", limit: 1 });
        return read.bars.length === 1 && Bun.deepEquals(bars.state?.bars.at(-1), read.bars[0]);
      });
      expect(bars.state).toMatchObject({ symbol: `binance:${SYMBOL}`, interval: "1m" });
      stop();
    },
    TIMEOUT_MS,
  );

  test(
    "goes on over a restart of the server: every transition once and in order, and the same final levels",
    async () => {
      const tapeline = client();
      const session = day(3);
      const statuses: string[] = [];
      tapeline.onStatus(({ state }) => statuses.push(state));
      const levels = tapeline.levels(SYMBOL, { session });
      const done = levels.until((set) => set.precision === "PRECISE" && set.backfill === null, {
        timeoutMs: TIMEOUT_MS,
      });
      const asked = { symbols: [SYMBOL], start_date: session, end_date: session };
      const { job_id } = await tapeline.http.startBackfill(asked);
      const updates: BackfillUpdate[] = [];
      const ended = followed(tapeline, job_id, updates);
      await until("some progress", () => (updates.at(-1)?.chunks_done ?? 0) > 5);
      server.kill("SIGTERM");
      expect(await server.ended()).toBe(0);
      server = await bench.server({ ...env, PORT: new URL(server.url).port });
      await tapeline.http.control(job_id, "pause").catch(() => undefined);
      await tapeline.http.control(job_id, "resume").catch(() => undefined);
      await ended;
      const path = updates.find(({ change }) => change.kind === "snapshot")?.status;
      const heard = transitions(updates);
      // One after the other without a hole: each begins where the one before has ended.
      for (const [at, step] of heard.entries())
        expect(step.split(" ")[0]).toBe(at === 0 ? path : heard[at - 1]?.split(" ")[1]);
      expect(heard.at(-1)?.split(" ")[1]).toBe("complete");
      expect(updates.filter(({ change }) => change.kind === "snapshot")).toHaveLength(1);
      expect(comparable(await done)).toEqual(
        comparable(await tapeline.http.levels({ symbol: SYMBOL, session })),
      );
      expect(statuses.filter((state) => state === "connected").length).toBeGreaterThan(1);
    },
    TIMEOUT_MS,
  );
});

/** The code of docs/client.md, in order; what one block makes, the next ones use. */
async function documented(): Promise<string> {
  const text = await readFile(fromRoot("docs/client.md"), "utf8");
  const blocks = Array.from(text.matchAll(/^```ts\n(.*?)^```$/gms), ([, block = ""]) => block);
  expect(blocks.length).toBeGreaterThan(5);
  const imports = blocks.flatMap((block) => block.match(/^import .*$/gm) ?? []);
  const bodies = blocks.map((block) => block.replace(/^import .*$/gm, ""));
  return [...new Set(imports), ...bodies]
    .join("\n")
    .replaceAll("http://127.0.0.1:8080", server.url)
    .replaceAll("BTCUSDT", SYMBOL)
    .replaceAll("2026-01-02", day(7));
}

test(
  "docs/client.md, every example runs",
  async () => {
    await consumer(async (folder) => {
      await writeFile(join(folder, "example.ts"), await documented());
      const { stdout } = await run(process.execPath, ["example.ts"], { cwd: folder, timeout: TIMEOUT_MS });
      for (const expected of ["in_progress → complete", "unknown 102", "unknown 404", "connected"])
        expect(stdout).toContain(expected);
    });
  },
  TIMEOUT_MS,
);

// Where Bun is installed by itself there may be no Node; CI has it.
const withNode = test.skipIf(Bun.which("node") === null && process.env["CI"] !== "true");

describe("the examples", () => {
  withNode(
    "node-script.mjs, runs under plain Node and ends when its backfill is complete",
    async () => {
      const args = [fromRoot("examples/node-script.mjs"), server.url, SYMBOL, day(4)];
      const { stdout } = await run("node", args, { timeout: TIMEOUT_MS });
      expect(stdout).toContain("in_progress → complete, 100 %");
      const { levels } = await new TapelineApi(server.url).levels(SYMBOL, { session: day(4) });
      expect(stdout).toMatch(new RegExp(`^VWAP +${levels.VWAP} exact$`, "m"));
      expect(stdout.trim().endsWith("PRECISE")).toBe(true);
    },
    TIMEOUT_MS,
  );

  test(
    "bot.ts, acts on a proven POC, which is the final one",
    async () => {
      const args = [fromRoot("examples/bot.ts"), server.url, SYMBOL, day(5)];
      const { stdout } = await run(process.execPath, args, { timeout: TIMEOUT_MS });
      expect(stdout).toMatch(/POC [\d.]+ is (?:certain|exact) with [\d.]+ % of the trades/);
      expect(stdout).toContain("complete: POC");
    },
    TIMEOUT_MS,
  );

  testWithChromium(
    "page, shows live levels, bars and a backfill in a real browser",
    async (browser) => {
      const page = await browser.newPage();
      const faults: string[] = [];
      page.on("pageerror", (error) => faults.push(error.message));
      page.on("console", (message) => {
        if (message.type() === "error") faults.push(message.text());
      });
      await page.goto(`${server.url}/examples/page`);
      await page.getByText("connected", { exact: true }).waitFor();
      await page.locator("#symbol", { hasText: `binance:${SYMBOL}` }).waitFor();
      expect(await page.locator("#levels tr").count()).toBeGreaterThan(20);
      const session = day(6);
      await page.locator("#day").fill(session);
      await page.locator("#start").click();
      await page.locator("#session", { hasText: session }).waitFor();
      await page.locator("#job", { hasText: "Backfill complete" }).waitFor({ timeout: TIMEOUT_MS });
      await page.locator("#precision", { hasText: /^PRECISE$/ }).waitFor({ timeout: TIMEOUT_MS });
      await page.locator("#chart rect.volume").first().waitFor({ timeout: TIMEOUT_MS });
      const { levels } = await new TapelineApi(server.url).levels(SYMBOL, { session });
      const shown = await page.locator("#levels tr", { hasText: /^VWAP[\d]/ }).textContent();
      expect(shown?.replaceAll(",", "")).toContain(String(levels.VWAP));
      expect(await page.locator("#log").textContent()).toContain("in_progress → complete");
      expect(await page.locator("#trouble").isVisible()).toBe(false);
      expect(faults).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
