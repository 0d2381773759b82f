import { expect, test } from "bun:test";
import fc from "fast-check";
import { Profile, ProfileMemory } from "../../src/core/mod.ts";

/** Bins far from each other, so that a profile takes one page or many. */
const rows = fc
  .dictionary(
    fc.integer({ min: -40, max: 40 }).map((n) => String(n * 211)),
    fc.integer({ min: 1, max: 1_000 }),
  )
  .map((volumes) => {
    const bins = Float64Array.from(Object.keys(volumes), Number).sort();
    const of = Float64Array.from(bins, (bin) => volumes[String(bin)]!);
    return { bins, volumes: of, buyVolumes: of.map((volume) => Math.floor(volume / 3)) };
  });

test("Profile out of ProfileMemory, equals one of its own memory, whatever lived there before", () => {
  const memory = new ProfileMemory();
  fc.assert(
    fc.property(fc.array(rows, { maxLength: 4 }), fc.constantFrom(1, 3, 1_000), (additions, coarser) => {
      const [pooled, own] = [new Profile(memory), new Profile()];
      for (const each of additions) {
        const other = new Profile();
        other.add(each);
        for (const profile of [pooled, own]) {
          profile.add(each);
          profile.merge(other);
        }
        expect(pooled.volumeRows(coarser)).toEqual(own.volumeRows(coarser));
      }
      expect(pooled.rows(coarser)).toEqual(own.rows(coarser));
      expect(pooled.total).toBe(own.total);
      pooled.release();
    }),
  );
});

test("Profile.release(), the next profile lives in what it gave back, and nobody may ask it again", () => {
  const memory = new ProfileMemory();
  const one = { bins: Float64Array.of(7), volumes: Float64Array.of(5), buyVolumes: Float64Array.of(2) };
  const first = new Profile(memory);
  first.add(one);
  const { volumes } = first.volumeRows();
  const rows = first.rows();
  expect(memory.keptBytes).toBe(0);
  first.release();
  first.release();
  const kept = memory.keptBytes;
  expect(kept).toBeGreaterThan(0);
  const second = new Profile(memory);
  second.add({ ...one, volumes: Float64Array.of(9) });
  const again = second.volumeRows();
  expect([again.bins.buffer, again.volumes.buffer].some((buffer) => buffer === volumes.buffer)).toBe(true);
  expect(memory.keptBytes).toBe(0);
  expect(second.rows()).toEqual({ ...one, volumes: Float64Array.of(9) });
  // What was gathered is the caller's own.
  expect(rows).toEqual(one);
  for (const ask of [
    () => first.rows(),
    () => first.volumeRows(),
    () => first.volumeOf(7),
    () => first.buyVolumeOf(7),
    () => first.add(one),
    () => second.merge(first),
  ])
    expect(ask).toThrow("after it had given its memory back");
});

test("Profile.release(), without a memory it does nothing", () => {
  const profile = new Profile();
  profile.add({ bins: Float64Array.of(7), volumes: Float64Array.of(5), buyVolumes: Float64Array.of(2) });
  profile.release();
  expect(profile.volumeOf(7)).toBe(5);
});

test("ProfileMemory.give(), keeps no more than its bound", () => {
  const memory = new ProfileMemory({ keptBytesMax: 3 * 1_024 * 8 });
  for (const doubles of [1_000, 600, 2_000, 513]) memory.give(memory.take(doubles));
  expect(memory.keptBytes).toBe(3 * 1_024 * 8);
  expect(memory.take(1_024)).toHaveLength(1_024);
  expect(memory.keptBytes).toBe(2 * 1_024 * 8);
});
