import { expect, test } from "bun:test";
import * as v from "valibot";
import {
  donePercentage,
  HealthAnswer,
  healthToWire,
  JOB_STATUSES,
  JobAnswer,
  type JobFacts,
  jobToWire,
  recordsOf,
  startupToWire,
} from "../../src/protocol/mod.ts";

const symbol = {
  timeframe: null,
  chunksTotal: 3,
  chunksFailed: 0,
  recordsFetched: 10,
  recordsInserted: 9,
  recordsUpdated: 0,
  recordsUnchanged: 0,
  error: null,
};
const job: JobFacts = {
  jobId: "0190b8a4-0000-7000-8000-000000000001",
  status: "in_progress",
  version: 9,
  chunksTotal: 6,
  chunksDone: 3,
  chunksCancelled: 0,
  deadlineAtMs: null,
  priority: 0,
  maxParallel: 4,
  chunksFailed: 1,
  recordsFetched: 20,
  recordsInserted: 18,
  recordsUpdated: 0,
  recordsUnchanged: 0,
  startMs: Date.parse("2026-01-01T00:00:00Z"),
  endMs: Date.parse("2026-01-02T00:00:00Z"),
  createdAtMs: Date.parse("2026-01-02T10:00:00Z"),
  startedAtMs: null,
  completedAtMs: null,
  etaSeconds: 12,
  error: null,
  symbols: [
    { ...symbol, symbol: "binance:BTCUSDT", status: "complete", chunksDone: 3 },
    { ...symbol, symbol: "binance:ETHUSDT", status: "in_progress", chunksDone: 0, chunksFailed: 1 },
  ],
};

test("jobToWire(), counts symbols and takes the running one as current", () => {
  const answer = jobToWire(job);
  expect(v.parse(JobAnswer, JSON.parse(JSON.stringify(answer)))).toEqual(answer);
  expect(answer).toMatchObject({
    progress_pct: 66.6,
    symbols_completed: 1,
    symbols_total: 2,
    current_symbol: "binance:ETHUSDT",
    current_timeframe: null,
    date_range: { start: "2026-01-01T00:00:00.000Z", end: "2026-01-02T00:00:00.000Z" },
    started_at: null,
  });
  expect(answer.details.map(({ progress_pct }) => progress_pct)).toEqual([100, 33.3]);
});

test("jobToWire(), a symbol of a candle job is completed when all of its timeframes are", () => {
  const part = (name: string, timeframe: string, status: "complete" | "in_progress" | "error") => ({
    ...symbol,
    symbol: `binance:${name}`,
    timeframe,
    status,
    chunksDone: status === "complete" ? 3 : 0,
  });
  const answer = jobToWire({
    ...job,
    recordsUpdated: 1,
    recordsUnchanged: 1,
    symbols: [
      part("BTCUSDT", "1m", "complete"),
      part("BTCUSDT", "1h", "in_progress"),
      part("ETHUSDT", "1m", "complete"),
      part("ETHUSDT", "1h", "complete"),
      part("NOPE", "1m", "error"),
    ],
  });
  expect(answer).toMatchObject({
    symbols_completed: 1,
    symbols_total: 3,
    current_symbol: "binance:BTCUSDT",
    current_timeframe: "1h",
    total_records_updated: 1,
    total_records_unchanged: 1,
  });
  expect(recordsOf(answer)).toBe("candles");
  expect(recordsOf(jobToWire(job))).toBe("trades");
});

test("jobToWire(), a job with nothing to fetch is at 100 once it is complete", () => {
  const empty = { ...job, chunksTotal: 0, chunksDone: 0, chunksFailed: 0 };
  expect(jobToWire({ ...empty, status: "complete" }).progress_pct).toBe(100);
  expect(jobToWire({ ...empty, status: "pending" }).progress_pct).toBe(0);
});

test("donePercentage(), 100 means all", () => {
  expect([donePercentage(999_999, 1_000_000), donePercentage(5, 5), donePercentage(0, 0)]).toEqual([
    99.9, 100, 0,
  ]);
});

test("healthToWire(), ok only when nothing is left to wait for", () => {
  const facts = { running: false, chunksDone: 0, chunksTotal: 0, percentage: 0, etaSeconds: null };
  const health = JOB_STATUSES.map((status) => healthToWire({ ...facts, status }));
  for (const answer of health) expect(v.is(HealthAnswer, answer)).toBe(true);
  expect(health.filter(({ status }) => status === "ok").map((answer) => answer.backfill_status)).toEqual([
    "complete",
    "skipped",
    "disabled",
  ]);
  expect(health.filter((answer) => answer.backfill_complete)).toHaveLength(1);
});

test("startupToWire(), carries an error only when there is one", () => {
  const facts = {
    status: "error",
    running: false,
    chunksDone: 1,
    chunksTotal: 2,
    percentage: 50,
    etaSeconds: null,
  } as const;
  expect(startupToWire({ ...facts, error: "gone" })).toHaveProperty("error", "gone");
  expect(startupToWire(facts)).not.toHaveProperty("error");
});
