import type { RouteContract } from "../contract/mod.ts";
import { BarsParameters, NoParameters, WireBars, WireSymbols } from "../protocol/mod.ts";
import { ASKING, EXAMPLE_DAY, EXAMPLE_SYMBOL, OF_SYMBOL, WINDOWS } from "./contract-parts.ts";

const path = { symbol: EXAMPLE_SYMBOL };

export const BARS: RouteContract = {
  operation: "getBars",
  tag: "levels",
  description:
    "Of trades, else of the venue's candles: `covered` says how much of a bar trades cover. Ascending, without a hole; both ends are widened to whole bars. Without `from`, the newest `limit` bars before `to`. `next` names the page that follows.",
  path: OF_SYMBOL,
  query: BarsParameters,
  answer: { status: 200, about: "The bars.", schema: WireBars },
  problems: WINDOWS,
  examples: {
    newest: { about: "The ten newest minutes.", path, query: { interval: "1m", limit: "10" } },
    a_day: {
      about: "The hours of a day.",
      path,
      query: { interval: "1h", from: EXAMPLE_DAY, to: EXAMPLE_DAY },
    },
    no_such_interval: {
      about: "An interval that there is not.",
      path,
      query: { interval: "2m" },
      problem: "invalid-query",
    },
  },
};

export const SYMBOLS: RouteContract = {
  operation: "listSymbols",
  tag: "levels",
  query: NoParameters,
  answer: { status: 200, about: "Those of SYMBOLS first, in their order.", schema: WireSymbols },
  problems: ASKING,
  examples: {
    all: {
      about: "All of them.",
      answer: {
        symbols: [
          {
            symbol: EXAMPLE_SYMBOL,
            followed: true,
            price_scale: 2,
            size_scale: 5,
            tick_size: 0.01,
            lot_size: 0.00001,
            bin_size: 0.01,
            covered_from: "2026-01-01T00:00:00.000Z",
            covered_to: "2026-01-03T12:34:00.000Z",
            covered_minutes: 3634,
          },
        ],
        timestamp: "2026-01-03T12:34:56.789Z",
      },
    },
  },
};
