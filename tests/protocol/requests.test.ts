import { expect, test } from "bun:test";
import fc from "fast-check";
import { dayRange, decimal, formatDay, minuteOfMs, msOfMinute, parseDay } from "../../src/core/mod.ts";
import {
  coarserBy,
  type FieldFault,
  parseBackfillRequest,
  parseJobId,
  parseLevelsQuery,
  parseProfileQuery,
  parseRecentQuery,
  requestedRange,
} from "../../src/protocol/mod.ts";

const NOW_MS = Date.parse("2026-01-03T12:34:56.789Z");
const CONTEXT = { defaultVenue: "binance", nowMs: NOW_MS };
const GOOD = { symbols: ["BTCUSDT"], start_date: "2026-01-01", end_date: "2026-01-02" };

function problemOf(body: unknown) {
  const parsed = parseBackfillRequest(body, CONTEXT);
  if (parsed.kind === "request") throw new Error("the request was accepted");
  return parsed.problem;
}

function requestOf(body: unknown) {
  const parsed = parseBackfillRequest(body, CONTEXT);
  if (parsed.kind === "refused") throw new Error(parsed.problem.detail);
  return parsed;
}

test("parseBackfillRequest(), a date is a whole day and an end date is inclusive", () => {
  expect(requestOf(GOOD).request).toEqual({
    timeframes: [],
    symbols: [{ venue: "binance", symbol: "BTCUSDT" }],
    range: { lo: dayRange(parseDay("2026-01-01")!).lo, hi: dayRange(parseDay("2026-01-02")!).hi },
    order: "recent",
    priority: 0,
    force: false,
  });
});

test("parseBackfillRequest(), a symbol counts once", () => {
  const parsed = requestOf({ ...GOOD, symbols: ["btcusdt", "binance:BTCUSDT", "ETHUSDT"] });
  expect(parsed.request.symbols.map(({ symbol }) => symbol)).toEqual(["BTCUSDT", "ETHUSDT"]);
});

const many = Array.from({ length: 101 }, (_, at) => `S${at}`);
const REFUSED: readonly [string, unknown, Partial<FieldFault>][] = [
  ["an unknown field", { ...GOOD, sybmols: [] }, { path: "$.sybmols", expected: "no such field" }],
  [
    "no symbols at all",
    { start_date: "2026-01-01", end_date: "2026-01-02" },
    { path: "$.symbols", expected: "a value (the field is required)", received: "nothing" },
  ],
  ["an empty list of symbols", { ...GOOD, symbols: [] }, { path: "$.symbols", received: "[]" }],
  ["101 symbols", { ...GOOD, symbols: many }, { path: "$.symbols" }],
  [
    "a symbol that is none",
    { ...GOOD, symbols: ["BTCUSDT", "B T C"] },
    { path: "$.symbols[1]", received: '"B T C"' },
  ],
  ["a symbol that is a number", { ...GOOD, symbols: [5] }, { path: "$.symbols[0]", received: "5" }],
  [
    "a day that does not exist",
    { ...GOOD, start_date: "2026-02-30" },
    { path: "$.start_date", received: '"2026-02-30"' },
  ],
  ["a time on such a day", { ...GOOD, end_date: "2026-02-30T00:00:00Z" }, { path: "$.end_date" }],
  ["a time without a zone", { ...GOOD, end_date: "2026-01-02T00:00:00" }, { path: "$.end_date" }],
  ["a time before 1970", { ...GOOD, start_date: "1969-12-31" }, { path: "$.start_date" }],
  [
    "an end before its start",
    { ...GOOD, end_date: "2025-12-31" },
    { path: "$.end_date", received: '"2025-12-31"' },
  ],
  [
    "a range of no length",
    { ...GOOD, start_date: "2026-01-01T00:00:00Z", end_date: "2026-01-01T00:00:00Z" },
    { path: "$.end_date" },
  ],
  [
    "a range that has not begun",
    { ...GOOD, start_date: "2026-01-04", end_date: "2026-01-05" },
    { path: "$.start_date", expected: "a start before the running minute (2026-01-03T12:34:00.000Z)" },
  ],
  ["a range of years", { ...GOOD, start_date: "2020-01-01" }, { path: "$.end_date" }],
  [
    "too many symbol-days",
    { symbols: many.slice(0, 100), start_date: "2025-11-01", end_date: "2025-12-31" },
    { path: "$.symbols", received: "6100" },
  ],
  [
    "an order that is none",
    { ...GOOD, order: "newest" },
    { path: "$.order", expected: '"recent", "oldest" or "certify"', received: '"newest"' },
  ],
  ["a priority out of range", { ...GOOD, priority: 101 }, { path: "$.priority", received: "101" }],
  ["a priority with a fraction", { ...GOOD, priority: 0.5 }, { path: "$.priority" }],
  ["force as text", { ...GOOD, force: "true" }, { path: "$.force", expected: "true or false" }],
  [
    "another dataset",
    { ...GOOD, dataset: "books" },
    { path: "$.dataset", expected: '"trades" or "candles"' },
  ],
];

