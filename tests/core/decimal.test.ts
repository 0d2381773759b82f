import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  DecimalError,
  type DecimalFault,
  decimal,
  divideHalfEven,
  formatDecimal,
  formatUnits,
  fractionDigits,
  InvariantError,
  parseUnits,
  pow10,
  rescaleUnits,
  SCALE_MAX,
  wideUnits,
} from "../../src/core/mod.ts";

const safe = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const scale = fc.nat({ max: SCALE_MAX });

function faultOf(run: () => unknown): DecimalFault | undefined {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof DecimalError) return thrown.fault;
    throw thrown;
  }
  return undefined;
}

test("parseUnits(), reads a venue's decimals without a float", () => {
  expect(parseUnits("61837.63000000", 2)).toBe(6_183_763);
  expect(parseUnits("0.00141342", 8)).toBe(141_342);
  expect(parseUnits("9007199254740991", 0)).toBe(Number.MAX_SAFE_INTEGER);
  expect(parseUnits("900719925.4740991", 7)).toBe(Number.MAX_SAFE_INTEGER);
  expect(parseUnits("0.1", 1)).toBe(1);
  expect(parseUnits(".5", 1)).toBe(5);
  expect(parseUnits("5.", 1)).toBe(50);
  expect(parseUnits("000", 3)).toBe(0);
});

test.each(["", ".", "-1", "+1", "1e5", "1.2.3", " 1", "1,0", "NaN", "0x10", "١"])(
  "parseUnits(), refuses %j as syntax",
  (text) => {
    expect(faultOf(() => parseUnits(text, 4))).toBe("syntax");
  },
);

test("parseUnits(), refuses digits that the scale does not hold, and takes zeros there", () => {
  expect(faultOf(() => parseUnits("1.005", 2))).toBe("scale");
  expect(parseUnits("1.000", 0)).toBe(1);
});

test("parseUnits(), refuses what is beyond 2^53 − 1, also by its scale alone", () => {
  expect(faultOf(() => parseUnits("9007199254740992", 0))).toBe("range");
  expect(faultOf(() => parseUnits("90071992547409.92", 2))).toBe("range");
  expect(faultOf(() => parseUnits("1", 16))).toBe("range");
  expect(faultOf(() => parseUnits("9".repeat(400), 0))).toBe("range");
});

test("DecimalError, shows the text, but not a megabyte of it", () => {
  const message = (text: string) => {
    try {
      parseUnits(text, 2);
    } catch (thrown) {
      return String(thrown);
    }
    return "";
  };
  expect(message("12a")).toContain('"12a"');
  for (const text of ["x".repeat(1e6), "9".repeat(1e6), `0.${"1".repeat(1e6)}`])
    expect(message(text).length).toBeLessThan(200);
});

test("parseUnits() and formatUnits(), are inverse at every scale", () => {
  fc.assert(
    fc.property(safe, scale, (units, digits) => {
      expect(parseUnits(formatUnits(units, digits), digits)).toBe(units);
    }),
  );
});

test("parseUnits(), equals string arithmetic in bigint", () => {
  const digits = (min: number, max: number) => fc.stringMatching(new RegExp(`^[0-9]{${min},${max}}$`));
  fc.assert(
    fc.property(digits(1, 7), digits(0, 8), scale, (whole, fraction, at) => {
      const padded = fraction.padEnd(at, "0");
      const tooFine = /[1-9]/.test(padded.slice(at));
      const value = BigInt(whole + padded.slice(0, at));
      const run = () => parseUnits(`${whole}.${fraction}`, at);
      if (tooFine) expect(["scale", "range"]).toContain(faultOf(run) ?? "none");
      else if (value > BigInt(Number.MAX_SAFE_INTEGER)) expect(faultOf(run)).toBe("range");
      else expect(BigInt(run())).toBe(value);
    }),
  );
});

