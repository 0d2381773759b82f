import { expect, test } from "bun:test";
import fc from "fast-check";
import { Coverage, MS_PER_MINUTE, msOfMinute, rangeLength } from "../../src/core/mod.ts";
import { QUIET_WAIT_MS, REORDER_WAIT_MS, type SealedMinutes, Seam } from "../../src/live/mod.ts";
import { AHEAD_MS_MAX, DISORDER_MS } from "../../src/live/seam.ts";
import { batchOfTrades, idsOf, SCALES } from "../support/trades.ts";
import { type Faults, FIRST_MINUTE, idsInMinute, NO_FAULTS, playWorld, trueIds } from "./seam-world.ts";

const M = FIRST_MINUTE;
const seed = fc.integer({ min: 0, max: 2 ** 31 });
const share = fc.constantFrom(0, 0, 0.02, 0.1, 0.3);

/** Every sealed minute that was not taken back holds its true trades, in id order; no minute is sealed twice. */
function expectSound({ sealed, late, trades }: ReturnType<typeof playWorld>): void {
  let end = 0;
  for (const { range, batch } of sealed) {
    expect(range.lo).toBeGreaterThanOrEqual(end);
    end = range.hi;
    for (let minute = range.lo; minute < range.hi; minute++)
      if (!late.includes(minute))
        expect(idsInMinute(batch, minute)).toEqual(trueIds(trades, minute, minute + 1));
    const ids = idsOf(batch);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
  }
}

test("Seam, seals only minutes whose every trade it has, whatever the stream does", () => {
  const faults: fc.Arbitrary<Faults> = fc.record({
    seed,
    minutes: fc.integer({ min: 3, max: 9 }),
    quietShare: fc.constantFrom(0, 0.3, 0.8),
    duplicateShare: share,
    reorderShare: share,
    lostShare: fc.constantFrom(0, 0, 0.02, 0.2),
    droppedShare: share,
    outages: fc.integer({ min: 0, max: 4 }),
    silences: fc.integer({ min: 0, max: 2 }),
    venueAnswers: fc.boolean(),
    skewMs: fc.constantFrom(0, 0, -400, 400),
  });
  let sealedMinutes = 0;
  fc.assert(
    fc.property(faults, (world) => {
      const result = playWorld(world);
      expectSound(result);
      expect(result.late).toEqual([]);
      for (const { range } of result.sealed) sealedMinutes += rangeLength(range);
    }),
    { numRuns: 400 },
  );
  // The property would hold of a seam that seals nothing.
  expect(sealedMinutes).toBeGreaterThan(300);
});

test("Seam, undisturbed, seals every minute from the second on", () => {
  fc.assert(
    fc.property(
      seed,
      share,
      share,
      fc.constantFrom(0, 0.3),
      (at, duplicateShare, reorderShare, quietShare) => {
        const world: Faults = { ...NO_FAULTS, seed: at, duplicateShare, reorderShare, quietShare };
        const result = playWorld(world);
        expectSound(result);
        expect(result.breaks).toEqual([]);
        // Where no trade came first, the venue's newest one was the anchor; where it came at the very edge, a minute is lost.
        const first = Math.floor((result.firstTradeMs + DISORDER_MS) / MS_PER_MINUTE) + 1;
        const sealed = Coverage.of(result.sealed.map(({ range }) => range));
        expect(sealed.missing({ lo: Math.max(first, M + 1), hi: M + world.minutes })).toEqual([]);
      },
    ),
    { numRuns: 100 },
  );
});

interface Recorder {
  readonly seam: Seam;
  readonly sealed: SealedMinutes[];
  readonly late: number[];
  readonly breaks: string[];
}

function connectedSeam(nowMs: number): Recorder {
  const sealed: SealedMinutes[] = [];
  const late: number[] = [];
  const breaks: string[] = [];
  const seam = new Seam({
    kind: "aggregate",
    scales: SCALES,
    onSealed: (minutes) => sealed.push(minutes),
    onLate: (minute) => late.push(minute),
    onBreak: (reason) => breaks.push(reason),
  });
  seam.up(nowMs);
  return { seam, sealed, late, breaks };
}

/** Delivers trade `id` of `minute` at `second` the moment it happens. */
function trade({ seam }: Recorder, id: number, minute: number, second: number, lateByMs = 0): void {
  const timeMs = msOfMinute(minute) + second * 1_000;
  seam.trades(batchOfTrades([{ id, timeMs, price: 100, size: 1, buy: true }]), timeMs + lateByMs);
}

const ranges = ({ sealed }: Recorder) => sealed.map(({ range }) => [range.lo - M, range.hi - M]);
const position = (id: number, minute: number, second: number) => ({
  id,
  timeUs: (msOfMinute(minute) + second * 1_000) * 1_000,
});

