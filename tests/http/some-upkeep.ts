import { symbolName } from "../../src/core/mod.ts";
import type { UpkeepReads } from "../../src/http/mod.ts";
import { DAY, SESSION } from "../protocol/known-sets.ts";

const { lo } = SESSION.range;
const AS_OF_MS = Date.parse("2026-01-03T12:34:56.789Z");

/** A session of BTCUSDT with one minute missing and one that contradicts the venue. */
export const SOME_UPKEEP: UpkeepReads = {
  session({ symbol, session }) {
    if (symbolName(symbol) !== "binance:BTCUSDT")
      return { kind: "unknown_symbol", symbol: symbolName(symbol) };
    if (session === "2026-01-04")
      return { kind: "no_session", name: session, nearest: ["2026-01-02", "2026-01-05"] };
    const answer = {
      symbol: "binance:BTCUSDT",
      session: DAY,
      range: SESSION.range,
      expectedMinutes: 622,
      coveredMinutes: 621,
      mismatchingMinutes: 1,
      uncheckedMinutes: 4,
      gaps: 1,
      trades: 12_000,
      aggregates: 9_000,
      lastTrade: { price: 4_210_050, scale: 2, timeUs: lo * 60_000_000 + 1_500_999, id: 77 },
      live: { state: "receiving", receivingFrom: lo + 600, breaks: 1, duplicates: 3, dropped: 2 },
      revision: 812,
      asOfMs: AS_OF_MS,
    } as const;
    return { kind: "found", answer };
  },
  gaps({ symbol, range = SESSION.range }) {
    if (symbolName(symbol) !== "binance:BTCUSDT")
      return { kind: "unknown_symbol", symbol: symbolName(symbol) };
    const times = { foundAtMs: AS_OF_MS, filledAtMs: undefined };
    const answer = {
      symbol: "binance:BTCUSDT",
      range,
      gaps: [{ range: { lo, hi: lo + 1 }, reason: "not_received", state: "pending", ...times }],
      mismatches: [
        {
          minute: lo + 5,
          field: "quoteVolume",
          ours: "12.5",
          theirs: "12.50000001",
          foundAtMs: AS_OF_MS,
          refetchedAtMs: undefined,
        },
      ],
      truncated: false,
      revision: 812,
      asOfMs: AS_OF_MS,
    } as const;
    return { kind: "found", answer };
  },
};
