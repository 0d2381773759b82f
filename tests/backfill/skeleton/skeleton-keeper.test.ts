import { describe, expect, test } from "bun:test";
import { SkeletonKeeper } from "../../../src/backfill/skeleton/skeleton-keeper.ts";
import { type MinuteRange, OperationFailure } from "../../../src/core/mod.ts";
import type { SeriesStore } from "../../../src/store/mod.ts";
import { FakeClock, instantTurns, settle } from "../../support/fake-clock.ts";
import { FakeCandles, FakeSource, makeStore, TODAY } from "./fakes.ts";

const MINUTE_MS = 60_000;

/** A keeper at the minute `now` of today, counted from its start, and ten seconds. */
function world({
  now = 100,
  source = new FakeSource(),
}: {
  now?: number;
  source?: FakeSource | undefined;
} = {}) {
  const clock = new FakeClock((TODAY.lo + now) * MINUTE_MS + 10_000);
  const candles = new FakeCandles();
  const log: string[] = [];
  const announced: SeriesStore[] = [];
  const keeper = new SkeletonKeeper({
    ...{ candles, clock, random: () => 0.5, turns: instantTurns() },
    sourceOf: (venue) => (venue === "fake" ? source : undefined),
    onCandles: (series) => announced.push(series),
    log: {
      info: (_fields, message) => log.push(message),
      warn: (_fields, message) => log.push(message),
    },
  });
  return { clock, candles, log, announced, keeper, source };
}

const at = (lo: number, hi: number): MinuteRange => ({ lo: TODAY.lo + lo, hi: TODAY.lo + hi });

/** Trades have covered these minutes, which had none. */
function cover(series: SeriesStore, range: MinuteRange): void {
  series.commit(range, { ...series.grid, minutes: [] });
}

describe("bring()", () => {
  test("fetches the closed minutes once, tells the store, and keeps them in the database", async () => {
    const { keeper, source, candles, announced } = world();
    const series = makeStore();
    expect(keeper.lacks(series, TODAY)).toBe(true);
    expect(await keeper.bring(series, TODAY)).toEqual({ kind: "known" });
    expect(source.asked).toEqual([at(0, 100)]);
    expect(series.withoutCandles(at(0, 100))).toEqual([]);
    expect(series.candleOf(TODAY.lo + 1)).toMatchObject({ close: 150, rawCount: 1 });
    expect(series.candleOf(TODAY.lo + 3)).toBeNull();
    expect(series.candleOf(TODAY.lo + 100)).toBeUndefined();
    expect(announced).toEqual([series]);
    expect(candles.known.get(series.seriesId)?.ranges).toEqual([at(0, 100)]);
    expect(keeper.lacks(series, TODAY)).toBe(false);
    await keeper.bring(series, TODAY);
    expect(source.asked).toHaveLength(1);
  });

  test("takes what the database knows, and asks the venue for the rest in the fewest requests", async () => {
    const { keeper, source, candles } = world({ now: 1_440 + 5 });
    const other = makeStore();
    const { candles: found } = await source.candleHistory("", "1m", at(300, 400), {
      signal: new AbortController().signal,
    });
    source.asked.length = 0;
    await candles.keep(other.seriesId, { candles: found, closed: [at(300, 400), at(1_200, 1_440)] });
    await keeper.bring(other, TODAY);
    // The hole between two gaps fits into one request with them; the second request begins behind its thousand.
    expect(source.asked).toEqual([at(0, 300), at(400, 1_200)]);
    expect(other.candleOf(TODAY.lo + 301)).toMatchObject({ close: 150 });
    expect(other.candleOf(TODAY.lo + 1_300)).toBeNull();
    expect(other.withoutCandles(TODAY)).toEqual([]);
  });

  test("of minutes that trades have covered, waits for the end of their five", async () => {
    const { keeper, source, clock } = world({ now: 100 });
    const series = makeStore();
    await keeper.bring(series, TODAY);
    cover(series, at(0, 104));
    await clock.run(3 * MINUTE_MS);
    expect(await keeper.bring(series, TODAY)).toEqual({ kind: "known" });
    expect(source.asked).toHaveLength(1);
    // One that nobody covered does not wait, and takes nothing else along that was not due.
    await clock.run(2 * MINUTE_MS);
    await keeper.bring(series, TODAY);
    expect(source.asked.at(-1)).toEqual(at(100, 105));
    cover(series, at(104, 112));
    await clock.run(6 * MINUTE_MS);
    await keeper.bring(series, TODAY);
    expect(source.asked.at(-1)).toEqual(at(105, 110));
  });

  test("joins the flight that is under way, one for each series and day", async () => {
    const { keeper, source } = world();
    const { promise, resolve } = Promise.withResolvers<void>();
    source.hold = promise;
    const series = makeStore();
    const all = Array.from({ length: 5 }, () => keeper.bring(series, TODAY));
    await settle();
    expect(source.asked).toHaveLength(1);
    resolve();
    expect(await Promise.all(all)).toEqual(Array(5).fill({ kind: "known" }));
    expect(source.asked).toHaveLength(1);
  });

  test("flies for so many days at once, and tells whoever comes beyond the bound to come again", async () => {
    const { keeper, source } = world();
    const { promise, resolve } = Promise.withResolvers<void>();
    source.hold = promise;
    const many = Array.from({ length: 1_200 }, () => keeper.bring(makeStore(), TODAY));
    await settle();
    expect(source.inFlight).toBe(4);
    resolve();
    const outcomes = await Promise.all(many);
    expect(outcomes.filter(({ kind }) => kind === "busy")).toHaveLength(1_200 - 1_024);
    expect(source.inFlightMost).toBe(4);
  });

  test("does not ask again and again for minutes that the venue has not closed", async () => {
    const { keeper, source, clock } = world();
    source.closedUntil = TODAY.lo + 99;
    const series = makeStore();
    for (let i = 0; i < 3; i++) await keeper.bring(series, TODAY);
    expect(source.asked).toEqual([at(0, 100)]);
    expect(series.withoutCandles(at(0, 100))).toEqual([at(99, 100)]);
    await clock.run(3_000);
    await keeper.bring(series, TODAY);
    expect(source.asked.at(-1)).toEqual(at(99, 100));
  });
});

