import {
  DEFAULT_SHARE,
  deriveLevels,
  foldMinutes,
  foldSums,
  foldWindow,
  type KnownWindow,
  type LevelSet,
  type MinuteRange,
  msOfMinute,
  parseDay,
  TradeBatchBuilder,
  utcSession,
  type WindowFold,
} from "../../src/core/mod.ts";
import type { KnownProfile } from "../../src/protocol/mod.ts";

const SCALES = { priceScale: 2, sizeScale: 3 };
const BIN_UNITS = 50;
export const DAY = "2026-01-02";
export const SESSION = utcSession(parseDay(DAY)!);

/** Three trades in the first minutes of the day: at 100.50 (2 bought), 101.00 (1 sold), 100.50 (0.5 sold). */
function dayFold() {
  const builder = new TradeBatchBuilder("aggregate", SCALES);
  const startUs = msOfMinute(SESSION.range.lo) * 1_000;
  const trades = [
    ["100.50", "2", true],
    ["101.00", "1", false],
    ["100.50", "0.5", false],
  ] as const;
  for (const [at, [price, size, buy]] of trades.entries())
    builder.push({ id: at, timeUs: startUs + at * 60_000_000, price, size, firstId: at, lastId: at, buy });
  return foldMinutes(builder.build(), BIN_UNITS).minutes;
}

function window(range: MinuteRange, covered: number): KnownWindow<WindowFold> {
  const minutes = dayFold().filter(({ minute }) => range.lo <= minute && minute < range.hi);
  const missing = [{ lo: range.lo + covered, hi: range.hi }].filter(({ lo, hi }) => lo < hi);
  return {
    fold: foldWindow(minutes),
    coverage: { expectedMinutes: range.hi - range.lo, coveredMinutes: covered, missing },
    whole: missing.length === 0,
  };
}

/** The level set of {@link DAY} with its first `covered` minutes known. */
export function someLevelSet({
  symbol = "binance:BTCUSDT",
  covered = 10,
  revision = 7,
}: {
  symbol?: string;
  covered?: number;
  revision?: number;
} = {}): LevelSet {
  const sums = {
    fold: foldSums([]),
    coverage: { expectedMinutes: 10, coveredMinutes: 0, missing: [] },
    whole: false,
  };
  return deriveLevels({
    symbol,
    session: SESSION,
    asOfMs: msOfMinute(SESSION.range.hi),
    nowMinute: SESSION.range.lo + 485,
    revision,
    scales: SCALES,
    binUnits: BIN_UNITS,
    current: window(SESSION.range, covered),
    previous: window(SESSION.previous, 0),
    openingRange: sums,
    initialBalance: window(SESSION.initialBalance, 60),
  });
}

export function someProfile({
  symbol = "binance:BTCUSDT",
  range = SESSION.range,
  coarser = 1,
}: {
  symbol?: string;
  range?: MinuteRange;
  coarser?: number;
} = {}): KnownProfile {
  return {
    symbol,
    range,
    asOfMs: msOfMinute(SESSION.range.hi),
    revision: 7,
    scales: SCALES,
    binUnits: BIN_UNITS,
    window: window(range, range.hi - range.lo),
    method: "ranked",
    share: DEFAULT_SHARE,
    coarser,
  };
}
