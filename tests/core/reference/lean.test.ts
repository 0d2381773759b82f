import { expect } from "bun:test";
import { Profile, parseUnits, pocIndex, valueArea } from "../../../src/core/mod.ts";
import { testWithData } from "../../support/shared-data.ts";
import { csvRows } from "./lines.ts";

/**
 * QuantConnect's Lean, indicators VolumeProfile(3) and TimeProfile(3), on 21 daily bars. Its rule: a bar's volume (or 1, for
 * the time profile) stands on the row of its close, rounded up to 0.05; the profile is that of the last three bars; the
 * value area of 70 % grows by the larger neighbour among the rows that traded, and up on a tie: `one_row` with
 * `emptyRows: "skip"`. On equal volumes its POC is the row nearest the middle by its place in the list, ours by its price;
 * among three rows both are the middle one.
 */
const BARS = 3;
/** Prices at 10^-6; rows of 0.05. */
const PRICE_SCALE = 6;
const ROW_UNITS = 50_000;

for (const [file, weigh] of [
  ["oracles/lean/vp_datatest.csv", (volume: string) => Number(volume)],
  ["oracles/lean/tp_datatest.csv", () => 1],
] as const) {
  testWithData([file], `valueArea(), equals Lean after each of 19 bars: ${file}`, ([path = ""]) => {
    const bars = csvRows(path);
    let compared = 0;
    for (const [i, bar] of bars.entries()) {
      const expected = bar.slice(7).map(Number);
      if (bar[7] === "") continue;
      const profile = new Profile();
      for (const [, , , , close = "", , volume = ""] of bars.slice(i - BARS + 1, i + 1))
        profile.add({
          bins: Float64Array.of(Math.ceil(parseUnits(close, PRICE_SCALE) / ROW_UNITS)),
          volumes: Float64Array.of(weigh(volume)),
          buyVolumes: Float64Array.of(0),
        });
      const rows = profile.rows();
      const area = valueArea(rows, "one_row", { emptyRows: "skip" })!;
      const price = (row: number | undefined) => Math.round(row! * 5) / 100;
      const [poc, pocVolume, high, low, share, vah, val] = expected;
      expect([area.poc, rows.bins.at(-1), rows.bins[0], area.vah, area.val].map(price)).toEqual([
        poc!,
        high!,
        low!,
        vah!,
        val!,
      ]);
      expect(rows.volumes[pocIndex(rows)!]).toBe(pocVolume!);
      // Their column VA is the threshold, 70 % of the volume, in doubles.
      expect(profile.total * 0.7).toBeCloseTo(share!, 6);
      compared++;
    }
    expect([bars.length, compared]).toEqual([21, 19]);
  });
}
