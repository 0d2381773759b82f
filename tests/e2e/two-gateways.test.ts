import { afterAll, expect, test } from "bun:test";
import { Centrifuge } from "centrifuge";
import * as v from "valibot";
import { openPostgres } from "../../db/mod.ts";
import { formatDay, MS_PER_DAY, minuteOfMs } from "../../src/core/mod.ts";
import { applyChangedFields, JobTransition, WireLevelSet } from "../../src/protocol/mod.ts";
import { comparableLevels } from "../support/comparable-levels.ts";
import { cuttingProxy } from "../support/cutting-proxy.ts";
import { OPEN_TIMEOUT_MS } from "../support/databases.ts";
import { postgresCluster } from "../support/postgres-cluster.ts";
import { environment, type ServerProcess, Workbench } from "../support/processes.ts";
import type { Publication } from "../support/push-client.ts";
import { TapelineApi } from "../support/tapeline-api.ts";
import { until } from "../support/until.ts";

const SYMBOL = "DEMOUSDT";
/** Two whole days ago: no live trade touches it. */
const DAY = formatDay(Math.floor(Date.now() / MS_PER_DAY) - 2);
const JOBS = 6;
const JOB_MINUTES = 240;
/** The client is moved to the other gateway this often, ms. */
const MOVE_MS = 250;
const TIMEOUT_MS = 300_000;

const bench = new Workbench();
const closing: (() => void)[] = [];
afterAll(async () => {
  for (const close of closing) close();
  await bench.close();
}, TIMEOUT_MS);

test(
  "two gateways on one Postgres: a client that is moved between them, and survives a kill -9 of one, hears each transition once and holds the levels of both",
  async () => {
    const cluster = await postgresCluster();
    const name = `gateways_${crypto.randomUUID().replaceAll("-", "")}`;
    const admin = await openPostgres({ url: cluster.urlOf("postgres"), poolSize: 1 });
    await admin.sql.unsafe(`create database ${name}`);
    await admin.close();
    const exchange = await bench.exchange(["--symbol", `${SYMBOL}:demo`, "--weight-limit", "1000000"]);
    const tape = await bench.folder();
    const gateway = async (): Promise<ServerProcess> => {
      const server = await bench.server(
        environment(await bench.folder(), exchange, {
          DATABASE_URL: cluster.urlOf(name),
          BACKFILL_CACHE_DIR: tape,
          BACKFILL_LEASE_SECONDS: "2",
          SYMBOLS: SYMBOL,
          CONTEXT_BACKFILL_ENABLED: "false",
          LEVELS_INTERVAL_MS: "20",
        }),
      );
      await new TapelineApi(server.url).knows(SYMBOL);
      return server;
    };
    const gateways = [await gateway(), await gateway()];
    let at = 0;
    const proxy = cuttingProxy(() => Number(new URL(gateways[at]!.url).port));
    closing.push(() => proxy.close());

    const client = new Centrifuge(`ws://127.0.0.1:${proxy.port}/connection/websocket`, {
      minReconnectDelay: 5,
      maxReconnectDelay: 50,
    });
    closing.push(() => client.disconnect());
    const heard: Publication[] = [];
    let recoveries = 0;
    const events = client.newSubscription("backfill", { since: { offset: 0, epoch: "" } });
    events.on("publication", ({ data, offset = 0 }) => heard.push({ data, offset }));
    events.on("subscribed", ({ recovered }) => {
      recoveries += recovered ? 1 : 0;
    });
    let held: object = {};
    const levels = client.newSubscription(`levels:${SYMBOL}@${DAY}`);
    levels.on("subscribed", ({ data }) => {
      held = applyChangedFields({}, data);
    });
    levels.on("publication", ({ data }) => {
      held = applyChangedFields(held, data);
    });
    for (const subscription of [events, levels]) subscription.subscribe();
    client.connect();
    const moving = setInterval(() => {
      at = 1 - at;
      proxy.cut();
    }, MOVE_MS);
    closing.push(() => clearInterval(moving));

    const jobs: string[] = [];
    for (let n = 0; n < JOBS; n++) {
      const from = minuteOfMs(Date.parse(DAY)) + n * JOB_MINUTES;
      const time = (minute: number) => new Date(minute * 60_000).toISOString();
      const api = new TapelineApi(gateways[n % 2]!.url);
      jobs.push(await api.backfill(SYMBOL, time(from), time(from + JOB_MINUTES)));
      if (n !== JOBS / 2) continue;
      gateways[0]!.kill("SIGKILL");
      await gateways[0]!.ended();
      gateways[0] = await gateway();
    }
    for (const job of jobs)
      expect((await new TapelineApi(gateways[1]!.url).ended(job, 120_000)).status).toBe("complete");
    clearInterval(moving);

    const pathOf = (job: string) =>
      heard
        .map(({ data }) => v.parse(JobTransition, data))
        .filter(({ job_id }) => job_id === job)
        .map(({ to }) => to);
    // Others come between: repairs of the live stream are jobs too.
    await until("the end of every job to be heard", () => jobs.every((job) => pathOf(job).length >= 3));
    expect(heard.map(({ offset }) => offset)).toEqual(heard.map((_, index) => index + 1));
    for (const job of jobs) expect(pathOf(job)).toEqual(["pending", "in_progress", "complete"]);
    expect(recoveries).toBeGreaterThan(2);

    for (const index of [0, 1]) {
      at = index;
      proxy.cut();
      const api = new TapelineApi(gateways[index]!.url);
      const final = await until("the gateway to hold the whole day", async () => {
        const set = await api.levels(SYMBOL, { session: DAY });
        return set.precision === "PRECISE" && set.backfill === null ? set : undefined;
      });
      await until("the client to hold the same", () => {
        const set = v.safeParse(WireLevelSet, held);
        return set.success && Bun.deepEquals(comparableLevels(set.output), comparableLevels(final));
      });
    }
    console.log(`two gateways: ${heard.length} transitions, ${recoveries} recoveries`);
  },
  TIMEOUT_MS + OPEN_TIMEOUT_MS,
);
