import { afterAll, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import postgres from "postgres";
import { type Database, openPostgres } from "../../db/mod.ts";
import { createJobStore, type JobStore } from "../../src/backfill/job-store.ts";
import { planChunks } from "../../src/backfill/planner.ts";
import {
  Coverage,
  dayRange,
  formatMinute,
  invariant,
  MINUTES_PER_DAY,
  symbolName,
  Turns,
} from "../../src/core/mod.ts";
import { startSimulatorServer, thisProcess } from "../../src/runtime/mod.ts";
import { createGeneratedMarket, type MarketPreset } from "../../src/simulator/mod.ts";
import { createTape } from "../../src/tape/mod.ts";
import { Binance } from "../../src/venues/mod.ts";
import { appInProcess } from "../support/app-in-process.ts";
import { postgresCluster } from "../support/postgres-cluster.ts";
import { environment, Workbench } from "../support/processes.ts";
import { seededRandom } from "../support/trades.ts";
import { Crew } from "./crew.ts";
import { FAULTS, type Fault, inflict } from "./faults.ts";
import { mountSmallDisk, unmount } from "./small-disk.ts";
import { type Expected, expectBooks, expectTruth, truthOf } from "./verdict.ts";
import { zombieCommit } from "./zombie.ts";

/** How long faults come; the chunks last at least as long. */
const SECONDS = Number(process.env["CHAOS_SECONDS"] ?? 12);
const SEED = Number(process.env["CHAOS_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const WORKERS = 4;
const LEASE_SECONDS = 2;
const CHUNK_MINUTES = 10;
/** What a chunk's three requests wait for, so that faults meet chunks under way. */
const LATENCY_MS = 100;
const CHUNKS_MIN = 600;
/** More than the workers can finish in a second at that latency. */
const CHUNKS_PER_SECOND = 40;
const FIRST_DAY = 20_458;
const SYMBOLS = ["AAAUSDT", "BBBUSDT"];
const DISK_MB = 48;
/** After the faults, until everything is done: the last lease to end, a backoff, and the rest of the chunks on a busy machine. */
const HEAL_MS = 60_000;
const PRESET: MarketPreset = {
  tradesPerDay: 20_000,
  basePrice: 100,
  scales: { priceScale: 2, sizeScale: 3 },
  tickUnits: 1,
  lotUnits: 1,
  spreadTicks: 1,
  medianSizeUnits: 900,
  volatility: 0.0006,
};

const bench = new Workbench();
const mounts: string[] = [];
afterAll(async () => {
  for (const dir of mounts) await unmount(dir);
  await bench.close();
});

test(
  `four workers under random faults (CHAOS_SEED=${SEED} CHAOS_SECONDS=${SECONDS}), every minute is on the tape once and to the unit`,
  async () => {
    const random = seededRandom(SEED);
    await using stack = new AsyncDisposableStack();
    const markets = SYMBOLS.map((symbol) => createGeneratedMarket({ symbol, preset: PRESET, seed: SEED }));
    const exchange = startSimulatorServer({
      markets,
      faults: [{ kind: "latency", ms: LATENCY_MS, jitter_ms: 40 }],
    });
    stack.defer(() => exchange.stop());
    // The exchange counts for all workers together; what it would throttle is another test.
    const forget = setInterval(() => void forgetWeights(exchange.restUrl), 500);
    stack.defer(() => clearInterval(forget));

    const folder = await bench.folder();
    const tapeDir = join(folder, "tape");
    const mounted = await mountSmallDisk(tapeDir, DISK_MB);
    if (mounted) mounts.push(tapeDir);

    const cluster = await postgresCluster();
    const name = `chaos_${randomUUID().replaceAll("-", "")}`;
    const admin = postgres(cluster.urlOf("postgres"), { max: 1, onnotice: () => undefined });
    stack.defer(() => admin.end({ timeout: 5 }));
    await admin.unsafe(`create database ${name}`);
    // The test cluster forgives what a crash may not lose; here an answered commit has to stand.
    await admin.unsafe(`alter database ${name} set synchronous_commit = on`);
    stack.defer(async () => {
      await admin.unsafe(`drop database ${name} with (force)`);
    });
    const url = cluster.urlOf(name);
    const database = await openPostgres({ url, poolSize: 4 });
    stack.defer(() => database.close());
    const jobs = createJobStore(database);

    const chunks = Math.max(CHUNKS_MIN, SECONDS * CHUNKS_PER_SECOND);
    const lo = FIRST_DAY * MINUTES_PER_DAY;
    const range = { lo, hi: lo + Math.ceil(chunks / SYMBOLS.length) * CHUNK_MINUTES };
    const expected: Expected[] = [];
    for (const market of markets) expected.push({ market, series: await seriesOf(jobs, market.spec), range });
    const jobId = await makeJob(jobs, expected);

    const env = environment(folder, exchange, {
      DATABASE_URL: url,
      BACKFILL_CACHE_DIR: tapeDir,
      BACKFILL_LEASE_SECONDS: `${LEASE_SECONDS}`,
      SYMBOLS: SYMBOLS.join(","),
    });
    const server = await appInProcess({ ...env, BACKFILL_PARALLEL: "1" }, { follow: false });
    stack.defer(() => server.app.close());
    const crew = new Crew(bench, env);
    await crew.hire(WORKERS);

    const clock = thisProcess().clock(0);
    const turns = new Turns({
      timers: clock,
      yieldTurn: () => new Promise((resolve) => setImmediate(resolve)),
    });
    const venue = new Binance({ restUrl: exchange.restUrl, wsUrl: exchange.wsUrl, clock, turns });
    const tape = await createTape({ dir: tapeDir });
    stack.defer(() => tape.close());
    const zombieDeps = {
      tape,
      turns,
      sleep: (ms: number) => Bun.sleep(ms),
      pastMs: () => clock.nowMs(),
      venueOf: () => venue,
      candleSourceOf: () => venue,
    };
    const said: string[] = [];
    let over = false;
    const zombies = (async () => {
      while (!over) {
        said.push(await zombieCommit(jobs, zombieDeps).catch(() => "failed"));
        await Bun.sleep(500);
      }
    })();

    const world = {
      crew,
      admin,
      database: name,
      disk: mounted ? tapeDir : undefined,
      leaseMs: LEASE_SECONDS * 1_000,
      random,
    };
    const counts = new Map<Fault, number>();
    const startedAt = performance.now();
    const end = startedAt + SECONDS * 1_000;
    // Each at least once, in an order of the seed's; then whatever comes.
    const first = FAULTS.toSorted(() => random() - 0.5);
    while (performance.now() < end || first.length > 0) {
      await Bun.sleep(300 + random() * 700);
      const fault = first.pop() ?? FAULTS[Math.floor(random() * FAULTS.length)] ?? "kill";
      await inflict(fault, world);
      counts.set(fault, (counts.get(fault) ?? 0) + 1);
      expect(server.fatal).toEqual([]);
    }

    const healed = await ended(jobs, jobId);
    over = true;
    await zombies;
    const refused = said.filter((word) => word === "lost").length;
    console.log(
      `CHAOS_SEED=${SEED}: ${healed.chunksDone} chunks in ${Math.round((performance.now() - startedAt) / 1_000)} s; ${[...counts].map(([fault, n]) => `${n} ${fault}`).join(", ")}` +
        `${mounted ? "" : " (no file system could be mounted to be filled)"}; zombie commits: ${said.join(", ")}`,
    );
    await expectBooks(database, jobs, jobId);
    for (const each of expected) await expectTruth(jobs, tape, each);
    expect(healed.chunksTotal).toBeGreaterThanOrEqual(CHUNKS_MIN);
    expect(refused).toBeGreaterThanOrEqual(1);
    expect(said).not.toContain("committed");
    await expectServerKnows(server.app, expected);
    expect(await leftLeased(database)).toBe(0);
    // Whoever was not killed has survived the rest.
    for (let index = 0; index < crew.size; index++) crew.worker(index);
  },
  (SECONDS + 150) * 1_000,
);

function forgetWeights(url: string): Promise<unknown> {
  return fetch(`${url}/sim/weights`, { method: "DELETE" }).catch(() => undefined);
}

function seriesOf(jobs: JobStore, spec: ReturnType<typeof createGeneratedMarket>["spec"]) {
  const { symbol, scales, tickUnits, lotUnits } = spec;
  return jobs.ensureSeries({
    venue: "binance",
    market: "spot",
    symbol,
    ...scales,
    tickUnits,
    lotUnits,
    binUnits: 10,
  });
}

async function makeJob(jobs: JobStore, expected: readonly Expected[]): Promise<string> {
  const [first] = expected;
  invariant(first !== undefined, "there is a series");
  const chunks = planChunks(
    expected.map(({ series, range }) => ({ seriesId: series.id, range, excluded: Coverage.empty })),
    { order: "oldest", chunkMinutes: CHUNK_MINUTES },
  );
  const { job } = await jobs.createJob({
    request: {
      symbols: expected.map(({ series }) => symbolName(series)),
      from: formatMinute(first.range.lo),
      to: formatMinute(first.range.hi),
      order: "oldest",
      force: false,
      reason: "request",
    },
    requestKey: "chaos",
    dataset: "trades",
    maxParallel: 64,
    chunks,
  });
  return job.id;
}

async function ended(jobs: JobStore, jobId: string) {
  const until = performance.now() + HEAL_MS;
  for (;;) {
    const job = await jobs.job(jobId).catch(() => undefined);
    if (job?.finishedAt !== undefined) return job;
    if (performance.now() > until)
      throw new Error(`the job has not ended: ${JSON.stringify(job, undefined, 1)} (CHAOS_SEED=${SEED})`);
    await Bun.sleep(100);
  }
}

/** The server has seen every commit of the workers, and its levels would be the exchange's. */
async function expectServerKnows(
  app: Awaited<ReturnType<typeof appInProcess>>["app"],
  expected: readonly Expected[],
): Promise<void> {
  const engine = app.engine();
  invariant(engine !== undefined, "the server is ready");
  for (const each of expected) {
    const store = engine.store.bySymbol(symbolName(each.series));
    invariant(store !== undefined, "the server has opened the series");
    const until = performance.now() + 10_000;
    while (store.covered.missing(each.range).length > 0 && performance.now() < until) await Bun.sleep(50);
    expect(store.covered.within(each.range).ranges).toEqual([each.range]);
    const day = dayRange(FIRST_DAY);
    const symbol = { venue: "binance", symbol: each.series.symbol };
    const signal = AbortSignal.timeout(HEAL_MS);
    await engine.windows.profile({ symbol, range: day, bins: false }, { signal });
    const volume = truthOf({ ...each, range: day }).reduce((sum, minute) => sum + minute.volume, 0);
    expect(Number(store.window(day).fold.volume)).toBe(volume);
  }
}

async function leftLeased({ sql }: Database): Promise<number> {
  const rows = await sql<
    { n: number }[]
  >`select count(*)::int as n from backfill_chunk where status = 'leased'`;
  return rows[0]?.n ?? -1;
}
