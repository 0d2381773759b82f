import { expect, test } from "bun:test";
import { Coverage, type MinuteRange } from "../../src/core/mod.ts";
import { SeriesStore } from "../../src/store/mod.ts";
import { type GapStore, GapWatch, type KnownGap } from "../../src/upkeep/mod.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";
import { instrumentNamed } from "../support/trades.ts";

const nothing = (series: SeriesStore) => ({ ...series.grid, minutes: [] });

/** Rows that outlive a process. */
class MemoryGaps implements GapStore {
  rows: KnownGap[] = [];
  readonly told: string[] = [];
  failed: Coverage = Coverage.empty;
  failing = false;

  async open() {
    if (this.failing) throw new Error("no database");
    return this.rows;
  }

  async within() {
    return this.rows;
  }

  async found(_series: unknown, range: MinuteRange, reason: KnownGap["reason"]) {
    const gaps = Coverage.of(this.rows.map((row) => row.range))
      .missing(range)
      .map((missing, i) => ({
        id: this.told.length + i,
        range: missing,
        reason,
        foundAtMs: 0,
        filledAtMs: undefined,
      }));
    this.rows = [...this.rows, ...gaps];
    for (const gap of gaps) this.told.push(`found ${gap.range.lo}-${gap.range.hi} ${reason}`);
    return { gaps, events: [] };
  }

  async filled(_series: unknown, ids: readonly number[]) {
    for (const { id, range } of this.rows)
      if (ids.includes(id)) this.told.push(`filled ${range.lo}-${range.hi}`);
    this.rows = this.rows.filter(({ id }) => !ids.includes(id));
    return [];
  }

  async failedRanges(_seriesId: number, range: MinuteRange) {
    return this.failed.within(range);
  }
}

function watched(gaps: MemoryGaps) {
  const series = new SeriesStore({ seriesId: 1, instrument: instrumentNamed("BTCUSDT"), binUnits: 10 });
  const clock = new FakeClock();
  const warnings: string[] = [];
  const watch = new GapWatch({
    gaps,
    followed: () => [series],
    timers: clock,
    onEvents: () => undefined,
    warn: (message) => warnings.push(message),
  });
  watch.start();
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 1_000) {
      clock.advance(1_000);
      await settle();
    }
  };
  return { series, watch, pass, warnings };
}

test("GapWatch, a gap is found once, and filled when its last minute is covered", async () => {
  const gaps = new MemoryGaps();
  const { series, watch, pass } = watched(gaps);
  watch.found(series, { lo: 10, hi: 13 }, "not_received");
  watch.found(series, { lo: 10, hi: 13 }, "not_received");
  await pass(1_000);
  series.commit({ lo: 10, hi: 12 }, nothing(series));
  await pass(2_000);
  expect(gaps.told).toEqual(["found 10-13 not_received"]);
  series.commit({ lo: 12, hi: 13 }, nothing(series));
  await pass(2_000);
  expect(gaps.told).toEqual(["found 10-13 not_received", "filled 10-13"]);
  await watch.stop();
});

test("GapWatch, says of which minutes a chunk failed", async () => {
  const gaps = new MemoryGaps();
  gaps.failed = Coverage.of([{ lo: 11, hi: 20 }]);
  const { series, watch, pass } = watched(gaps);
  watch.found(series, { lo: 10, hi: 13 }, "not_received");
  await pass(1_000);
  expect(gaps.told).toEqual(["found 11-13 failed", "found 10-11 not_received"]);
  await watch.stop();
});

test("GapWatch, fills what a former process found, and keeps findings while the database fails", async () => {
  const gaps = new MemoryGaps();
  gaps.rows = [{ id: 7, range: { lo: 5, hi: 6 }, reason: "late", foundAtMs: 0, filledAtMs: undefined }];
  gaps.failing = true;
  const { series, watch, pass, warnings } = watched(gaps);
  series.commit({ lo: 5, hi: 6 }, nothing(series));
  watch.found(series, { lo: 10, hi: 11 }, "late");
  await pass(12_000);
  expect([gaps.told, warnings.length]).toEqual([[], 1]);
  gaps.failing = false;
  await pass(8_000);
  expect(gaps.told).toEqual(["found 10-11 late", "filled 5-6"]);
  await watch.stop();
});