test("Seam.trades(), a trade well inside the next minute seals the one before", () => {
  const live = connectedSeam(msOfMinute(M) + 10_000);
  trade(live, 1, M, 20);
  trade(live, 2, M + 1, 5);
  trade(live, 3, M + 2, 0.1);
  expect(ranges(live)).toEqual([]);
  trade(live, 4, M + 1, 59.95, 400);
  trade(live, 5, M + 2, 0.6);
  expect(ranges(live)).toEqual([[1, 2]]);
  expect(idsOf(live.sealed[0]!.batch)).toEqual([2, 4]);
});

test("Seam.newest(), a quiet minute is sealed only when the venue was asked after its end", () => {
  const live = connectedSeam(msOfMinute(M) + 10_000);
  trade(live, 1, M, 20);
  trade(live, 2, M + 1, 5);
  const end = msOfMinute(M + 3);
  live.seam.newest(position(2, M + 1, 5), end + QUIET_WAIT_MS - 1);
  expect(ranges(live)).toEqual([[1, 2]]);
  live.seam.newest(position(2, M + 1, 5), end + QUIET_WAIT_MS);
  expect(ranges(live)).toEqual([
    [1, 2],
    [2, 3],
  ]);
  expect(live.sealed[1]!.batch.length).toBe(0);
});

test("Seam.newest(), another id than ours proves nothing", () => {
  const live = connectedSeam(msOfMinute(M) + 10_000);
  trade(live, 1, M, 20);
  live.seam.newest(position(2, M + 1, 5), msOfMinute(M + 4));
  expect(ranges(live)).toEqual([]);
});

test("Seam.newest(), an anchor stamped ahead of our clock proves from the minute after its own", () => {
  const live = connectedSeam(msOfMinute(M) + 59_000);
  // The venue is in minute M + 1 already, and some of its trades are lost to us.
  live.seam.newest(position(7, M + 1, 0.4), msOfMinute(M) + 59_500);
  trade(live, 8, M + 2, 3);
  expect(ranges(live)).toEqual([]);
  trade(live, 9, M + 3, 3);
  expect(ranges(live)).toEqual([[2, 3]]);
});

test("Seam.newest(), a symbol that never traded promises nothing", () => {
  const live = connectedSeam(msOfMinute(M));
  live.seam.newest(undefined, msOfMinute(M) + 1_000);
  expect(live.seam.sealableFrom).toBeUndefined();
  expect(live.seam.wantsNewest(msOfMinute(M + 2))).toBe(true);
});

test("Seam.wantsNewest(), waits until a minute has been over for a while", () => {
  const live = connectedSeam(msOfMinute(M) + 10_000);
  trade(live, 1, M, 20);
  expect(live.seam.wantsNewest(msOfMinute(M + 2) + QUIET_WAIT_MS - 1)).toBe(false);
  expect(live.seam.wantsNewest(msOfMinute(M + 2) + QUIET_WAIT_MS)).toBe(true);
});

test("Seam.trades(), a trade for a sealed minute takes its proof back, once", () => {
  const live = connectedSeam(msOfMinute(M) + 10_000);
  trade(live, 1, M, 20);
  trade(live, 2, M + 1, 5);
  trade(live, 3, M + 2, 5);
  trade(live, 4, M + 1, 59, 6_000);
  trade(live, 5, M + 1, 59, 6_000);
  expect(ranges(live)).toEqual([[1, 2]]);
  expect(live.late).toEqual([M + 1]);
  expect(live.seam.counters).toEqual({ accepted: 5, duplicates: 0, late: 2, breaks: 0, dropped: 0 });
});

test("Seam.tick(), an id missing for too long ends the run behind it", () => {
  const live = connectedSeam(msOfMinute(M) + 10_000);
  trade(live, 1, M, 20);
  trade(live, 3, M, 30);
  live.seam.tick(msOfMinute(M) + 30_000 + REORDER_WAIT_MS);
  expect(live.breaks).toEqual([]);
  live.seam.tick(msOfMinute(M) + 30_001 + REORDER_WAIT_MS);
  expect(live.breaks).toEqual(["ids missing after 1"]);
  expect(live.seam.sealableFrom).toBe(M + 1);
  trade(live, 4, M + 1, 30);
  trade(live, 5, M + 2, 30);
  expect(ranges(live)).toEqual([[1, 2]]);
});

