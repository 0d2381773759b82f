import { describe, expect, test } from "bun:test";
import {
  type CertifyGrid,
  minuteBounds,
  mostVolumeDifference,
  type SkeletonCandle,
  type UnseenMinute,
  unseenMinute,
} from "../../../src/core/mod.ts";
import { candleOf, everyMinute, type SmallTrade, TOLD, type Told } from "./small-minutes.ts";

/** Minutes that one candle stands for: their volume per bin, each distinct one once. */
interface Look {
  readonly candle: SkeletonCandle;
  readonly rows: readonly (readonly number[])[];
}

function binsOf(
  trades: readonly SmallTrade[],
  { binUnits }: CertifyGrid,
  first: number,
  last: number,
): number[] {
  const rows = Array.from({ length: last - first + 1 }, () => 0);
  for (const { price, size } of trades) rows[Math.floor(price / binUnits) - first]! += size;
  return rows;
}

/** All minutes, gathered under the candle that a venue would show of them. */
function looksOf(minutes: Iterable<readonly SmallTrade[]>, told: Told, grid: CertifyGrid): Look[] {
  const looks = new Map<string, { candle: SkeletonCandle; rows: Map<string, number[]> }>();
  for (const trades of minutes) {
    const candle = candleOf(trades, told);
    const key = Object.values(candle).join();
    let look = looks.get(key);
    if (look === undefined) {
      look = { candle, rows: new Map() };
      looks.set(key, look);
    }
    const bins = binsOf(
      trades,
      grid,
      Math.floor(candle.low / grid.binUnits),
      Math.floor(candle.high / grid.binUnits),
    );
    look.rows.set(bins.join(), bins);
  }
  return [...looks.values()].map(({ candle, rows }) => ({ candle, rows: [...rows.values()] }));
}

function ready(candle: SkeletonCandle, grid: CertifyGrid): UnseenMinute {
  const minute = unseenMinute(candle, grid)!;
  expect([minute.inconsistent, candle]).toEqual([undefined, candle]);
  return minute;
}

const WORLDS: readonly (readonly [
  name: string,
  grid: CertifyGrid,
  prices: number[],
  sizes: number[],
  most: number,
])[] = [
  ["a bin for each price", { binUnits: 1 }, [10, 11, 12, 13], [1, 2, 5], 3],
  ["bins of two prices", { binUnits: 2 }, [9, 10, 11, 13], [1, 3], 3],
  ["more trades at three prices", { binUnits: 1 }, [20, 21, 23], [1, 4], 4],
  ["ticks and lots", { binUnits: 20, tickUnits: 10, lotUnits: 5 }, [100, 110, 120, 150], [5, 20], 3],
  ["bins finer than ticks", { binUnits: 5, tickUnits: 10 }, [100, 110, 130], [1, 7], 3],
];

describe("minuteBounds(), mostVolumeDifference()", () => {
  for (const [name, grid, prices, sizes, most] of WORLDS) {
    for (const told of TOLD) {
      test(`hold every minute that a candle can stand for: ${name}, ${told}`, () => {
        for (const { candle, rows } of looksOf(everyMinute(prices, sizes, most), told, grid)) {
          const minute = ready(candle, grid);
          const { firstBin, lower, upper } = minuteBounds(minute);
          for (const bins of rows) {
            expect(bins.length).toBe(lower.length);
            for (const [i, volume] of bins.entries()) {
              if (volume < lower[i]! || volume > upper[i]!)
                throw new Error(`${JSON.stringify(bins)} outside [${lower}]..[${upper}]`);
              for (const [j, other] of bins.entries()) {
                if (i === j) continue;
                const ahead = mostVolumeDifference(minute, firstBin + i, firstBin + j);
                if (volume - other > ahead || ahead > upper[i]! - lower[j]!)
                  throw new Error(`${volume} − ${other} against ${ahead}`);
              }
            }
          }
        }
      });
    }
  }

  test("are the tightest where one trade, two trades, one price or two prices are all there is", () => {
    const minutes = [...everyMinute([10, 11, 12, 13], [1, 2, 5], 3)];
    const grid = { binUnits: 1 };
    let known = 0;
    for (const { candle, rows } of looksOf(minutes, "all", grid)) {
      const few = (candle.rawCount ?? 0) < 3 || candle.high - candle.low < 2;
      if (!few) continue;
      const { lower, upper } = minuteBounds(ready(candle, grid));
      expect(rows).toEqual([[...lower]]);
      expect(upper).toEqual(lower);
      known++;
    }
    expect(known).toBeGreaterThan(300);
  });

  test("are as tight as the mean allows: the hull of all minutes with many small trades", () => {
    // 12 lots at three prices, open 10, close 12: what one lot more or less makes of the bounds is reached.
    const grid = { binUnits: 1 };
    for (let middle = 1; middle <= 8; middle++) {
      const hull = { low: [Infinity, Infinity, Infinity], high: [0, 0, 0] };
      const quote = 120 + 12 + (middle - 4);
      for (let a = 1; a <= 10; a++)
        for (let c = 1; a + c <= 12; c++) {
          const bins = [a, 12 - a - c, c];
          if (10 * bins[0]! + 11 * bins[1]! + 12 * bins[2]! !== quote) continue;
          for (const i of [0, 1, 2]) {
            hull.low[i] = Math.min(hull.low[i]!, bins[i]!);
            hull.high[i] = Math.max(hull.high[i]!, bins[i]!);
          }
        }
      const candle = {
        minute: 0,
        open: 10,
        high: 12,
        low: 10,
        close: 12,
        volume: 12,
        quoteVolume: BigInt(quote),
      };
      const { lower, upper } = minuteBounds(ready(candle, grid));
      // A bin between the ends is not known to be needed, though parity may ask for a lot in it.
      expect([lower[0]!, lower[2]!]).toEqual([hull.low[0]!, hull.low[2]!]);
      expect(hull.low[1]! - lower[1]!).toBeLessThanOrEqual(1);
      expect([...upper]).toEqual(hull.high);
    }
  });
});
