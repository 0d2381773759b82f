import { expect, test } from "bun:test";
import { dayRange, parseDay } from "../../src/core/mod.ts";
import {
  parseCompareQuery,
  parseCompositeQuery,
  parseNakedPocsQuery,
  parsePeriodsQuery,
} from "../../src/protocol/mod.ts";

const CONTEXT = { symbol: "BTCUSDT", defaultVenue: "binance", nowMs: Date.parse("2026-01-03T12:00:00Z") };
const SYMBOL = { venue: "binance", symbol: "BTCUSDT" };
const day = (name: string) => dayRange(parseDay(name)!);

function raw(query: string): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const [name, value] of new URLSearchParams(query)) found[name] = [...(found[name] ?? []), value];
  return found;
}

test("parsePeriodsQuery(), the period and whole minutes, of so many periods at most", () => {
  expect(parsePeriodsQuery(raw("period=4h&from=2026-01-01&to=2026-01-02"), CONTEXT)).toMatchObject({
    value: { symbol: SYMBOL, period: "4h", range: { lo: day("2026-01-01").lo, hi: day("2026-01-02").hi } },
  });
  expect(parsePeriodsQuery(raw("period=1h&from=2025-11-01&to=2026-01-02"), CONTEXT)).toMatchObject({
    errors: [{ path: "query.to", expected: "an end at most 1000 periods of 1h after the start" }],
  });
});

test("parseCompareQuery(), two sessions, two windows, or one of each", () => {
  expect(parseCompareQuery(raw("a=2026-01-01&b=2026-01-02&value_area=one_row"), CONTEXT)).toMatchObject({
    value: { method: "one_row", a: { kind: "session", name: "2026-01-01" }, b: { name: "2026-01-02" } },
  });
  const mixed = raw("a=2026-01-01&b_from=2026-01-02&b_to=2026-01-02");
  expect(parseCompareQuery(mixed, CONTEXT)).toMatchObject({
    value: { a: { kind: "session" }, b: { kind: "range", range: day("2026-01-02") } },
  });
});

test("parseNakedPocsQuery() and parseCompositeQuery(), counts and names", () => {
  expect(parseNakedPocsQuery({}, CONTEXT)).toMatchObject({ value: { sessions: 20 } });
  expect(parseNakedPocsQuery(raw("sessions=250"), CONTEXT)).toMatchObject({ value: { sessions: 250 } });
  expect(parseCompositeQuery(raw("last=5&bins=false"), CONTEXT)).toMatchObject({
    value: { of: { kind: "last", count: 5 }, bins: false },
  });
  expect(parseCompositeQuery(raw("sessions=2026-01-02,2025-12-30"), CONTEXT)).toMatchObject({
    value: { of: { kind: "sessions", names: ["2026-01-02", "2025-12-30"] }, bins: true },
  });
});

const REFUSED: readonly [typeof parseCompareQuery | typeof parsePeriodsQuery, string, string][] = [
  [parsePeriodsQuery, "from=2026-01-01&to=2026-01-02", "query.period"],
  [parsePeriodsQuery, "period=2h&from=2026-01-01&to=2026-01-02", "query.period"],
  [parsePeriodsQuery, "period=1h&from=2026-01-01", "query.to"],
  [parseCompareQuery, "a=2026-01-01", "query.b"],
  [parseCompareQuery, "a=2026-01-01&b=yesterday", "query.b"],
  [parseCompareQuery, "a=2026-01-01&a_from=2026-01-01&b=2026-01-02", "query.a"],
  [parseCompareQuery, "a_from=2026-01-01&b=2026-01-02", "query.a"],
  [parseCompareQuery, "a_from=2026-01-02&a_to=2026-01-01&b=2026-01-02", "query.a_to"],
];

for (const [parse, query, path] of REFUSED)
  test(`${parse.name}(), ${query} is refused at ${path}`, () => {
    expect(parse(raw(query), CONTEXT)).toMatchObject({ kind: "refused", errors: [{ path }] });
  });

for (const query of [
  "",
  "last=0",
  "last=367",
  "sessions=2026-01-02&last=2",
  "sessions=2026-01-02,2026-01-02",
  "sessions=,",
])
  test(`parseCompositeQuery(), ${query === "" ? "nothing" : query} is refused`, () => {
    expect(parseCompositeQuery(raw(query), CONTEXT)).toMatchObject({ kind: "refused" });
  });

for (const query of ["sessions=0", "sessions=251", "sessions=ten", "value_area=ranked"])
  test(`parseNakedPocsQuery(), ${query} is refused`, () => {
    expect(parseNakedPocsQuery(raw(query), CONTEXT)).toMatchObject({ kind: "refused" });
  });