test("Seam.tick(), a gap at the edge of a minute leaves the minute behind it unproven", () => {
  const live = connectedSeam(msOfMinute(M) + 10_000);
  trade(live, 1, M, 20);
  // Id 2 was a trade of the first moments of M + 1, and id 3 runs back before it.
  trade(live, 3, M, 59.9, 300);
  live.seam.tick(msOfMinute(M + 1) + 5_000);
  trade(live, 4, M + 1, 30);
  trade(live, 5, M + 2, 30);
  expect(ranges(live)).toEqual([]);
  trade(live, 6, M + 3, 30);
  expect(ranges(live)).toEqual([[2, 3]]);
});

test("Seam.tick(), a minute abandoned with its trades is never sealed", () => {
  const live = connectedSeam(msOfMinute(M) + 10_000);
  trade(live, 1, M, 20);
  trade(live, 2, M + 1, 20);
  live.seam.tick(msOfMinute(M + 6));
  expect(live.seam.openTrades()).toEqual([]);
  expect(live.seam.sealableFrom).toBe(M + 3);
  trade(live, 3, M + 6, 20);
  expect(ranges(live)).toEqual([[3, 6]]);
  expect(live.seam.openTrades().map(idsOf)).toEqual([[3]]);
});

test("Seam.trades(), what is held back is bounded and counts as a gap beyond that", () => {
  const live = connectedSeam(msOfMinute(M));
  trade(live, 1, M, 1);
  for (let id = 3; id <= 5_003; id++) trade(live, id, M, 2);
  expect(live.breaks).toEqual(["too many trades held after 1"]);
  expect(live.seam.counters.accepted).toBe(5_002);
});

test("Seam.dropped(), the id of a print that is no trade is no gap", () => {
  const live = connectedSeam(msOfMinute(M));
  trade(live, 1, M, 1);
  live.seam.dropped(2, msOfMinute(M) + 1_500);
  trade(live, 3, M + 1, 2);
  trade(live, 5, M + 2, 2);
  live.seam.dropped(4, msOfMinute(M + 2) + 2_100);
  live.seam.tick(msOfMinute(M + 2) + 30_000);
  expect(live.breaks).toEqual([]);
  expect(live.seam.counters.accepted).toBe(3);
  expect(ranges(live)).toEqual([[1, 2]]);
});

test("Seam.trades(), a trade stamped far ahead of the clock ends the run and no minute", () => {
  const live = connectedSeam(msOfMinute(M) + 10_000);
  trade(live, 1, M, 20);
  const far = { id: 2, timeMs: msOfMinute(M + 500_000), price: 100, size: 1, buy: true };
  live.seam.trades(batchOfTrades([far, { ...far, id: 3 }]), msOfMinute(M) + 21_000);
  expect(ranges(live)).toEqual([]);
  expect(live.breaks).toEqual(["trade 2 is ahead of the clock"]);
  expect(AHEAD_MS_MAX).toBeLessThan(far.timeMs - msOfMinute(M));
  trade(live, 4, M + 1, 5);
  trade(live, 5, M + 2, 5);
  trade(live, 6, M + 3, 5);
  expect(ranges(live)).toEqual([[2, 3]]);
});

test("Seam.up(), a connection that repeats what we had counts nothing twice", () => {
  const live = connectedSeam(msOfMinute(M) + 10_000);
  trade(live, 1, M, 20);
  trade(live, 2, M, 30);
  live.seam.down("closed");
  live.seam.up(msOfMinute(M) + 31_000);
  for (const id of [1, 2, 3]) trade(live, id, M, 20 + id);
  expect(live.seam.openTrades().map(idsOf)).toEqual([[1, 2, 3]]);
  expect(live.seam.counters.breaks).toBe(1);
});

test("Seam.newest(), an anchor at the last trade we had keeps the open minute", () => {
  const live = connectedSeam(msOfMinute(M) + 10_000);
  trade(live, 1, M, 20);
  trade(live, 2, M, 30);
  live.seam.down("closed");
  live.seam.up(msOfMinute(M) + 31_000);
  live.seam.newest(position(2, M, 30), msOfMinute(M) + 32_000);
  trade(live, 3, M, 40);
  expect(live.seam.openTrades().map(idsOf)).toEqual([[1, 2, 3]]);
  trade(live, 4, M + 1, 40);
  trade(live, 5, M + 2, 40);
  expect(ranges(live)).toEqual([[1, 2]]);
});

test("Seam.down(), nothing is promised while the stream is down", () => {
  const live = connectedSeam(msOfMinute(M) + 10_000);
  trade(live, 1, M, 20);
  expect(live.seam.sealableFrom).toBe(M + 1);
  live.seam.down("closed");
  expect(live.seam.sealableFrom).toBeUndefined();
  trade(live, 2, M, 30);
  expect(live.seam.counters.accepted).toBe(1);
  expect(live.breaks).toEqual(["closed"]);
});
