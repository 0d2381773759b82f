import { afterAll, expect, test } from "bun:test";
import * as v from "valibot";
import { isTimeframe, minuteOfMs, timeframeMinutes } from "../../src/core/mod.ts";
import { BackfillAccepted, type JobAnswer } from "../../src/protocol/mod.ts";
import type { SimulatorServer } from "../../src/runtime/mod.ts";
import { createGeneratedMarket, PRESETS } from "../../src/simulator/mod.ts";
import { AppBench } from "../support/app-bench.ts";
import { environment } from "../support/processes.ts";
import { TapelineApi } from "../support/tapeline-api.ts";
import { until } from "../support/until.ts";

/** The full size: `CANDLE_DAYS=90 bun test tests/app/candle-jobs.test.ts` (minutes of a machine; fewer with `CANDLE_TIMEFRAMES`). */
const DAYS = Number(process.env["CANDLE_DAYS"] ?? "1");
const SYMBOLS = 100;
const UNKNOWN = 3;
const TIMEFRAMES = (process.env["CANDLE_TIMEFRAMES"] ?? "5m,15m,1h,1d").split(",").filter(isTimeframe);
const START_MS = Date.parse("2024-03-01T00:00:00Z");
const TEST_TIMEOUT_MS = DAYS > 2 ? 3_600_000 : 120_000;

const bench = new AppBench();
afterAll(() => bench.close(), 60_000);

const names = Array.from({ length: SYMBOLS }, (_, n) => `C${String(n).padStart(2, "0")}USDT`);
/** Three in the middle that the exchange does not list. */
const unknown = names.slice(40, 40 + UNKNOWN);
const listed = names.filter((name) => !unknown.includes(name));
const day = (n: number) => new Date(START_MS + n * 86_400_000).toISOString().slice(0, 10);

function exchangeOf(symbols: readonly string[]): SimulatorServer {
  const preset = { ...PRESETS.thin, tradesPerDay: 60 };
  const markets = symbols.map((symbol) => createGeneratedMarket({ symbol, preset }));
  return bench.openExchange({ markets, weights: { limitPerMinute: 1_000_000 } });
}

