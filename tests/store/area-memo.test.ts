import { expect, test } from "bun:test";
import type { AreaQuestion } from "../../src/core/mod.ts";
import { AREAS_KEPT_MAX, AreaMemo } from "../../src/store/area-memo.ts";

const RANGE = { lo: 10, hi: 20 };
const QUESTION: AreaQuestion = { method: "ranked", share: { part: 7, whole: 10 }, coarser: 1, binUnits: 5 };
const AREA = { poc: 2, vah: 3, val: 1 };

function memo() {
  const world = { changes: 0, asked: 0 };
  const areas = new AreaMemo(() => world.changes);
  const ask = (range = RANGE, question = QUESTION) =>
    areas.of(range, question, () => {
      world.asked++;
      return AREA;
    });
  return { world, ask };
}

test("AreaMemo.of(), asks again only after a change", () => {
  const { world, ask } = memo();
  expect([ask(), ask()]).toEqual([AREA, AREA]);
  expect(world.asked).toBe(1);
  world.changes++;
  ask();
  ask();
  expect(world.asked).toBe(2);
});

test("AreaMemo.of(), every question has an answer of its own", () => {
  const { world, ask } = memo();
  for (let round = 0; round < 2; round++) {
    ask(RANGE, { ...QUESTION, method: "one_row" });
    ask(RANGE, { ...QUESTION, coarser: 2 });
    ask(RANGE, { ...QUESTION, share: { part: 1, whole: 2 } });
    ask({ lo: 10, hi: 21 });
  }
  expect(world.asked).toBe(4);
});

test("AreaMemo.of(), keeps a bounded number of answers", () => {
  const { world, ask } = memo();
  for (let i = 0; i <= AREAS_KEPT_MAX; i++) ask({ lo: i, hi: i + 1 });
  ask({ lo: AREAS_KEPT_MAX, hi: AREAS_KEPT_MAX + 1 });
  expect(world.asked).toBe(AREAS_KEPT_MAX + 1);
  ask({ lo: 0, hi: 1 });
  expect(world.asked).toBe(AREAS_KEPT_MAX + 2);
});
