import { expect, test } from "bun:test";
import fc from "fast-check";
import { binUnitsAt, foldInTurns } from "../../src/backfill/contributions-of.ts";
import { foldMinutes } from "../../src/core/mod.ts";
import { instantTurns } from "../support/fake-clock.ts";
import { batchOfTrades, madeTrades, seededRandom } from "../support/trades.ts";

const START_MS = 28_000_000 * 60_000;

test("foldInTurns(), gives what one fold gives, also where times run back over minutes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.integer({ min: 1, max: 45_000 }),
      fc.constantFrom(1, 3, 40),
      fc.constantFrom(0, 400, 90_000),
      async (seed, count, minutes, disorderMs) => {
        const random = seededRandom(seed);
        const made = madeTrades(seed, { count, fromMs: START_MS, toMs: START_MS + minutes * 60_000 });
        const trades = made.map((trade) => ({
          ...trade,
          timeMs: trade.timeMs + (random() < 0.01 ? Math.floor(random() * disorderMs) : 0),
        }));
        const batch = batchOfTrades(trades);
        let turns = 0;
        const folded = await foldInTurns(
          batch,
          5,
          instantTurns(() => turns++),
        );
        expect(folded).toEqual(foldMinutes(batch, 5));
        if (disorderMs === 0 && minutes === 40 && count > 25_000) expect(turns).toBeGreaterThan(1);
      },
    ),
    { numRuns: 25 },
  );
}, 20_000);

test("binUnitsAt(), bins keep their width at finer scales", () => {
  expect(binUnitsAt({ priceScale: 2, binUnits: 5 }, { priceScale: 4, sizeScale: 0 })).toBe(500);
});