for (const [what, body, fault] of REFUSED)
  test(`parseBackfillRequest(), refuses ${what} and names the field`, () => {
    const problem = problemOf(body);
    expect(problem).toMatchObject({ type: "/problems/invalid-request", status: 422 });
    expect(problem.errors).toHaveLength(1);
    expect(problem.errors?.[0]).toMatchObject(fault);
    for (const text of Object.values(problem.errors![0]!)) expect(text).not.toBe("");
  });

test("parseBackfillRequest(), tells every fault at once", () => {
  const { errors, detail } = problemOf({ symbols: ["?"], start_date: "x", end_date: "y" });
  expect(errors?.map(({ path }) => path)).toEqual(["$.symbols[0]", "$.start_date", "$.end_date"]);
  expect(detail).toEndWith("(and 2 more, see errors)");
  expect(problemOf({ symbols: 1, order: 2 }).errors?.map(({ path }) => path)).toEqual([
    "$.symbols",
    "$.start_date",
    "$.end_date",
    "$.order",
  ]);
});

test("parseBackfillRequest(), refuses what is no object", () => {
  for (const body of [null, [], "x", 1]) expect(problemOf(body).errors?.[0]?.path).toBe("$");
});

test("parseBackfillRequest(), timeframes make it a candle job, each counts once, and 1m is the default of candles", () => {
  const timeframes = (more: object) => requestOf({ ...GOOD, ...more }).request.timeframes;
  expect(timeframes({ timeframes: ["1h", "1m", "1h"] })).toEqual(["1h", "1m"]);
  expect(timeframes({ timeframes: ["1w"], dataset: "candles" })).toEqual(["1w"]);
  expect(timeframes({ dataset: "candles" })).toEqual(["1m"]);
  expect(timeframes({ dataset: "trades" })).toEqual([]);
  const years = { start_date: "2017-01-01", end_date: "2026-01-01", timeframes: ["1d"] };
  expect(timeframes({ ...years, symbols: Array.from({ length: 100 }, (_, n) => `S${n}`) })).toEqual(["1d"]);
});

test("parseBackfillRequest(), refuses timeframes that are none, more than eight, or beside trades", () => {
  const nine = ["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h"];
  for (const more of [
    { timeframes: [] },
    { timeframes: null },
    { timeframes: nine },
    { timeframes: ["1m"], dataset: "trades" },
  ])
    expect(problemOf({ ...GOOD, ...more }).errors?.map(({ path }) => path)).toEqual(["$.timeframes"]);
  expect(problemOf({ ...GOOD, timeframes: ["1m", "7m"] }).errors?.[0]).toMatchObject({
    path: "$.timeframes[1]",
    received: '"7m"',
  });
});

test("parseBackfillRequest(), the certify order is of trades", () => {
  expect(requestOf({ ...GOOD, order: "certify" }).request.order).toBe("certify");
  expect(problemOf({ ...GOOD, order: "certify", timeframes: ["1h"] }).errors).toMatchObject([
    { path: "$.order", expected: '"recent" or "oldest" for candles', received: '"certify"' },
  ]);
  expect(problemOf({ ...GOOD, order: "best" }).errors?.[0]).toMatchObject({
    path: "$.order",
    expected: '"recent", "oldest" or "certify"',
  });
});

const at = (text: string) => ({ path: "$.x", text });
const rangeOf = (start: string, end: string) =>
  requestedRange({ start: at(start), end: at(end), nowMs: NOW_MS, daysMax: 366 });

test("requestedRange(), times widen to whole minutes and their end is exclusive", () => {
  const lo = minuteOfMs(Date.parse("2026-01-01T10:00:00Z"));
  expect(rangeOf("2026-01-01T10:00:30Z", "2026-01-01T10:01:00.001Z")).toEqual({
    kind: "range",
    range: { lo, hi: lo + 2 },
  });
  expect(rangeOf("2026-01-01T10:00:00Z", "2026-01-01T10:01:00Z")).toEqual({
    kind: "range",
    range: { lo, hi: lo + 1 },
  });
  expect(rangeOf("2026-01-01T12:00:00+02:00", "2026-01-01t12:01:00+02:00")).toEqual({
    kind: "range",
    range: { lo, hi: lo + 1 },
  });
});

test("requestedRange(), an end to come is cut to the running minute", () => {
  const found = rangeOf("2026-01-03", "2026-01-09");
  expect(found).toEqual({
    kind: "range",
    range: { lo: dayRange(parseDay("2026-01-03")!).lo, hi: minuteOfMs(NOW_MS) },
  });
});

test("requestedRange(), days give exactly their minutes", () => {
  const first = parseDay("2025-06-01")!;
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 15 }), (skip, more) => {
      const found = rangeOf(formatDay(first + skip), formatDay(first + skip + more));
      expect(found).toEqual({
        kind: "range",
        range: {
          lo: dayRange(first + skip).lo,
          hi: Math.min(dayRange(first + skip + more).hi, minuteOfMs(NOW_MS)),
        },
      });
    }),
  );
});

