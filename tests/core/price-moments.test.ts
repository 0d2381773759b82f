import { expect, test } from "bun:test";
import fc from "fast-check";
import { PriceMoments } from "../../src/core/price-moments.ts";

const price = fc.oneof(
  fc.integer({ min: 1, max: 5_000 }),
  fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
);
const size = fc.oneof(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 1, max: 2 ** 47 }));

test("PriceMoments.sums(), equals the sums in bigint from any base, within and beyond the doubles", () => {
  fc.assert(
    fc.property(price, fc.array(fc.tuple(price, size), { maxLength: 30 }), (base, trades) => {
      const moments = new PriceMoments(base);
      for (const [p, s] of trades) moments.add(p, s);
      const sum = (power: bigint) => trades.reduce((sum, [p, s]) => sum + BigInt(p) ** power * BigInt(s), 0n);
      expect(moments.sums(Number(sum(0n)))).toEqual({ quoteVolume: sum(1n), squareVolume: sum(2n) });
    }),
  );
});
