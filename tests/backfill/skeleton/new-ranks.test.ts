import { expect, test } from "bun:test";
import fc from "fast-check";
import { newRanks, RANKED_MAX } from "../../../src/backfill/skeleton/new-ranks.ts";

test("newRanks(), the best come first in their order, the others keep theirs, and the ranks stay the same set", () => {
  const ranks = fc.uniqueArray(fc.nat({ max: 500 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(ranks, fc.nat(), fc.integer({ min: 1, max: 40 }), (given, seed, max) => {
      const pending = given.map((rank, id) => ({ id, rank }));
      const best = [...pending].sort((a, b) => ((a.id * 7 + seed) % 61) - ((b.id * 7 + seed) % 61));
      const changes = newRanks(pending, best, max);
      const rankOf = new Map(pending.map(({ id, rank }) => [id, rank]));
      for (const { id, rank } of changes) {
        expect(rankOf.get(id)).not.toBe(rank);
        rankOf.set(id, rank);
      }
      expect([...rankOf.values()].sort((a, b) => a - b)).toEqual([...given].sort((a, b) => a - b));
      const order = [...rankOf].sort(([, a], [, b]) => a - b).map(([id]) => id);
      expect(order.slice(0, max)).toEqual(best.slice(0, max).map(({ id }) => id));
      expect(changes.length).toBeLessThanOrEqual(2 * max);
      // Whoever was not chosen and was not in the way stands where it stood.
      const chosen = new Set(best.slice(0, max).map(({ id }) => id));
      const behind = [...pending].sort((a, b) => a.rank - b.rank).slice(max);
      for (const { id, rank } of behind) if (!chosen.has(id)) expect(rankOf.get(id)).toBe(rank);
    }),
  );
});

test("newRanks(), nothing changes where the best stand first already", () => {
  const pending = Array.from({ length: 2 * RANKED_MAX }, (_, id) => ({ id, rank: id * 3 }));
  expect(newRanks(pending, pending)).toEqual([]);
  expect(newRanks([], [])).toEqual([]);
});
