import { afterAll, describe, expect, test } from "bun:test";
import { Centrifuge } from "centrifuge";
import * as v from "valibot";
import { formatDay, MS_PER_DAY, minuteOfMs } from "../../src/core/mod.ts";
import { applyChangedFields, JobTransition, WireLevelSet } from "../../src/protocol/mod.ts";
import { comparableLevels } from "../support/comparable-levels.ts";
import { environment, type ServerProcess, Workbench } from "../support/processes.ts";
import { PlainSubscriber, type Publication, type Subscribed } from "../support/push-client.ts";
import { TapelineApi } from "../support/tapeline-api.ts";
import { until } from "../support/until.ts";

/** What subscribers see of a generated day while it is backfilled. */
const SYMBOL = "DEMOUSDT";
/** Two whole days ago: no start-up backfill and no live trade touches it. */
const DAY = formatDay(Math.floor(Date.now() / MS_PER_DAY) - 2);
const OTHER_DAY = formatDay(Math.floor(Date.now() / MS_PER_DAY) - 3);
const CHANNEL = `levels:binance:${SYMBOL}@${DAY}`;
const TIMEOUT_MS = 300_000;
/** Jobs of one hour each, for transitions to tell. */
const HOURS = 6;

const bench = new Workbench();
const closing: (() => void)[] = [];
afterAll(async () => {
  for (const close of closing) close();
  await bench.close();
}, TIMEOUT_MS);

async function following(): Promise<{ server: ServerProcess; api: TapelineApi }> {
  const exchange = await bench.exchange(["--symbol", `${SYMBOL}:demo`, "--weight-limit", "1000000"]);
  const dataDir = await bench.folder();
  const server = await bench.server(
    environment(dataDir, exchange, {
      SYMBOLS: SYMBOL,
      CONTEXT_BACKFILL_ENABLED: "false",
      LEVELS_INTERVAL_MS: "20",
      LOG_LEVEL: "info",
    }),
  );
  const api = new TapelineApi(server.url);
  await api.knows(SYMBOL);
  return { server, api };
}

async function plain(server: ServerProcess): Promise<PlainSubscriber> {
  const subscriber = await PlainSubscriber.connect(server.url);
  closing.push(() => subscriber.close());
  return subscriber;
}

/** The official client, and what its subscriptions hear. */
function official(server: ServerProcess) {
  const client = new Centrifuge(`${server.url.replace("http", "ws")}/connection/websocket`, {
    minReconnectDelay: 5,
    maxReconnectDelay: 50,
  });
  closing.push(() => client.disconnect());
  const subscribe = async (channel: string) => {
    const publications: Publication[] = [];
    const snapshots: unknown[] = [];
    const recoveries: boolean[] = [];
    const subscription = client.newSubscription(channel);
    subscription.on("publication", ({ data, offset }) =>
      publications.push(offset === undefined ? { data } : { data, offset }),
    );
    subscription.on("subscribed", ({ data, wasRecovering, recovered }) => {
      snapshots.push(data);
      if (wasRecovering) recoveries.push(recovered);
    });
    subscription.subscribe();
    await subscription.ready();
    return { publications, snapshots, recoveries };
  };
  client.connect();
  return { client, subscribe };
}

/** Every level set in the order in which a subscriber held them. */
function levelSets(first: unknown, publications: readonly Publication[]): WireLevelSet[] {
  let held = v.parse(v.looseObject({}), first);
  const sets = [v.parse(WireLevelSet, held)];
  for (const { data } of publications) {
    held = v.parse(v.looseObject({}), applyChangedFields(held, v.parse(v.looseObject({}), data)));
    sets.push(v.parse(WireLevelSet, held));
  }
  return sets;
}

function expectPartialLevels(sets: readonly WireLevelSet[]): void {
  const ratios = sets.map(({ coverage }) => coverage.ratio);
  expect(ratios[0]).toBe(0);
  expect(ratios.at(-1)).toBe(1);
  expect(ratios.filter((ratio, i) => i > 0 && ratio < ratios[i - 1]!)).toEqual([]);
  expect(new Set(ratios).size).toBeGreaterThan(10);
  const revisions = sets.map(({ revision }) => revision);
  expect(revisions.filter((revision, i) => i > 0 && revision <= revisions[i - 1]!)).toEqual([]);

  expect(sets[0]?.precision).toBe("IMPRECISE (backfill pending)");
  expect(sets[0]?.trade_count).toBe(0);
  const precise = sets.map(({ precision }) => precision === "PRECISE");
  const changes = precise.filter((is, i) => i > 0 && is !== precise[i - 1]);
  expect(changes).toEqual([true]);
  // Precise says no more and no less than that nothing is missing.
  expect(sets.map(({ coverage }) => coverage.missing.length === 0)).toEqual(precise);
  expect(new Set(sets.map(({ trade_count }) => trade_count)).size).toBeGreaterThan(10);
  expect(new Set(sets.map(({ levels }) => levels.POC)).size).toBeGreaterThan(2);
  // The venue's candles prove it, so it is what it will be from the first trade on.
  const vwaps = sets.filter(({ certainty }) => certainty.VWAP === "exact").map(({ levels }) => levels.VWAP);
  expect(new Set(vwaps).size).toBe(1);
  for (const { levels, coverage } of sets)
    if (coverage.ratio > 0) expect([levels.VWAP === null, levels.POC === null]).toEqual([false, false]);
}

