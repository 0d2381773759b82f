import { expect, test } from "bun:test";
import { foldMinutes, type MinuteRange } from "../../src/core/mod.ts";
import type { FoundMismatch } from "../../src/store/mod.ts";
import { ProfileStore, type SeriesStore } from "../../src/store/mod.ts";
import { type KnownMismatch, type MismatchStore, Reconciler } from "../../src/upkeep/mod.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";
import { batchOfTrades, instrumentNamed, SCALES } from "../support/trades.ts";

const LO = 20_000 * 1_440 + 600;
const BIN = 10;

const traded = (minutes: readonly number[], size: number) =>
  foldMinutes(
    batchOfTrades(
      minutes.map((minute) => ({ id: minute, timeMs: minute * 60_000, price: 100, size, buy: true })),
    ),
    BIN,
  );

/** Rows that outlive a process. */
class MemoryRows implements MismatchStore {
  readonly rows = new Map<number, KnownMismatch>();
  readonly told: string[] = [];
  failing = false;

  async open(): Promise<KnownMismatch[]> {
    if (this.failing) throw new Error("no database");
    return [...this.rows.values()];
  }

  async found(_series: unknown, mismatches: readonly FoundMismatch[]) {
    if (this.failing) throw new Error("no database");
    const known = mismatches.map((found): KnownMismatch => {
      const { refetchJob, refetchedAtMs } = this.rows.get(found.minute) ?? {};
      return { ...found, foundAtMs: 0, refetchJob, refetchedAtMs };
    });
    for (const row of known) this.rows.set(row.minute, row);
    return { known, events: [] };
  }

  async queued(_seriesId: number, minutes: readonly number[], refetchJob: string) {
    for (const minute of minutes) this.rows.set(minute, { ...this.rows.get(minute)!, refetchJob });
  }

  async reported(_series: unknown, minutes: readonly number[]) {
    for (const minute of minutes) {
      this.rows.set(minute, { ...this.rows.get(minute)!, refetchedAtMs: 1 });
      this.told.push(`mismatch ${minute - LO}`);
    }
    return [];
  }

  async resolved(_series: unknown, minutes: readonly number[]) {
    for (const minute of minutes) {
      if (this.rows.get(minute)?.refetchedAtMs !== undefined) this.told.push(`resolved ${minute - LO}`);
      this.rows.delete(minute);
    }
    return [];
  }
}

class World {
  readonly clock = new FakeClock();
  readonly rows: MemoryRows;
  readonly store = new ProfileStore();
  readonly series: SeriesStore;
  readonly jobs: MinuteRange[];
  readonly ended: Set<string>;
  readonly warnings: string[] = [];
  readonly reconciler: Reconciler;

  constructor(former?: World) {
    this.rows = former?.rows ?? new MemoryRows();
    this.jobs = former?.jobs ?? [];
    this.ended = former?.ended ?? new Set();
    this.series = this.store.open({ seriesId: 1, instrument: instrumentNamed("BTCUSDT"), binUnits: BIN });
    this.reconciler = new Reconciler({
      store: this.store,
      mismatches: this.rows,
      refetch: async (_series, range) => ({ jobId: `job ${this.jobs.push(range)}` }),
      jobEnded: async (id) => this.ended.has(id),
      timers: this.clock,
      onEvents: () => undefined,
      warn: (message) => this.warnings.push(message),
    });
    this.reconciler.start();
  }

  /** Candles of size 3 in these minutes, of a range that is covered by trades of size 3, but 4 in the wrong ones. */
  fill(minutes: readonly number[], wrong: readonly number[]): void {
    const at = minutes.map((minute) => LO + minute);
    const range = { lo: LO, hi: Math.max(...at) + 1 };
    const right = traded(at, 3);
    this.series.putCandles(range, {
      scales: SCALES,
      candles: right.minutes,
      quoteDigits: Number.POSITIVE_INFINITY,
    });
    this.series.commit(range, right);
    for (const minute of wrong) this.correct(minute, 4);
  }

