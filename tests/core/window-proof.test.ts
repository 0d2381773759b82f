import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  contributionRows,
  foldMinutes,
  Profile,
  ProfileState,
  type ProvenBin,
  provenArea,
  VALUE_AREA_METHODS,
  valueArea,
} from "../../src/core/mod.ts";
import { batchOfTrades, madeTrades, seededRandom } from "../support/trades.ts";

const SHARE = { part: 7, whole: 10 };
const BIN_UNITS = 2;

function holds(of: ProvenBin, bin: number): boolean {
  return of.kind === "certain" ? of.bin === bin : of.low <= bin && bin <= of.high;
}

function guess(of: ProvenBin): number {
  return of.kind === "certain" ? of.bin : of.estimate;
}

test("provenArea(), holds the complete profile's area and keeps VAL ≤ POC ≤ VAH, ends and guesses alike", () => {
  const method = fc.constantFrom(...VALUE_AREA_METHODS);
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 150 }), method, (seed, count, method) => {
      const batch = batchOfTrades(madeTrades(seed, { count, fromMs: 0, toMs: 1_200_000 }));
      const { minutes } = foldMinutes(batch, BIN_UNITS);
      const profile = new Profile();
      for (const minute of minutes) profile.add(contributionRows(minute));
      const final = valueArea(profile.rows(), method, { share: SHARE })!;
      const state = new ProfileState({ binUnits: BIN_UNITS });
      for (const { squareVolume: _, ...candle } of minutes) state.addCandle(candle);
      const random = seededRandom(seed);
      for (const minute of [...minutes].sort(() => random() - 0.5)) {
        const area = provenArea(state, method, SHARE)!;
        for (const name of ["poc", "vah", "val"] as const) expect(holds(area[name], final[name])).toBe(true);
        const guesses = [area.val, area.poc, area.vah].map(guess);
        expect(guesses).toEqual([...guesses].sort((a, b) => a - b));
        state.cover(minute.minute, minute);
      }
      const { poc, vah, val } = final;
      expect(provenArea(state, method, SHARE)).toEqual({
        poc: { kind: "certain", bin: poc },
        vah: { kind: "certain", bin: vah },
        val: { kind: "certain", bin: val },
      });
    }),
    { numRuns: 60 },
  );
});

test("provenArea(), nothing traded, nothing to prove", () => {
  expect(provenArea(new ProfileState({ binUnits: BIN_UNITS }), "ranked", SHARE)).toBeUndefined();
});
