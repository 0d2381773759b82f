import { expect, test } from "bun:test";
import { formatMinute, parseDay, utcSession } from "../../src/core/mod.ts";

const day = parseDay("2024-03-01")!;
const times = ({ lo, hi }: { readonly lo: number; readonly hi: number }) => [lo, hi].map(formatMinute);

test("utcSession(), is a UTC day with the day before, its opening range and its initial balance", () => {
  const session = utcSession(day);
  expect(session.name).toBe("2024-03-01");
  expect(times(session.range)).toEqual(["2024-03-01T00:00:00.000Z", "2024-03-02T00:00:00.000Z"]);
  expect(times(session.previous)).toEqual(["2024-02-29T00:00:00.000Z", "2024-03-01T00:00:00.000Z"]);
  expect(times(session.openingRange)).toEqual(["2024-03-01T08:00:00.000Z", "2024-03-01T08:10:00.000Z"]);
  expect(times(session.initialBalance)).toEqual(["2024-03-01T00:00:00.000Z", "2024-03-01T01:00:00.000Z"]);
});

test("utcSession(), takes other rules for the opening range and the initial balance", () => {
  const session = utcSession(day, { openingRange: { lo: 870, hi: 900 }, initialBalanceMinutes: 30 });
  expect(times(session.openingRange)).toEqual(["2024-03-01T14:30:00.000Z", "2024-03-01T15:00:00.000Z"]);
  expect(session.initialBalance.hi - session.initialBalance.lo).toBe(30);
});