  correct(minute: number, size = 3): void {
    this.series.commit({ lo: LO + minute, hi: LO + minute + 1 }, traded([LO + minute], size));
    this.store.announce(this.series);
  }

  end(jobId: string): void {
    this.ended.add(jobId);
    this.reconciler.jobEnded(jobId);
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 500) {
      this.clock.advance(500);
      await settle();
    }
  }

  doubted(): number[] {
    return this.series.certainty
      .doubtsWithin({ lo: LO, hi: LO + 1_000 }, 100)
      .flatMap(({ range }) => Array.from({ length: range.hi - range.lo }, (_, i) => range.lo + i - LO));
  }
}

test("Reconciler, a minute that differs is doubted at once and fetched again once, then reported", async () => {
  const world = new World();
  world.fill([0, 1, 2], [1]);
  await world.pass(2_000);
  expect(world.jobs).toEqual([{ lo: LO + 1, hi: LO + 2 }]);
  expect([world.doubted(), world.rows.told]).toEqual([[1], []]);
  world.correct(1, 4);
  world.end("job 1");
  await world.pass(4_000);
  expect(world.rows.told).toEqual(["mismatch 1"]);
  world.correct(1, 5);
  await world.pass(4_000);
  expect([world.jobs.length, world.doubted(), world.rows.told]).toEqual([1, [1], ["mismatch 1"]]);
  world.correct(1);
  await world.pass(2_000);
  expect([world.rows.told, world.doubted()]).toEqual([["mismatch 1", "resolved 1"], []]);
  await world.reconciler.stop();
});

test("Reconciler, a minute that its job put right is not reported", async () => {
  const world = new World();
  world.fill([0, 1], [0]);
  await world.pass(2_000);
  world.correct(0);
  world.end("job 1");
  await world.pass(4_000);
  expect([world.rows.told, world.rows.rows.size, world.doubted()]).toEqual([[], 0, []]);
  await world.reconciler.stop();
});

test("Reconciler, after a restart asks for nothing twice, and tells what came of what it had asked for", async () => {
  const first = new World();
  first.fill([0, 1, 2], [0]);
  await first.pass(2_000);
  await first.reconciler.stop();
  const second = new World(first);
  second.fill([0, 1, 2], [0]);
  await second.pass(3_000);
  expect([second.jobs.length, second.doubted(), second.rows.told]).toEqual([1, [0], []]);
  await second.reconciler.stop();
  first.ended.add("job 1");
  const third = new World(first);
  third.fill([0, 1, 2], [0]);
  await third.pass(4_000);
  expect([third.jobs.length, third.rows.told]).toEqual([1, ["mismatch 0"]]);
  await third.reconciler.stop();
});

test("Reconciler, near minutes share a job, and only some jobs run at a time", async () => {
  const world = new World();
  const far = Array.from({ length: 10 }, (_, i) => i * 50);
  world.fill([...far, 3], [...far, 3]);
  await world.pass(5_000);
  expect(world.jobs.map(({ lo, hi }) => [lo - LO, hi - LO])).toEqual([
    [0, 4],
    [50, 51],
    [100, 101],
    [150, 151],
  ]);
  world.end("job 1");
  await world.pass(4_000);
  expect(world.jobs).toHaveLength(5);
  await world.reconciler.stop();
});

test("Reconciler, a database that fails is tried again, told once, and loses nothing", async () => {
  const world = new World();
  world.rows.failing = true;
  world.fill([0, 1], [1]);
  await world.pass(20_000);
  expect(world.warnings).toHaveLength(1);
  world.rows.failing = false;
  await world.pass(10_000);
  expect([world.jobs.length, [...world.rows.rows.keys()]]).toEqual([1, [LO + 1]]);
  await world.reconciler.stop();
});
