import { afterEach, expect, test } from "bun:test";
import { PushChannels } from "../../src/app/push-channels.ts";
import { parseSessionHours } from "../../src/core/mod.ts";
import type { Channel } from "../../src/protocol/mod.ts";
import { instantTurns, settle } from "../support/fake-clock.ts";
import { until } from "../support/until.ts";
import { SessionBench } from "./session-bench.ts";

const benches: SessionBench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

const CHANNEL: Channel = { kind: "levels", venue: "binance", symbol: "BTCUSDT" };

/** The levels channel of a bench's series, and the names of channels that were touched. */
async function opened(now: string, rules = {}, caughtUp = (_: number) => {}) {
  const bench = await SessionBench.open(now, rules);
  benches.push(bench);
  const touched: string[] = [];
  const errors: string[] = [];
  const channels = new PushChannels({
    jobs: { job: async () => undefined, channelState: async () => undefined, events: async () => [] },
    store: { bySymbol: () => bench.series },
    levels: {
      sessionNamed: (name) => (name === undefined ? bench.session : bench.calendar.named(name)),
      currentSession: () => bench.session,
      expectedEnd: () => Math.floor(bench.clock.nowMs() / 60_000),
      load: (series, session) => bench.sessions.loader.load(series, session),
      read: () => bench.levelsNow(),
      isPending: () => false,
      backfillOf: () => null,
    },
    backfill: { job: async () => undefined },
    gaps: {
      source: () => ({ kind: "lossless", position: () => ({ epoch: "", offset: 0 }), history: () => [] }),
    },
    live: { catchUp: (seriesId) => caughtUp(seriesId) },
    hub: () => ({
      publish: () => undefined,
      progress: () => undefined,
      listened: () => false,
      touch: (name) => void touched.push(name),
    }),
    followed: [],
    bars: {
      nowMs: () => bench.clock.nowMs(),
      expectedEnd: () => Math.floor(bench.clock.nowMs() / 60_000),
      loader: { load: async () => undefined },
      turns: instantTurns(),
    },
    method: "ranked",
    timers: bench.clock,
    onError: (error) => errors.push(String(error)),
  });
  return { bench, channels, touched, errors };
}

async function sourceOf(channels: PushChannels) {
  const resolved = await channels.resolve(CHANNEL);
  if (resolved.kind !== "source" || resolved.source.kind !== "conflated") throw new Error(resolved.kind);
  await resolved.source.open?.();
  return resolved.source;
}

const trade = (time: string, price: number) => ({
  id: price,
  timeMs: Date.parse(time),
  price,
  size: 1,
  buy: true,
});

test("levels channel, rolls to the next session by itself", async () => {
  const { bench, channels } = await opened("2026-01-02T23:59:59Z");
  const { range } = bench.session;
  bench.commit(range, [trade("2026-01-02T10:00:00Z", 250)]);
  const source = await sourceOf(channels);
  expect(source.current().fields).toMatchObject({ session: "2026-01-02", levels: { HIGH: 2.5, PDH: null } });
  await bench.clock.run(1_000);
  expect(source.current().fields).toMatchObject({ session: "2026-01-03", levels: { HIGH: null, PDH: 2.5 } });
  source.close?.();
});

test("levels channel, a frame holds the trades that have come by then", async () => {
  const { bench, channels } = await opened("2026-01-02T12:00:00Z", {}, (seriesId) => {
    expect(seriesId).toBe(bench.series.seriesId);
    bench.commit({ lo: bench.session.range.lo, hi: bench.session.range.lo + 1 }, [
      trade("2026-01-02T00:00:10Z", 350),
    ]);
  });
  const source = await sourceOf(channels);
  expect(source.current().fields).toMatchObject({ levels: { LAST: 3.5 } });
  source.close?.();
});

test("levels channel, a correction of a session that is known by its profile alone is told once its minutes are in", async () => {
  const { bench, channels, touched, errors } = await opened("2026-01-03T00:10:00Z");
  const { previous } = bench.session;
  bench.commit(previous, [trade("2026-01-02T10:00:00Z", 250)]);
  bench.followed = [bench.series];
  bench.sessions.jobEnded();
  await until("the profile to be saved", async () => (await bench.profiles.stats()).files === 1);
  await settle();
  await bench.restart();
  const source = await sourceOf(channels);
  expect(bench.steps.at(-1)?.[0]).toBe("profile cache");
  const before = source.current();
  expect(before.fields).toMatchObject({ levels: { PDH: 2.5, POCprev: 2.5 } });

  bench.commit({ lo: previous.lo, hi: previous.lo + 1 }, [trade("2026-01-02T00:00:10Z", 900)]);
  // Never half of it: the last state stands until the other minutes are read.
  expect(source.current()).toBe(before);
  await until("the channel to be touched", () => touched.length > 0);
  expect(source.current().fields).toMatchObject({ levels: { PDH: 9 } });
  expect(source.current().revision).toBe(bench.series.revision);
  expect([touched, errors]).toEqual([["levels:binance:BTCUSDT"], []]);
  source.close?.();
});

test("levels channel, what cannot be read is not told by half, and is tried again a minute later", async () => {
  const { bench, channels, errors } = await opened("2026-01-03T00:10:00Z");
  const { previous, range } = bench.session;
  bench.commit(previous, [trade("2026-01-02T10:00:00Z", 250)], { elsewhere: true });
  bench.commit({ lo: range.lo, hi: range.lo + 5 }, [trade("2026-01-03T00:01:00Z", 300)], { elsewhere: true });
  await bench.restart();
  const resolved = await channels.resolve(CHANNEL);
  if (resolved.kind !== "source" || resolved.source.kind !== "conflated") throw new Error(resolved.kind);
  // Never opened: nothing is in memory.
  const { source } = resolved;
  bench.failReads = 1;
  expect(() => source.current()).toThrow("is being loaded");
  await until("the load to fail", () => errors.length === 1);
  expect(() => source.current()).toThrow("is being loaded");
  await settle();
  expect(errors).toHaveLength(1);
  await bench.clock.run(60_000);
  expect(() => source.current()).toThrow("is being loaded");
  await until("it to be there", () => bench.series.canFold(previous));
  await settle();
  expect(source.current().fields).toMatchObject({ levels: { HIGH: 3, PDH: 2.5 } });
  source.close?.();
});

test("PushChannels.resolve(), a date without a session is no channel", async () => {
  const { channels } = await opened("2026-01-05T15:00:00Z", {
    hours: parseSessionHours("09:30-16:00 America/New_York mon-fri"),
  });
  expect(await channels.resolve({ ...CHANNEL, session: "2026-01-03" })).toEqual({
    kind: "unknown",
    message: "there is no session of 2026-01-03",
  });
  expect((await channels.resolve({ ...CHANNEL, session: "2026-01-02" })).kind).toBe("source");
});
