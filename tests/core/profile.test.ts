import { expect, test } from "bun:test";
import fc from "fast-check";
import { InvariantError, Profile, type ProfileRows } from "../../src/core/mod.ts";

type Row = readonly [bin: number, volume: number, buyVolume: number];

function toRows(rows: readonly Row[]): ProfileRows {
  const sorted = [...rows].sort(([a], [b]) => a - b);
  return {
    bins: Float64Array.from(sorted, ([bin]) => bin),
    volumes: Float64Array.from(sorted, ([, volume]) => volume),
    buyVolumes: Float64Array.from(sorted, ([, , buyVolume]) => buyVolume),
  };
}

function toList({ bins, volumes, buyVolumes }: ProfileRows): Row[] {
  return Array.from(bins, (bin, i) => [bin, volumes[i]!, buyVolumes[i]!]);
}

function profileOf(...parts: readonly (readonly Row[])[]): Profile {
  const profile = new Profile();
  for (const part of parts) profile.add(toRows(part));
  return profile;
}

/** Bins near each other, around page borders, and very far away. */
const bin = fc.oneof(fc.nat({ max: 30 }), fc.integer({ min: 505, max: 520 }), fc.nat({ max: 2 ** 50 }));
const rows: fc.Arbitrary<Row[]> = fc
  .uniqueArray(fc.tuple(bin, fc.integer({ min: 1, max: 1e9 }), fc.nat({ max: 1e9 })), {
    selector: ([at]) => at,
    maxLength: 20,
  })
  .map((list) => list.map(([at, volume, buy]) => [at, volume, Math.min(buy, volume)] as const));

test("Profile.rows(), gives what was added, ascending, as a plain map would", () => {
  fc.assert(
    fc.property(fc.array(rows, { maxLength: 6 }), fc.integer({ min: 1, max: 40 }), (parts, coarser) => {
      const model = new Map<number, Row>();
      for (const [at, volume, buy] of parts.flat()) {
        const wide = Number(BigInt(at) / BigInt(coarser));
        const [, v, b] = model.get(wide) ?? [wide, 0, 0];
        model.set(wide, [wide, v + volume, b + buy]);
      }
      const profile = profileOf(...parts);
      expect(toList(profile.rows(coarser))).toEqual([...model.values()].sort(([a], [b]) => a - b));
      expect(profile.total).toBe(parts.flat().reduce((sum, [, volume]) => sum + volume, 0));
      if (coarser === 1) for (const [at, volume] of model.values()) expect(profile.volumeOf(at)).toBe(volume);
    }),
  );
});

test("Profile.add(), is commutative and associative", () => {
  fc.assert(
    fc.property(rows, rows, rows, (a, b, c) => {
      const straight = toList(profileOf(a, b, c).rows());
      expect(toList(profileOf(c, a, b).rows())).toEqual(straight);
      const left = profileOf(a, b);
      left.add(toRows(c));
      const right = profileOf(a);
      right.add(profileOf(b, c).rows());
      expect(toList(left.rows())).toEqual(straight);
      expect(toList(right.rows())).toEqual(straight);
    }),
  );
});

test("Profile.subtract(), of what was added leaves the profile as it was", () => {
  fc.assert(
    fc.property(rows, rows, (kept, gone) => {
      const profile = profileOf(kept, gone);
      profile.subtract(toRows(gone));
      expect(toList(profile.rows())).toEqual(toList(profileOf(kept).rows()));
      expect(profile.total).toBe(profileOf(kept).total);
      profile.subtract(toRows(kept));
      expect([profile.rows().bins.length, profile.total]).toEqual([0, 0]);
    }),
  );
});

test("Profile, a minute that is replaced counts once, however often it is replaced", () => {
  fc.assert(
    fc.property(rows, rows, rows, fc.integer({ min: 1, max: 3 }), (others, before, after, times) => {
      const profile = profileOf(others, before);
      let current = before;
      for (let i = 0; i < times; i++) {
        profile.subtract(toRows(current));
        profile.add(toRows(after));
        current = after;
      }
      expect(toList(profile.rows())).toEqual(toList(profileOf(others, after).rows()));
    }),
  );
});

test("Profile.rows(), coarser by steps equals coarser at once", () => {
  const factor = fc.integer({ min: 1, max: 12 });
  fc.assert(
    fc.property(rows, factor, factor, (list, a, b) => {
      const byStep = new Profile();
      byStep.add(profileOf(list).rows(a));
      expect(toList(byStep.rows(b))).toEqual(toList(profileOf(list).rows(a * b)));
    }),
  );
});

test("Profile.subtract(), refuses what was never added", () => {
  expect(() => profileOf([[3, 5, 0]]).subtract(toRows([[3, 6, 0]]))).toThrow(InvariantError);
  expect(() => new Profile().subtract(toRows([[3, 1, 0]]))).toThrow(InvariantError);
});

test("Profile.add(), refuses a total that is no safe integer", () => {
  const half: readonly Row[] = [[1, 2 ** 52, 0]];
  expect(() => profileOf(half, half)).toThrow(InvariantError);
});

test("Profile.rows(), takes whole factors only", () => {
  for (const coarser of [0, -1, 1.5, Number.NaN])
    expect(() => profileOf([[1, 1, 1]]).rows(coarser)).toThrow(InvariantError);
});

test("Profile.volumeOf(), is 0 where nothing traded", () => {
  expect([0, 2, 600].map((at) => profileOf([[1, 7, 0]]).volumeOf(at))).toEqual([0, 0, 0]);
});

test("Profile.merge(), equals adding the other's rows, and leaves the other as it is", () => {
  fc.assert(
    fc.property(rows, rows, rows, (first, second, third) => {
      const other = profileOf(second, third);
      const before = toList(other.rows());
      const merged = profileOf(first);
      merged.merge(other);
      expect(toList(merged.rows())).toEqual(toList(profileOf(first, second, third).rows()));
      expect(merged.total).toBe(profileOf(first, second, third).total);
      merged.add(toRows([[3, 5, 1]]));
      expect(toList(other.rows())).toEqual(before);
    }),
  );
  const large = profileOf([[1, 2 ** 53 - 1, 0]]);
  expect(() => large.merge(profileOf([[1, 1, 0]]))).toThrow(InvariantError);
});