test("formatUnits(), moves the point and drops zeros behind it", () => {
  expect(formatUnits(4_210_000n, 2)).toBe("42100");
  expect(formatUnits(141_342n, 8)).toBe("0.00141342");
  expect(formatUnits(-150, 2)).toBe("-1.5");
  expect(formatUnits(0, 4)).toBe("0");
  expect(formatUnits(-0, 4)).toBe("0");
  expect(formatUnits(1_000n, 0)).toBe("1000");
  expect(formatUnits(-(10n ** 30n) - 1n, 30)).toBe(`-1.${"0".repeat(29)}1`);
  expect(formatDecimal(decimal(-5, 1))).toBe("-0.5");
});

test("fractionDigits(), counts the digits that carry a value", () => {
  expect(["23.00000000", "0.00141342", "7", "1.50", "1.", "100"].map(fractionDigits)).toEqual([
    0, 8, 0, 1, 0, 0,
  ]);
});

test("fractionDigits(), refuses more than SCALE_MAX, so that no text can ask for a scale the tape lacks", () => {
  expect(fractionDigits(`0.${"0".repeat(SCALE_MAX - 1)}1`)).toBe(SCALE_MAX);
  expect(faultOf(() => fractionDigits(`0.${"0".repeat(SCALE_MAX)}1`))).toBe("scale");
});

test("fractionDigits(), is the smallest scale that parseUnits() accepts", () => {
  fc.assert(
    fc.property(fc.nat({ max: 1e9 }), fc.nat({ max: 9 }), (units, at) => {
      const text = formatUnits(units, at);
      const needs = fractionDigits(text);
      expect(faultOf(() => parseUnits(text, needs))).toBeUndefined();
      if (needs > 0) expect(faultOf(() => parseUnits(text, needs - 1))).toBe("scale");
    }),
  );
});

test("pow10(), is exact as far as it is used", () => {
  for (let n = 0; n <= 22; n++) expect(BigInt(pow10(n))).toBe(10n ** BigInt(n));
});

test("rescaleUnits(), keeps the value, and refuses what no longer fits or gets coarser", () => {
  expect(rescaleUnits(1_234, 2, 5)).toBe(1_234_000);
  expect(faultOf(() => rescaleUnits(Number.MAX_SAFE_INTEGER, 0, 1))).toBe("range");
  expect(() => rescaleUnits(10, 1, 0)).toThrow(InvariantError);
});

test("divideHalfEven(), rounds halves to the even neighbour, below zero too", () => {
  const halves: readonly (readonly [bigint, bigint])[] = [
    [1n, 0n],
    [3n, 2n],
    [5n, 2n],
    [7n, 4n],
    [-1n, 0n],
    [-3n, -2n],
    [-5n, -2n],
  ];
  for (const [numerator, rounded] of halves) expect(divideHalfEven(numerator, 2n)).toBe(rounded);
});

test("divideHalfEven(), is never more than half a unit off, and even on a tie", () => {
  const big = fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n });
  fc.assert(
    fc.property(big, fc.bigInt({ min: 1n, max: 10n ** 12n }), (numerator, denominator) => {
      const quotient = divideHalfEven(numerator, denominator);
      const error = numerator - quotient * denominator;
      const twice = (error < 0n ? -error : error) * 2n;
      expect(twice <= denominator).toBe(true);
      if (twice === denominator) expect(quotient % 2n).toBe(0n);
    }),
  );
});

test("wideUnits() reads decimals beyond 2^53, as parseUnits() reads those below", () => {
  expect(wideUnits("123456789012345.12345678", 8)).toBe(12_345_678_901_234_512_345_678n);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e15 }), fc.integer({ min: 0, max: 8 }), (units, scale) => {
      const text = formatUnits(units, scale);
      expect(wideUnits(text, scale)).toBe(BigInt(parseUnits(text, scale)));
    }),
  );
  for (const text of ["", "-1", "1e3", "1.2.3", ".5"])
    expect(() => wideUnits(text, 8)).toThrow("no unsigned decimal");
  expect(() => wideUnits("1.25", 1)).toThrow("more than 1 fraction digits");
});
