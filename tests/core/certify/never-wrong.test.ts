import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { certifyOrder, pocOfState } from "../../../src/core/mod.ts";
import { seededRandom } from "../../support/trades.ts";
import { madeDay, SHAPES } from "./made-days.ts";
import { chunksOf, expectNoFalsehood, load, skeletonOf, truthOf } from "./no-falsehood.ts";

const DAYS_PER_SHAPE = 80;

describe("ProfileState, pocOfState(): nothing claimed is false, after every single commit", () => {
  for (const shape of SHAPES) {
    test(`${DAYS_PER_SHAPE} days, ${shape}, in any order`, () => {
      fc.assert(
        fc.property(
          fc.integer(),
          fc.constantFrom(1, 3, 5),
          fc.constantFrom({ binUnits: 4 }, { binUnits: 1 }, { binUnits: 7 }),
          fc.boolean(),
          (seed, chunkMinutes, grid, sided) => {
            const random = seededRandom(seed);
            const day = madeDay(shape, { random, minutes: 12 + Math.floor(random() * 12), grid, sided });
            const truth = truthOf(day);
            const state = skeletonOf(day);
            expectNoFalsehood(state, truth);
            let pending = chunksOf(day.range, chunkMinutes);
            const certifies = random() < 0.5;
            while (pending.length > 0) {
              const next = certifies
                ? certifyOrder(state, pending)[0]!
                : pending[Math.floor(random() * pending.length)]!;
              pending = pending.filter((chunk) => chunk !== next);
              load(state, day, next);
              expectNoFalsehood(state, truth);
            }
            expect(pocOfState(state)).toEqual({ kind: "certain", bin: truth.poc });
          },
        ),
        { numRuns: DAYS_PER_SHAPE },
      );
    });
  }
});