describe("failures", () => {
  test("are tried again with a wait, and told once when they last", async () => {
    const { keeper, source, clock, log } = world();
    const series = makeStore();
    const fail = (count: number) =>
      source.failures.push(
        ...Array.from({ length: count }, () => new OperationFailure("transient", "no answer within 10 s")),
      );
    fail(1);
    const first = keeper.bring(series, TODAY);
    await clock.run(15_000);
    expect(await first).toEqual({ kind: "known" });
    expect([source.asked.length, log]).toEqual([2, []]);
    const other = makeStore();
    for (let round = 0; round < 2; round++) {
      fail(4);
      const brought = keeper.bring(other, TODAY);
      await clock.run(40_000);
      expect(await brought).toEqual({ kind: "failed", reason: "no answer within 10 s" });
      // Left alone for a while.
      const asked = source.asked.length;
      expect((await keeper.bring(other, TODAY)).kind).toBe("failed");
      expect(source.asked.length).toBe(asked);
      await clock.run(61_000);
    }
    expect(log).toEqual([
      "levels stay estimates where trades are missing, because the venue's 1-minute candles could not be had: no answer within 10 s",
    ]);
    const late = keeper.bring(other, TODAY);
    await clock.run(1_000);
    expect(await late).toEqual({ kind: "known" });
    expect(log.at(-1)).toBe("1-minute candles are to be had again");
  });

  test("of one series do not touch another", async () => {
    const { keeper, source } = world();
    source.failures.push(new OperationFailure("permanent", "Invalid symbol"));
    const [refused, fine] = [makeStore(), makeStore()];
    expect(await keeper.bring(refused, TODAY)).toEqual({ kind: "failed", reason: "Invalid symbol" });
    expect(await keeper.bring(fine, TODAY)).toEqual({ kind: "known" });
  });

  test("a venue without 1-minute candles is told of once, and not asked", async () => {
    const { keeper, source, log } = world();
    source.timeframes = ["1h"];
    const series = makeStore();
    for (let i = 0; i < 3; i++)
      expect(await keeper.bring(series, TODAY)).toEqual({
        kind: "failed",
        reason: "nobody here has 1-minute candles of fake",
      });
    expect([source.asked.length, log.length]).toEqual([0, 1]);
  });

  test("a database that cannot be written to loses nothing that is in memory", async () => {
    const { keeper, candles, log } = world();
    candles.failing = true;
    const series = makeStore();
    expect(await keeper.bring(series, TODAY)).toEqual({ kind: "known" });
    expect(series.withoutCandles(at(0, 100))).toEqual([]);
    expect(log).toEqual(["1-minute candles could not be written to the database: the disk is full"]);
  });

  test("a call that hangs ends with its time, and stop() ends what is under way", async () => {
    const { keeper, source, clock } = world();
    source.hold = new Promise(() => undefined);
    const series = makeStore();
    const hung = keeper.bring(series, TODAY);
    await clock.run(61_000);
    expect(source.inFlight + source.asked.length).toBeGreaterThan(1);
    await keeper.stop();
    expect((await hung).kind).toBe("failed");
    expect((await keeper.bring(makeStore(), TODAY)).kind).toBe("busy");
    expect(source.inFlight).toBe(0);
  });
});
