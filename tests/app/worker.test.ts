import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Database, openPostgres } from "../../db/mod.ts";
import { createJobStore, type JobStore } from "../../src/backfill/job-store.ts";
import { type SimulatorServer, startSimulatorServer } from "../../src/runtime/mod.ts";
import { createGeneratedMarket, PRESETS } from "../../src/simulator/mod.ts";
import { jobOf } from "../backfill/job-store-support.ts";
import { OPEN_TIMEOUT_MS } from "../support/databases.ts";
import { postgresCluster } from "../support/postgres-cluster.ts";
import { environment, type Variables, Workbench } from "../support/processes.ts";
import { until } from "../support/until.ts";

const LO = 20_458 * 1_440;
/** Nothing is answered before a test says so. */
const HANG = { kind: "latency", ms: 60_000 } as const;

const bench = new Workbench();
let database: Database;
let store: JobStore;
let exchange: SimulatorServer;
let env: Variables;

beforeAll(async () => {
  const cluster = await postgresCluster();
  const admin = await openPostgres({ url: cluster.urlOf("postgres"), poolSize: 1 });
  const name = `workers_${crypto.randomUUID().replaceAll("-", "")}`;
  await admin.sql.unsafe(`create database ${name}`);
  await admin.close();
  database = await openPostgres({ url: cluster.urlOf(name) });
  store = createJobStore(database);
  exchange = startSimulatorServer({
    markets: [createGeneratedMarket({ symbol: "BTCUSDT", preset: PRESETS.thin })],
  });
  const folder = await bench.folder();
  env = environment(folder, exchange, {
    DATABASE_URL: cluster.urlOf(name),
    BACKFILL_CACHE_DIR: `${folder}/tape`,
    BACKFILL_LEASE_SECONDS: "2",
    BACKFILL_PARALLEL: "2",
  });
}, OPEN_TIMEOUT_MS);
afterAll(async () => {
  await bench.close();
  await exchange.stop();
  await database.close();
}, OPEN_TIMEOUT_MS);

async function plan(chunks: number, lo: number) {
  const { spec } = createGeneratedMarket({ symbol: "BTCUSDT", preset: PRESETS.thin });
  const series = await store.ensureSeries({
    venue: "binance",
    market: "spot",
    symbol: "BTCUSDT",
    ...spec.scales,
    tickUnits: spec.tickUnits,
    lotUnits: spec.lotUnits,
    binUnits: 1,
  });
  const { job } = await store.createJob(
    jobOf(
      Array.from({ length: chunks }, (_, rank) => ({
        seriesId: series.id,
        range: { lo: lo + rank * 10, hi: lo + rank * 10 + 10 },
        source: "rest" as const,
        rank,
      })),
      {
        request: {
          symbols: ["binance:BTCUSDT"],
          from: "2026-01-05T00:00:00.000Z",
          to: "2026-01-06T00:00:00.000Z",
          order: "oldest",
          force: false,
          reason: "request",
        },
      },
    ),
  );
  return job.id;
}

const leased = async (jobId: string) => (await store.job(jobId))?.leased ?? 0;

test("bun run work, without a database to share, says that the embedded one is one process's", async () => {
  const { code, stderr } = await bench.run("work", [], { ...env, DATABASE_URL: "" });
  expect(code).toBe(2);
  expect(stderr).toContain("DATABASE_URL is not set");
  expect(stderr).toContain("belongs to one process");
});

test(
  "bun run work, a stopped worker gives its chunks back, a killed one loses them with its lease, and a third ends the job",
  async () => {
    exchange.exchange.faults.add(HANG);
    const jobId = await plan(6, LO);
    const stopped = bench.start("work", [], env);
    await until("two chunks under way", async () => (await leased(jobId)) === 2);
    stopped.kill("SIGTERM");
    expect(await stopped.ended()).toBe(0);
    expect(await leased(jobId)).toBe(0);
    const attempts = await database.sql<{ most: number; tokens: number }[]>`
    select max(attempt) as most, sum(lease_token)::int as tokens from backfill_chunk where job_id = ${jobId}`;
    expect(attempts[0]).toEqual({ most: 0, tokens: 2 });

    const killed = bench.start("work", [], env);
    await until("two chunks under way", async () => (await leased(jobId)) === 2);
    killed.kill("SIGKILL");
    await killed.ended();
    exchange.exchange.faults.remove();
    bench.start("work", [], env);
    await until("the job's end", async () => (await store.job(jobId))?.status === "complete");
    const tries = await database.sql<{ attempt: number }[]>`
    select attempt from backfill_chunk where job_id = ${jobId} order by no`;
    expect(tries.map(({ attempt }) => attempt)).toEqual([2, 2, 1, 1, 1, 1]);
  },
  OPEN_TIMEOUT_MS,
);
