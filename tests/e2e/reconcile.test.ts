import { afterAll, expect, test } from "bun:test";
import * as v from "valibot";
import { formatMinute, type MinuteRange, minuteOfMs } from "../../src/core/mod.ts";
import { GapsAnswer, SessionReport, WireGapChange } from "../../src/protocol/mod.ts";
import { PlainSubscriber } from "../support/push-client.ts";
import { ScaledWorld, WORLD_SYMBOL } from "../support/scaled-world.ts";
import { getJson } from "../support/tapeline-api.ts";
import { until } from "../support/until.ts";

const SEED = 20_260_102;
const TIMEOUT_MS = 120_000;
/** Five in the morning: the hours before are fetched by request. */
const NOW = Date.parse("2026-01-02T05:00:10Z");
const HOUR: MinuteRange = { lo: minuteOfMs(NOW) - 120, hi: minuteOfMs(NOW) - 60 };

const worlds: ScaledWorld[] = [];
afterAll(async () => {
  for (const world of worlds.splice(0)) await world.close();
}, TIMEOUT_MS);

async function opened(): Promise<ScaledWorld> {
  const world = await ScaledWorld.open({ startMs: NOW, scale: 1, seed: SEED });
  worlds.push(world);
  await world.startApp();
  await world.api.knows(WORLD_SYMBOL);
  return world;
}

async function fetchHour(world: ScaledWorld, force = false): Promise<void> {
  const job = await world.api.backfill(WORLD_SYMBOL, formatMinute(HOUR.lo), formatMinute(HOUR.hi), force);
  expect((await world.api.ended(job)).status).toBe("complete");
}

/** How often each minute of the hour was asked for. */
function jobsOf(world: ScaledWorld, reason: string) {
  return world.engine.jobs
    .recentJobs(50)
    .then((jobs) =>
      jobs.filter(({ request }) => v.parse(v.object({ reason: v.string() }), request).reason === reason),
    );
}

const report = (world: ScaledWorld) =>
  getJson(`${world.api.url}/api/v1/session/${WORLD_SYMBOL}`, SessionReport);
const gaps = (world: ScaledWorld) =>
  getJson(
    `${world.api.url}/api/v1/gaps/${WORLD_SYMBOL}?from=${formatMinute(HOUR.lo)}&to=${formatMinute(HOUR.hi)}`,
    GapsAnswer,
  );

test(
  "a minute that contradicts the venue's candle is fetched again once, then reported, until it is corrected",
  async () => {
    const world = await opened();
    const minute = HOUR.lo + 30;
    const id = await world.firstId({ lo: minute, hi: minute + 1 });
    const fault = world.fault({ kind: "wrong_trade", target: "rest", from_id: id, to_id: id + 1 });
    const subscriber = await PlainSubscriber.connect(world.api.url);
    try {
      const heard = await subscriber.subscribe(`gaps:${WORLD_SYMBOL}`);
      const changes = () =>
        heard.publications
          .map(({ data }) => v.parse(WireGapChange, data))
          .filter(({ from }) => from === formatMinute(minute));
      await fetchHour(world);
      const [first] = await until("the mismatch to be told", () =>
        changes().length > 0 ? changes() : undefined,
      );
      expect(first).toMatchObject({ change: "mismatch", minutes: 1, field: "volume" });
      expect(Number(first?.ours)).toBeGreaterThan(Number(first?.theirs));

      const asked = await jobsOf(world, "reconcile");
      expect(asked.map(({ status }) => status)).toEqual(["complete"]);
      expect(await report(world)).toMatchObject({ covered_minutes: 60, mismatching_minutes: 1 });
      expect((await gaps(world)).mismatches).toMatchObject([{ from: formatMinute(minute), field: "volume" }]);
      const levels = await world.api.levels(WORLD_SYMBOL);
      expect(levels.doubts).toMatchObject([{ from: formatMinute(minute), to: formatMinute(minute + 1) }]);
      expect(levels.doubts[0]?.reason).toContain("volume");
      expect([levels.certainty.VWAP, levels.certainty.POC]).toEqual(["estimate", "estimate"]);

      world.exchange.exchange.faults.remove(fault);
      await fetchHour(world, true);
      await until("the correction to be told", () => changes().length > 1);
      expect(changes().map(({ change }) => change)).toEqual(["mismatch", "resolved"]);
      expect(await report(world)).toMatchObject({ covered_minutes: 60, mismatching_minutes: 0 });
      expect((await gaps(world)).mismatches).toEqual([]);
      expect((await world.api.levels(WORLD_SYMBOL)).doubts).toEqual([]);
      expect(await jobsOf(world, "reconcile")).toHaveLength(1);
      expect(world.running.log.filter(({ level }) => level === "error")).toEqual([]);
    } finally {
      subscriber.close();
    }
  },
  TIMEOUT_MS,
);

test(
  "a minute that was read wrong once is put right without a report",
  async () => {
    const world = await opened();
    const minute = HOUR.lo + 10;
    const id = await world.firstId({ lo: minute, hi: minute + 1 });
    world.fault({ kind: "wrong_trade", target: "rest", from_id: id, to_id: id + 1, count: 1 });
    await fetchHour(world);
    const right = await world.truth(HOUR);
    await until(
      "the minute to be right",
      () => `${world.stored(HOUR).get(minute)}` === `${right.get(minute)}`,
    );
    await until("the session to be clean", async () => {
      const { mismatching_minutes, unchecked_minutes } = await report(world);
      return mismatching_minutes + unchecked_minutes === 0;
    });
    expect(await jobsOf(world, "reconcile")).toHaveLength(1);
    expect(await gaps(world)).toMatchObject({ mismatches: [], gaps: [] });
    expect([...world.stored(HOUR)]).toEqual([...right]);
  },
  TIMEOUT_MS,
);

test(
  "a broken live stream leaves a gap that is found and filled, each told once and kept",
  async () => {
    const world = await ScaledWorld.open({ startMs: NOW, scale: 12, seed: SEED });
    worlds.push(world);
    await world.startApp();
    await world.api.knows(WORLD_SYMBOL);
    const subscriber = await PlainSubscriber.connect(world.api.url);
    try {
      const heard = await subscriber.subscribe(`gaps:${WORLD_SYMBOL}`, { offset: 0, epoch: "" });
      const changes = () =>
        [...heard.subscribed.publications, ...heard.publications].map(({ data }) =>
          v.parse(WireGapChange, data),
        );
      const at = minuteOfMs(world.clock.nowMs()) + 2;
      await until("the stream to seal minutes", () => {
        const series = world.engine.store.bySymbol(`binance:${WORLD_SYMBOL}`);
        return series?.covered.has(at);
      });
      const broken = minuteOfMs(world.clock.nowMs());
      expect(world.act("drop")).toBe(1);
      const of = (change: string) =>
        changes().filter(
          (told) =>
            told.change === change && told.from <= formatMinute(broken) && told.to > formatMinute(broken),
        );
      await until("the gap to be found and filled", () => of("found").length > 0 && of("filled").length > 0);
      expect([of("found").length, of("filled").length]).toEqual([1, 1]);
      expect(of("found")[0]?.reason).toBe("not_received");
      const kept = await getJson(`${world.api.url}/api/v1/gaps/${WORLD_SYMBOL}`, GapsAnswer);
      expect(
        kept.gaps.filter(({ state, from }) => state === "filled" && from === of("found")[0]?.from),
      ).toHaveLength(1);
    } finally {
      subscriber.close();
    }
  },
  TIMEOUT_MS,
);
