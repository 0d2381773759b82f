import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatUnits } from "../../src/core/mod.ts";
import { toWireNumber, unitsToWire, wireText } from "../../src/protocol/mod.ts";

const decimals = fc
  .tuple(fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }), fc.integer({ min: 0, max: 18 }))
  .map(([units, scale]) => formatUnits(units, scale));

test("toWireNumber(), the text comes back through JSON", () => {
  fc.assert(
    fc.property(decimals, (text) => {
      const read: unknown = JSON.parse(JSON.stringify(toWireNumber(text)));
      if (typeof read !== "number" && typeof read !== "string") throw new Error("neither number nor string");
      expect(wireText(read)).toBe(text);
    }),
  );
});

test("toWireNumber(), up to 15 significant digits are a number, more are text", () => {
  fc.assert(
    fc.property(decimals, (text) => {
      const digits = text.replace(/[-.]/g, "").replace(/^0+/, "").replace(/0+$/, "");
      expect(typeof toWireNumber(text)).toBe(digits.length <= 15 ? "number" : "string");
    }),
  );
});

test("toWireNumber(), examples", () => {
  expect(toWireNumber("42100.00")).toBe(42100);
  expect(toWireNumber("0.00141342")).toBe(0.00141342);
  expect(toWireNumber("0.000000000000000001")).toBe(1e-18);
  expect(toWireNumber("-0")).toBe(-0);
  expect(toWireNumber("0.1234567890123456")).toBe("0.1234567890123456");
  expect(() => toWireNumber("1e5")).toThrow("no decimal text");
});

test("unitsToWire(), equals the number of the decimal's text", () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.integer({ min: 0, max: 18 }), (units, scale) => {
      expect(Object.is(unitsToWire(units, scale), toWireNumber(formatUnits(units, scale)))).toBe(
        !Object.is(units, -0),
      );
    }),
  );
});

test("wireText(), never writes an exponent", () => {
  expect(wireText(1e-7)).toBe("0.0000001");
  expect(wireText(-1.5e-9)).toBe("-0.0000000015");
  expect(wireText(1e21)).toBe("1000000000000000000000");
  expect(wireText(0)).toBe("0");
  expect(wireText("0.1234567890123456")).toBe("0.1234567890123456");
});
