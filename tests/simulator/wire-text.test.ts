import { expect, test } from "bun:test";
import fc from "fast-check";
import { decimal, formatDecimal, fractionDigits, parseUnits } from "../../src/core/mod.ts";
import { decimalText, sumText } from "../../src/simulator/wire-text.ts";

test("decimalText() reads back as the units it was made of, with eight digits", () => {
  fc.assert(
    fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), fc.integer({ min: 0, max: 8 }), (units, scale) => {
      const text = decimalText(units, scale);
      expect(text).toMatch(/^\d+\.\d{8}$/);
      expect(fractionDigits(text)).toBeLessThanOrEqual(scale);
      expect(parseUnits(text, scale)).toBe(units);
    }),
  );
});

test("sumText() is exact up to eight digits and cuts the rest, at any size", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 30n }), fc.integer({ min: 0, max: 16 }), (units, scale) => {
      const text = sumText(units, scale);
      expect(text).toMatch(/^\d+\.\d{8}$/);
      const cut = scale > 8 ? units / 10n ** BigInt(scale - 8) : units * 10n ** BigInt(8 - scale);
      expect(formatDecimal(decimal(BigInt(text.replace(".", "")), 8))).toBe(formatDecimal(decimal(cut, 8)));
    }),
  );
});
