import type { ConflatedState } from "../../src/push/mod.ts";

const NAMES =
  "VWAP POC VAH VAL HIGH LOW OPEN LAST CD rangeToday ORH ORL IBH IBL PDH PDL VAHprev VALprev POCprev VWAPprev".split(
    " ",
  );
/** 2026-01-02T00:00:00Z, ms. */
const DAY_MS = 1_767_312_000_000;

/** A level set in its wire form, of which a few values move each round, as those of a liquid symbol do. */
export function levelState(round: number): ConflatedState {
  const levels = Object.fromEntries(
    NAMES.map((name, at) => [name, at === 0 || at === 7 ? 42_000 + round / 100 : 42_000 + at]),
  );
  return {
    revision: round,
    fields: {
      symbol: "binance:BTCUSDT",
      session: "2026-01-02",
      as_of: new Date(DAY_MS + round * 100).toISOString(),
      levels,
      certainty: Object.fromEntries(NAMES.map((name) => [name, "exact"])),
      bounds: {},
      coverage: {
        expected_minutes: 622,
        covered_minutes: 301,
        ratio: 0.4839,
        missing: [["2026-01-02T05:01:00.000Z", "2026-01-02T10:22:00.000Z"]],
      },
      precision: "IMPRECISE (backfill 48.4%)",
      value_area: { method: "ranked", share: 0.7 },
      bin_size: 0.1,
      trade_count: 301_222 + round,
      volume: 1234.5 + round,
    },
  };
}
