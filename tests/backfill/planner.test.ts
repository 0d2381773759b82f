import { expect, test } from "bun:test";
import fc from "fast-check";
import { planChunks } from "../../src/backfill/planner.ts";
import { Coverage, rangeLength } from "../../src/core/mod.ts";

const BASE = 28_000_800;
const range = fc
  .tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 200 }))
  .map(([lo, length]) => ({ lo: BASE + lo, hi: BASE + lo + length }));
const excluded = fc.array(range, { maxLength: 6 }).map((ranges) => Coverage.of(ranges));

test("planChunks(), covers exactly what is missing, in aligned, disjoint chunks, in download order", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ range, excluded }), { minLength: 1, maxLength: 4 }),
      fc.constantFrom(1, 10, 60),
      fc.constantFrom("recent" as const, "oldest" as const),
      (wants, chunkMinutes, order) => {
        const plans = wants.map((want, i) => ({ seriesId: i + 1, ...want }));
        const chunks = planChunks(plans, { order, chunkMinutes });
        for (const plan of plans) {
          const own = chunks.filter(({ seriesId }) => seriesId === plan.seriesId);
          const planned = Coverage.of(own.map((chunk) => chunk.range));
          expect(planned.ranges).toEqual(plan.excluded.missing(plan.range));
          expect(planned.size).toBe(own.reduce((sum, chunk) => sum + rangeLength(chunk.range), 0));
        }
        for (const chunk of chunks)
          expect(Math.floor(chunk.range.lo / chunkMinutes)).toBe(
            Math.floor((chunk.range.hi - 1) / chunkMinutes),
          );
        for (const plan of plans) {
          const ranks = chunks.filter((own) => own.seriesId === plan.seriesId).map(({ rank }) => rank);
          expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
          expect(ranks[0] ?? 0).toBeGreaterThanOrEqual(0);
        }
        const starts = chunks.map((chunk) => (order === "oldest" ? chunk.range.lo : -chunk.range.lo));
        expect(starts).toEqual([...starts].sort((a, b) => a - b));
      },
    ),
  );
});

test("planChunks(), symbols advance side by side", () => {
  const wanted = { range: { lo: BASE, hi: BASE + 30 }, excluded: Coverage.empty };
  const chunks = planChunks(
    [
      { seriesId: 7, ...wanted },
      { seriesId: 4, ...wanted },
    ],
    { order: "recent", chunkMinutes: 10 },
  );
  expect(chunks.map(({ seriesId, range: { lo } }) => [lo - BASE, seriesId])).toEqual([
    [20, 4],
    [20, 7],
    [10, 4],
    [10, 7],
    [0, 4],
    [0, 7],
  ]);
});

test("planChunks(), a symbol that is planned later has the ranks it would have had", () => {
  const wanted = (seriesId: number) => ({
    seriesId,
    range: { lo: BASE + 5, hi: BASE + 48 },
    excluded: Coverage.of([{ lo: BASE + 20, hi: BASE + 30 }]),
  });
  for (const order of ["recent", "oldest"] as const) {
    const options = { order, chunkMinutes: 10 };
    const together = planChunks([wanted(1), wanted(2)], options);
    expect(planChunks([wanted(2)], options)).toEqual(together.filter(({ seriesId }) => seriesId === 2));
    expect(together.map(({ rank }) => rank)).toEqual([...together.map(({ rank }) => rank)].sort());
  }
});

test("planChunks(), nothing missing, nothing planned", () => {
  const wanted = { seriesId: 1, range: { lo: BASE, hi: BASE } };
  expect(
    planChunks([{ ...wanted, excluded: Coverage.empty }], { order: "oldest", chunkMinutes: 10 }),
  ).toEqual([]);
});
