import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  autoBinUnits,
  binUnitsOf,
  DecimalError,
  InvariantError,
  parseBinChoices,
} from "../../src/core/mod.ts";

const STEPS = Array.from({ length: 16 }, (_, k) =>
  [1n, 2n, 5n].map((step) => step * 10n ** BigInt(k)),
).flat();

test.each([
  ["XRPETH: one unit where the price is small", 141_342, 1, 1],
  ["BTCUSDT at 42,123.45: 0.1", 4_212_345, 1, 10],
  ["a tick size that does not divide 10: 0.25", 4_000_000, 25, 50],
  ["just at a step", 500_000 * 20, 1, 20],
  ["just above a step", 500_000 * 20 + 1, 1, 50],
  ["a tick size that divides no step: its smallest multiple", 5_000_000, 3, 12],
  ["a tick size wider than needed", 100, 1_000, 1_000],
])("autoBinUnits(), %s", (_, price, tick, expected) => {
  expect(autoBinUnits(price, tick)).toBe(expected);
});

test("autoBinUnits(), is the smallest step that is wide enough and a multiple of the tick size", () => {
  const tick = fc.oneof(fc.constantFrom(1, 2, 5, 10, 25, 100, 125), fc.integer({ min: 1, max: 5_000 }));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e15 }), tick, (price, tick) => {
      const fits = (units: bigint) => units * 500_000n >= BigInt(price) && units % BigInt(tick) === 0n;
      const found = BigInt(autoBinUnits(price, tick));
      const expected = STEPS.find(fits);
      if (expected !== undefined) expect(found).toBe(expected);
      else expect([fits(found), found === BigInt(tick) || !fits(found - BigInt(tick))]).toEqual([true, true]);
    }),
  );
});

test("autoBinUnits(), refuses a tick size of zero", () => {
  expect(() => autoBinUnits(100, 0)).toThrow(InvariantError);
});

test("binUnitsOf(), reads a size at the price scale and refuses zero and finer ones", () => {
  expect(binUnitsOf("0.1", 2)).toBe(10);
  expect(() => binUnitsOf("0.00", 2)).toThrow(DecimalError);
  expect(() => binUnitsOf("0.001", 2)).toThrow(DecimalError);
});

test("parseBinChoices(), takes one value for all", () => {
  expect(parseBinChoices("auto")("BTCUSDT")).toEqual({ kind: "auto" });
  expect(parseBinChoices(" 0.5 ")("BTCUSDT")).toEqual({ kind: "size", text: "0.5" });
});

test("parseBinChoices(), takes a value per symbol, in any case, and a fallback", () => {
  const choice = parseBinChoices("btcusdt=0.1, XRPETH = 0.000001, ETHUSDT=auto, 2");
  expect(["BTCUSDT", "xrpeth", "ETHUSDT", "SOLUSDT"].map(choice)).toEqual([
    { kind: "size", text: "0.1" },
    { kind: "size", text: "0.000001" },
    { kind: "auto" },
    { kind: "size", text: "2" },
  ]);
  expect(parseBinChoices("BTCUSDT=0.1")("XRPETH")).toEqual({ kind: "auto" });
});

test.each(["", "BTCUSDT=", "=0.1", "0", "BTCUSDT=0", "-1", "BTCUSDT=0.1=0.2", "BTCUSDT", "0.1,,0.2"])(
  "parseBinChoices(), refuses %j",
  (text) => {
    expect(() => parseBinChoices(text)).toThrow(DecimalError);
  },
);
