import {
  dayRange,
  type GridOf,
  MINUTES_PER_DAY,
  type MinuteContribution,
  type MinuteContributions,
} from "../../src/core/mod.ts";
import { seededRandom } from "../../tests/support/mod.ts";

/** Bins that every minute of a liquid day trades in: what the busiest ones of BTCUSDT reach. */
export const LIQUID_BINS_OF_MINUTE = 570;
export const LIQUID_GRID: GridOf = { scales: { priceScale: 2, sizeScale: 5 }, binUnits: 20 };
/** Lowest price, price units. */
export const LIQUID_LOW = 6_700_000;
/** Bins of a day's range: 6 % of the price. */
const DAY_BINS = 20_000;

/** A day of 1440 minutes in 570 bins each, reproducible; `bins` fewer of them. */
export function liquidDay(day: number, bins = LIQUID_BINS_OF_MINUTE): MinuteContributions {
  const random = seededRandom(day);
  const firstBin = Math.floor(LIQUID_LOW / LIQUID_GRID.binUnits);
  const minutes = Array.from({ length: MINUTES_PER_DAY }, (_, at) => {
    const first = firstBin + Math.floor(random() * (DAY_BINS - 2 * bins));
    return liquidMinute(dayRange(day).lo + at, first, bins, random);
  });
  return { ...LIQUID_GRID, minutes };
}

function liquidMinute(
  minute: number,
  first: number,
  length: number,
  random: () => number,
): MinuteContribution {
  const bins = new Float64Array(length);
  for (let i = 0, bin = first; i < length; i++, bin += 1 + Math.floor(random() * random() * 3)) bins[i] = bin;
  const binVolumes = bins.map(() => 1 + Math.floor(random() * random() * 200_000));
  const binBuyVolumes = binVolumes.map((volume) => Math.floor(volume * random()));
  const { binUnits } = LIQUID_GRID;
  const volume = binVolumes.reduce((sum, each) => sum + each, 0);
  const mean = BigInt(bins[length >> 1]! * binUnits);
  return {
    minute,
    open: bins[0]! * binUnits,
    close: bins.at(-1)! * binUnits,
    low: bins[0]! * binUnits,
    high: bins.at(-1)! * binUnits,
    volume,
    buyVolume: binBuyVolumes.reduce((sum, each) => sum + each, 0),
    quoteVolume: mean * BigInt(volume),
    squareVolume: mean ** 2n * BigInt(volume),
    count: 2 * length,
    rawCount: 3 * length,
    firstId: minute * 10_000,
    lastId: minute * 10_000 + 2 * length - 1,
    firstTimeUs: minute * 60_000_000,
    lastTimeUs: minute * 60_000_000 + 59_000_000,
    ...{ bins, binVolumes, binBuyVolumes },
  };
}