test("requestedRange(), answers whole minutes that have ended and hold the times asked for", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: NOW_MS - 30 * 86_400_000, max: NOW_MS - 60_000 }),
      fc.integer({ min: 1, max: 86_400_000 }),
      (startMs, length) => {
        const found = rangeOf(new Date(startMs).toISOString(), new Date(startMs + length).toISOString());
        if (found.kind === "refused") throw new Error("refused");
        const { lo, hi } = found.range;
        expect(msOfMinute(lo)).toBeLessThanOrEqual(startMs);
        expect(msOfMinute(hi)).toBeGreaterThanOrEqual(
          Math.min(startMs + length, msOfMinute(minuteOfMs(NOW_MS))),
        );
        expect(hi).toBeLessThanOrEqual(minuteOfMs(NOW_MS));
        expect(hi).toBeGreaterThan(lo);
      },
    ),
  );
});

test("parseLevelsQuery(), understands all of its parameters", () => {
  expect(
    parseLevelsQuery(
      { symbol: ["ethusdt"], session: ["2026-01-02"], value_area: ["two_row"], bin_size: ["0.50"] },
      CONTEXT,
    ),
  ).toEqual({
    kind: "ok",
    value: {
      symbol: { venue: "binance", symbol: "ETHUSDT" },
      session: "2026-01-02",
      method: "two_row",
      binSize: decimal(5, 1),
    },
  });
  expect(parseLevelsQuery({}, CONTEXT)).toEqual({ kind: "ok", value: {} });
});

test("parseLevelsQuery(), refuses by name", () => {
  const cases: [Record<string, string[]>, string][] = [
    [{ symbol: ["?"] }, "query.symbol"],
    [{ session: ["2026-13-01"] }, "query.session"],
    [{ session: ["1960-01-01"] }, "query.session"],
    [{ value_area: ["mode"] }, "query.value_area"],
    [{ bin_size: ["0"] }, "query.bin_size"],
    [{ bin_size: ["1e-3"] }, "query.bin_size"],
    [{ bin_size: ["-1"] }, "query.bin_size"],
    [{ bin_size: ["0.0000000000000000001"] }, "query.bin_size"],
    [{ bin_size: ["1", "2"] }, "query.bin_size"],
    [{ share: ["0.8"] }, "query.share"],
  ];
  for (const [raw, path] of cases) {
    const parsed = parseLevelsQuery(raw, CONTEXT);
    expect(parsed.kind === "refused" ? parsed.errors.map((fault) => fault.path) : []).toEqual([path]);
  }
  const twice = parseLevelsQuery({ symbol: ["ETHUSDT"] }, { ...CONTEXT, symbol: "BTCUSDT" });
  expect(twice).toMatchObject({ kind: "refused", errors: [{ path: "query.symbol" }] });
});

test("parseProfileQuery(), needs both ends and at most a year", () => {
  const context = { ...CONTEXT, symbol: "BTCUSDT" };
  expect(parseProfileQuery({ from: ["2026-01-02"], to: ["2026-01-02"] }, context)).toEqual({
    kind: "ok",
    value: {
      symbol: { venue: "binance", symbol: "BTCUSDT" },
      range: dayRange(parseDay("2026-01-02")!),
      bins: true,
    },
  });
  expect(
    parseProfileQuery({ from: ["2026-01-02"], to: ["2026-01-02"], bins: ["false"] }, context),
  ).toMatchObject({ value: { bins: false } });
  expect(parseProfileQuery({}, context)).toMatchObject({
    kind: "refused",
    errors: [{ path: "query.from", received: "nothing" }, { path: "query.to" }],
  });
  expect(parseProfileQuery({ from: ["2025-01-01"], to: ["2026-01-02"] }, context)).toMatchObject({
    kind: "refused",
    errors: [{ path: "query.to", expected: "an end at most 366 days after the start" }],
  });
});

test("parseRecentQuery() and parseJobId(), bounds and spelling", () => {
  expect(parseRecentQuery({})).toEqual({ kind: "ok", value: { limit: 20 } });
  expect(parseRecentQuery({ limit: ["100"] })).toEqual({ kind: "ok", value: { limit: 100 } });
  for (const limit of ["0", "101", "1.5", "ten", ""])
    expect(parseRecentQuery({ limit: [limit] })).toMatchObject({
      kind: "refused",
      errors: [{ path: "query.limit" }],
    });
  expect(parseJobId("0190B8A4-0000-7000-8000-000000000001")).toEqual({
    kind: "ok",
    value: "0190b8a4-0000-7000-8000-000000000001",
  });
  expect(parseJobId("17")).toMatchObject({
    kind: "refused",
    errors: [{ path: "path.job_id", received: '"17"' }],
  });
});

test("coarserBy(), whole multiples only", () => {
  expect(coarserBy(decimal(5, 1), 50, 2)).toBe(1);
  expect(coarserBy(decimal(2, 0), 50, 2)).toBe(4);
  expect(coarserBy(decimal(75, 2), 50, 2)).toBeUndefined();
  expect(coarserBy(decimal(25, 2), 50, 2)).toBeUndefined();
  expect(coarserBy(decimal(1, 3), 50, 2)).toBeUndefined();
  expect(coarserBy(decimal(10n ** 17n, 0), 50, 2)).toBeUndefined();
});
