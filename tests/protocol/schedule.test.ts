import { expect, test } from "bun:test";
import { formatMinute } from "../../src/core/mod.ts";
import { type RelativeRange, requestOfTemplate, scheduledRange } from "../../src/protocol/mod.ts";

const DUE = Date.parse("2026-03-01T02:30:45Z");

function minutes(range: RelativeRange): string {
  const { lo, hi } = scheduledRange(range, DUE);
  return `${formatMinute(lo).slice(0, 16)} ${formatMinute(hi).slice(0, 16)}`;
}

test("scheduledRange(), whole UTC days before the day of the due time, or minutes before its minute", () => {
  expect(minutes({ days_back: 1 })).toBe("2026-02-28T00:00 2026-03-01T00:00");
  expect(minutes({ days_back: 3 })).toBe("2026-02-26T00:00 2026-03-01T00:00");
  expect(minutes({ minutes_back: 90 })).toBe("2026-03-01T01:00 2026-03-01T02:30");
});

test("requestOfTemplate(), a backfill request with its dates, and without the range", () => {
  const template = { symbols: ["BTCUSDT"], range: { days_back: 1 }, timeframes: ["1h"] };
  expect(requestOfTemplate(template, scheduledRange(template.range, DUE))).toEqual({
    symbols: ["BTCUSDT"],
    timeframes: ["1h"],
    start_date: "2026-02-28T00:00:00.000Z",
    end_date: "2026-03-01T00:00:00.000Z",
  });
});