/** Offsets from 1 on without a hole, and for each job the transitions in their order. */
function expectTransitions(
  publications: readonly Publication[],
  from: number,
  jobs: readonly string[],
): void {
  expect(publications.map(({ offset }) => offset)).toEqual(publications.map((_, i) => from + i + 1));
  const transitions = publications.map(({ data }) => v.parse(JobTransition, data));
  for (const job of jobs) {
    const path = transitions
      .filter(({ job_id, symbol }) => job_id === job && (symbol === undefined || symbol === null))
      .map(({ to }) => to);
    expect(path).toEqual(["pending", "in_progress", "complete"]);
  }
}

describe("partial levels of a generated day", () => {
  test(
    "rise to PRECISE without ever falling, for a plain WebSocket and for the official client",
    async () => {
      const { server, api } = await following();
      const one = await plain(server);
      const two = official(server);
      const raw = { levels: await one.subscribe(CHANNEL), jobs: await one.subscribe("backfill") };
      const own = { levels: await two.subscribe(CHANNEL), jobs: await two.subscribe("backfill") };
      const beganAt = performance.now();
      const job = await api.backfill(SYMBOL, DAY, DAY);
      const ended = await api.ended(job, TIMEOUT_MS);
      const tookMs = performance.now() - beganAt;
      expect([ended.status, ended.chunks_failed]).toEqual(["complete", 0]);
      const final = await api.levels(SYMBOL, { session: DAY });
      for (const { levels, first } of [
        { levels: raw.levels, first: raw.levels.subscribed.data },
        { levels: own.levels, first: own.levels.snapshots[0] },
      ]) {
        const newest = await until("the last level set", () => {
          const sets = levelSets(first, levels.publications);
          const last = sets.at(-1);
          return last?.precision === "PRECISE" && last.backfill === null ? sets : undefined;
        });
        expectPartialLevels(newest);
        expect(comparableLevels(newest.at(-1)!)).toEqual(comparableLevels(final));
      }
      await until(
        "every transition",
        () => raw.jobs.publications.length >= 3 && own.jobs.publications.length >= 3,
      );
      expectTransitions(raw.jobs.publications, raw.jobs.subscribed.offset, [job]);
      expectTransitions(own.jobs.publications, 0, [job]);
      expect(own.levels.snapshots.length).toBe(1);
      console.log(
        `partial: ${final.trade_count} trades in ${(tookMs / 1_000).toFixed(1)} s, ` +
          `${raw.levels.publications.length} and ${own.levels.publications.length} pushes of levels`,
      );
      server.kill("SIGTERM");
      expect(await server.ended()).toBe(0);
    },
    TIMEOUT_MS,
  );

  test(
    "subscribers that are cut off in the middle miss no transition",
    async () => {
      const { server, api } = await following();
      const watcher = await (await plain(server)).subscribe("backfill");
      const two = official(server);
      const own = await two.subscribe("backfill");
      const offsets: Publication[] = [];
      let position: Pick<Subscribed, "offset" | "epoch"> = { offset: 0, epoch: "" };
      const jobs: string[] = [];
      for (let hour = 0; hour < HOURS; hour++) {
        // A subscriber that comes for each hour anew, and is away while the next job begins or ends.
        const one = await plain(server);
        const { subscribed, publications } = await one.subscribe("backfill", {
          offset: position.offset,
          epoch: position.epoch ?? "",
        });
        expect(subscribed.recovered).toBe(true);
        const from = minuteOfMs(Date.parse(OTHER_DAY)) + hour * 60;
        const at = (minute: number) => new Date(minute * 60_000).toISOString();
        const job = await api.backfill(SYMBOL, at(from), at(from + 60));
        jobs.push(job);
        if (hour % 2 === 0) await until("a transition", () => publications.length > 0);
        one.close();
        two.client.disconnect();
        if (hour % 3 !== 0) await api.ended(job);
        two.client.connect();
        offsets.push(...subscribed.publications, ...publications);
        position = { offset: offsets.at(-1)?.offset ?? position.offset, epoch: subscribed.epoch ?? "" };
      }
      for (const job of jobs) expect((await api.ended(job)).status).toBe("complete");
      await until(
        "every transition",
        () => watcher.publications.length === 3 * HOURS && own.publications.length === 3 * HOURS,
      );
      const last = await plain(server);
      const { subscribed } = await last.subscribe("backfill", {
        offset: position.offset,
        epoch: position.epoch ?? "",
      });
      offsets.push(...subscribed.publications);
      for (const heard of [watcher.publications, own.publications, offsets])
        expectTransitions(heard, 0, jobs);
      expect(own.recoveries.length).toBeGreaterThan(0);
      expect(own.recoveries).not.toContain(false);
      expect(offsets.map(({ data }) => data)).toEqual(watcher.publications.map(({ data }) => data));
      server.kill("SIGTERM");
      expect(await server.ended()).toBe(0);
    },
    TIMEOUT_MS,
  );
});
