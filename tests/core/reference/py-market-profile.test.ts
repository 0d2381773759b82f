import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import {
  foldSums,
  type MinuteContribution,
  parseSessionHours,
  parseUnits,
  SessionCalendar,
} from "../../../src/core/mod.ts";
import { testWithData } from "../../support/shared-data.ts";
import { csvRows } from "./lines.ts";

/**
 * py-market-profile's opening range (10 minutes) and initial balance (1 hour) of 65 half-hour bars of GOOG, stamped by the clock
 * of the US west coast. Its rule is ours: the extremes of the bars that begin inside the first minutes of the first session.
 */
testWithData(
  ["oracles/py-market-profile/google.csv", "oracles/py-market-profile/expected.json"],
  "SessionCalendar, gives the opening range and the initial balance of py-market-profile",
  ([bars = "", expectedPath = ""]) => {
    const { expected }: { expected: Record<string, number> } = JSON.parse(readFileSync(expectedPath, "utf8"));
    const calendar = new SessionCalendar({
      hours: parseSessionHours("06:30-13:00 America/Los_Angeles mon-fri"),
    });
    const minutes = csvRows(bars).map(([time = "", close = "", high = "", low = "", open = "", volume]) => {
      // Daylight-saving time on all of these days.
      const minute = Date.parse(`${time.replace(" ", "T")}-07:00`) / 60_000;
      const [o, h, l, c] = [open, high, low, close].map((price) => parseUnits(price, 4));
      return barAt(minute, { open: o!, high: h!, low: l!, close: c!, volume: Number(volume) });
    });
    const sessions = [...calendar.within({ lo: minutes[0]!.minute, hi: minutes.at(-1)!.minute + 1 })];
    expect(sessions.map(({ name }) => name)).toEqual([
      "2017-09-27",
      "2017-09-28",
      "2017-09-29",
      "2017-10-02",
      "2017-10-03",
    ]);
    const extremes = ({ lo, hi }: { readonly lo: number; readonly hi: number }) => {
      const { low, high } = foldSums(minutes.filter(({ minute }) => lo <= minute && minute < hi));
      return [low! / 10_000, high! / 10_000];
    };
    const { openingRange, initialBalance } = sessions[0]!;
    expect(extremes(openingRange)).toEqual([expected["or_low"]!, expected["or_high"]!]);
    expect(extremes(initialBalance)).toEqual([expected["ib_low"]!, expected["ib_high"]!]);
  },
);

/** A bar as a contribution of its first minute; the profile is of no matter here. */
function barAt(
  minute: number,
  bar: Pick<MinuteContribution, "open" | "high" | "low" | "close" | "volume">,
): MinuteContribution {
  const none = new Float64Array(0);
  return {
    ...bar,
    ...{
      minute,
      buyVolume: 0,
      quoteVolume: 0n,
      squareVolume: 0n,
      count: 1,
      rawCount: 1,
      firstId: 1,
      lastId: 1,
    },
    ...{ firstTimeUs: 0, lastTimeUs: 0, bins: none, binVolumes: none, binBuyVolumes: none },
  };
}