/** Asks for a job. */
async function submit(url: string, body: object): Promise<BackfillAccepted> {
  const answer = await fetch(`${url}/api/v1/backfill`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(202);
  return v.parse(BackfillAccepted, await answer.json());
}

const perSymbol = TIMEFRAMES.reduce(
  (sum, timeframe) => sum + (DAYS * 1_440) / timeframeMinutes(timeframe),
  0,
);
const request = { symbols: names, start_date: day(0), end_date: day(DAYS - 1), timeframes: TIMEFRAMES };

test(
  `candle job, ${SYMBOLS} symbols × ${TIMEFRAMES.length} timeframes × ${DAYS} days with ${UNKNOWN} unknown symbols and 429s ends with those named and the counts right; a second run inserts 0`,
  async () => {
    const exchange = exchangeOf(listed);
    exchange.exchange.faults.add({ kind: "throttle", every: 97, retry_after_s: 1 });
    const { app } = await bench.openApp(
      environment(await bench.folder(), exchange, { SYMBOLS: "C00USDT", BACKFILL_PARALLEL: "8" }),
      { follow: false },
    );
    const api = new TapelineApi(app.url);
    const run = async (body: object) => api.ended((await submit(app.url, body)).job_id, TEST_TIMEOUT_MS);
    const klines = () => exchange.exchange.requests.summary().paths["/api/v3/klines"];

    const accepted = await submit(app.url, request);
    expect(accepted).toMatchObject({
      status: "pending",
      symbols_count: SYMBOLS,
      timeframes: [...TIMEFRAMES],
    });
    expect((await api.job(accepted.job_id)).details).toHaveLength(SYMBOLS * TIMEFRAMES.length);
    const job = await api.ended(accepted.job_id, TEST_TIMEOUT_MS);

    const candles = listed.length * perSymbol;
    expect(job).toMatchObject({
      status: "complete",
      progress_pct: 100,
      symbols_total: SYMBOLS,
      symbols_completed: listed.length,
      chunks_failed: 0,
      total_records_fetched: candles,
      total_records_inserted: candles,
      total_records_updated: 0,
      total_records_unchanged: 0,
    });
    const failed = job.details.filter(({ status }) => status !== "complete");
    expect(failed.map(({ symbol, timeframe }) => `${symbol} ${timeframe}`).sort()).toEqual(
      unknown.flatMap((symbol) => TIMEFRAMES.map((timeframe) => `binance:${symbol} ${timeframe}`)).sort(),
    );
    for (const { status, error } of failed)
      expect([status, error]).toEqual(["error", expect.stringContaining("Invalid symbol")]);
    for (const { symbol, timeframe, records_inserted } of job.details)
      if (symbol === "binance:C00USDT")
        expect(records_inserted).toBe(
          (DAYS * 1_440) / timeframeMinutes(TIMEFRAMES.find((of) => of === timeframe) ?? "1m"),
        );
    expect(job.error).toContain("Invalid symbol");

    const asked = klines();
    const again = await run(request);
    expect(again.job_id).not.toBe(job.job_id);
    expect(again).toMatchObject({
      status: "complete",
      chunks_total: 0,
      total_records_inserted: 0,
      total_records_fetched: 0,
    });
    expect(klines()).toEqual(asked);

    const known = { ...request, symbols: listed };
    const empty = await submit(app.url, known);
    expect(empty.status).toBe("complete");
    expect((await submit(app.url, known)).job_id).toBe(empty.job_id);

    // Fetched anew: the same candles are no insertions.
    const forced = await run({ ...request, symbols: ["C00USDT"], force: true });
    expect(forced).toMatchObject({
      status: "complete",
      total_records_fetched: perSymbol,
      total_records_inserted: 0,
      total_records_unchanged: perSymbol,
    });
    // Trades fail apart as candles do.
    const hour = { start_date: `${day(0)}T00:00:00Z`, end_date: `${day(0)}T01:00:00Z` };
    const trades = await run({ symbols: ["C00USDT", ...unknown], ...hour });
    expect(trades).toMatchObject({ status: "complete", symbols_completed: 1, chunks_done: 6 });
    expect(trades.details.map(({ status }) => status)).toEqual(["complete", "error", "error", "error"]);

    const lost = await run({ ...request, symbols: unknown });
    expect(lost).toMatchObject({
      status: "error",
      symbols_completed: 0,
      chunks_total: 0,
      error: expect.stringContaining("Invalid symbol"),
    });
    expect((await api.recent()).map(({ job_id }) => job_id)).toContain(lost.job_id);
  },
  TEST_TIMEOUT_MS,
);

/** Where a server is killed: while symbols are looked up, or while candles are fetched. */
const KILLED_WHILE = [
  {
    what: "planning",
    path: "/api/v3/exchangeInfo",
    reached: (job: JobAnswer) => job.symbols_total > 0 && job.chunks_total > 0,
  },
  { what: "fetching", path: "/api/v3/klines", reached: (job: JobAnswer) => job.chunks_done >= 6 },
];

for (const { what, path, reached } of KILLED_WHILE)
  test(
    `candle job, kill -9 while ${what}: after the restart it goes on, and every candle is inserted once`,
    async () => {
      const symbols = names.slice(0, 12);
      const exchange = exchangeOf(symbols);
      const { faults, requests } = exchange.exchange;
      const slow = faults.add({ kind: "latency", path, ms: 150, after: what === "planning" ? 4 : 0 });
      const env = environment(await bench.folder(), exchange, {
        SYMBOLS: symbols[0] ?? "",
        CONTEXT_BACKFILL_ENABLED: "false",
        BACKFILL_PARALLEL: "2",
      });
      const first = await bench.server(env);
      const body = {
        ...request,
        symbols: [...symbols, "NOPEUSDT"],
        start_date: day(0),
        end_date: day(1),
        timeframes: ["15m", "1h"],
      };
      const { job_id } = await submit(first.url, body);
      const before = await until("the job to be under way", async () => {
        const job = await new TapelineApi(first.url).job(job_id);
        return reached(job) ? job : undefined;
      });
      first.kill("SIGKILL");
      expect(await first.ended()).toBe("SIGKILL");
      expect(before.status).not.toBe("complete");
      faults.remove(slow);

      const second = await bench.server(env);
      const job = await new TapelineApi(second.url).ended(job_id, TEST_TIMEOUT_MS);
      const candles = symbols.length * (192 + 48);
      expect(job).toMatchObject({
        status: "complete",
        symbols_completed: symbols.length,
        chunks_total: symbols.length * 2,
        chunks_done: symbols.length * 2,
        total_records_inserted: candles,
        total_records_fetched: candles,
        total_records_updated: 0,
        total_records_unchanged: 0,
      });
      expect(job.details.filter(({ status }) => status === "error").map(({ symbol }) => symbol)).toEqual([
        "binance:NOPEUSDT",
        "binance:NOPEUSDT",
      ]);
      // What was under way is fetched again; what was committed is not. Candles of live minutes are asked for, too, but not of these days.
      const minutes = 2 * 1_440;
      const asked = symbols
        .flatMap((symbol) => requests.minutes(symbol, minuteOfMs(START_MS), minuteOfMs(START_MS) + minutes))
        .reduce((sum, [, { candles }]) => sum + candles, 0);
      expect(asked / minutes).toBeWithin(symbols.length * 2, symbols.length * 2 + 3);
      second.kill("SIGTERM");
      expect(await second.ended()).toBe(0);
    },
    TEST_TIMEOUT_MS,
  );
