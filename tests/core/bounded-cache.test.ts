import { expect, test } from "bun:test";
import { BoundedCache } from "../../src/core/bounded-cache.ts";

test("BoundedCache, computes a value once while it is kept", () => {
  const cache = new BoundedCache<number>(2);
  const asked: number[] = [];
  const compute = (key: number) => {
    asked.push(key);
    return key * 10;
  };
  expect([1, 2, 1, 2].map((key) => cache.get(key, compute))).toEqual([10, 20, 10, 20]);
  expect(asked).toEqual([1, 2]);
});

test("BoundedCache, forgets the oldest beyond its bound", () => {
  const cache = new BoundedCache<number>(2);
  const asked: number[] = [];
  for (const key of [1, 2, 3, 2, 1])
    cache.get(key, (missing) => {
      asked.push(missing);
      return missing;
    });
  expect(asked).toEqual([1, 2, 3, 1]);
  expect(cache.size).toBe(2);
});
