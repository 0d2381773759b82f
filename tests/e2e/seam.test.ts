import { afterAll, describe, expect, test } from "bun:test";
import { type MinuteRange, minuteOfMs } from "../../src/core/mod.ts";
import { allFiles, plainQuery } from "../support/parquet.ts";
import { ScaledWorld, WORLD_SYMBOL } from "../support/scaled-world.ts";

/** Backfilled and live trades together, minute by minute, against what the exchange says that it traded. */
const SEED = 20_260_102;
/** Exchange seconds in one second of the machine. */
const SCALE = 90;
const MINUTE_MS = 60_000;
const TIMEOUT_MS = 300_000;
/** Machine time within which the last gaps must be closed once the hour is over. */
const SETTLE_MS = 120_000;

const worlds: ScaledWorld[] = [];
afterAll(async () => {
  for (const world of worlds.splice(0)) await world.close();
}, TIMEOUT_MS);

async function opened(start: string, faults = true): Promise<ScaledWorld> {
  const world = await ScaledWorld.open({ startMs: Date.parse(start), scale: SCALE, seed: SEED });
  worlds.push(world);
  if (faults) {
    world.fault({ kind: "duplicate", target: "ws", every: 41 });
    world.fault({ kind: "reorder", target: "ws", every: 29 });
    world.fault({ kind: "missing", target: "ws", every: 397 });
  }
  await world.startApp();
  return world;
}

/** Segments of the tape by where they came from, after everything was written. */
async function owners(world: ScaledWorld, range: MinuteRange): Promise<Record<string, number>> {
  const { jobs } = world.engine;
  const series = await jobs.findSeries({ venue: "binance", market: "spot", symbol: WORLD_SYMBOL });
  const minutes: Record<string, number> = {};
  for (const { kind, covered } of await jobs.segments(series!.id, range))
    for (const { lo, hi } of covered) minutes[kind] = (minutes[kind] ?? 0) + hi - lo;
  return minutes;
}

/** Equal in the store, over HTTP in sum, and in the Parquet files after the end. */
async function expectTruth(world: ScaledWorld, range: MinuteRange, name: string): Promise<void> {
  await world.covered(range, SETTLE_MS);
  const truth = await world.truth(range);
  const stored = world.stored(range);
  const differing = [...truth].filter(([minute, sums]) => `${stored.get(minute)}` !== `${sums}`);
  expect(differing).toEqual([]);
  expect([...stored]).toEqual([...truth]);
  const at = (minute: number) => new Date(minute * MINUTE_MS).toISOString();
  const profile = await world.api.profile(WORLD_SYMBOL, { from: at(range.lo), to: at(range.hi) });
  let [trades, volume] = [0, 0];
  for (const [count, size] of truth.values()) {
    trades += count;
    volume += size;
  }
  expect([profile.trade_count, Math.round(Number(profile.total_volume) * 10_000)]).toEqual([trades, volume]);
  expect(profile.precision).toBe("PRECISE");

  for (const series of world.engine.live.series) await world.engine.live.flush(series.seriesId);
  const owned = await owners(world, range);
  const { running } = world;
  const counters = world.engine.live.feed?.counters;
  await running.app.close();
  expect(running.fatal).toEqual([]);
  expect(running.log.filter(({ level }) => level === "error")).toEqual([]);
  const rows = await plainQuery(
    `select epoch_ms(time) // ${MINUTE_MS}, count(*), sum(size * 10000)::bigint, sum(if(buy, size * 10000, 0))::bigint, count(distinct id)
     from ${allFiles(`${world.dataDir}/tape`)} where epoch_ms(time) // ${MINUTE_MS} between ${range.lo} and ${range.hi - 1}
     group by 1 order by 1`,
  );
  expect(
    rows.map(([minute, count, volume, buys]) => [Number(minute), [count, volume, buys].map(Number)]),
  ).toEqual([...truth].map(([minute, sums]) => [minute, [...sums]]));
  expect(rows.every(([, count, , , distinct]) => count === distinct)).toBe(true);
  console.log(
    `seam, ${name}: ${range.hi - range.lo} minutes, ${trades} trades, 0 minutes differ; minutes of live segments ${owned["live"] ?? 0}, ` +
      `of backfilled ones ${owned["backfill"] ?? 0}; ${counters?.connects} connections, ${running.log.filter(({ message }) => message.startsWith("live continuity")).length} breaks`,
  );
  // Both kinds had their part, or the test shows nothing.
  expect(owned["live"]).toBeGreaterThan(0);
  expect(owned["backfill"]).toBeGreaterThan(0);
}

describe("the seam between history and live", () => {
  test(
    "an hour with three reconnects, one of them with a silent subscription, equals the exchange's truth in every minute",
    async () => {
      const world = await opened("2026-01-02T10:02:30Z");
      const from = Date.parse("2026-01-02T10:00:00Z");
      const minute = (n: number) => world.clock.reached(from + n * MINUTE_MS);
      // Minutes before the start are backfilled on request: history meets the stream in the running one.
      await world.api.knows(WORLD_SYMBOL);
      await world.api.backfill(WORLD_SYMBOL, "2026-01-02T09:50:00Z", "2026-01-02T10:20:00Z");
      await minute(12.3);
      expect(world.act("drop")).toBeGreaterThan(0);
      await minute(27.6);
      world.fault({ kind: "silent", count: 1 });
      expect(world.act("close")).toBeGreaterThan(0);
      await minute(44.99);
      world.fault({ kind: "refuse", count: 2 });
      expect(world.act("drop")).toBeGreaterThan(0);
      await minute(62.2);
      const lo = minuteOfMs(from);
      expect(world.running.log.some(({ fields }) => fields["reason"] === "silent subscription")).toBe(true);
      expect(world.engine.live.feed?.counters.connects).toBeGreaterThanOrEqual(5);
      await expectTruth(world, { lo: lo - 10, hi: lo + 60 }, "the hour");
    },
    TIMEOUT_MS,
  );

  test(
    "midnight with a reconnect on it, equals the exchange's truth in every minute of both days",
    async () => {
      const world = await opened("2026-01-02T23:56:40Z");
      const midnight = Date.parse("2026-01-03T00:00:00Z");
      await world.clock.reached(midnight - 400);
      expect(world.act("drop")).toBeGreaterThan(0);
      await world.clock.reached(midnight + 4.2 * MINUTE_MS);
      const lo = minuteOfMs(midnight);
      expect((await world.api.levels(WORLD_SYMBOL)).session).toBe("2026-01-03");
      await expectTruth(world, { lo: lo - 3, hi: lo + 4 }, "midnight");
    },
    TIMEOUT_MS,
  );
});
