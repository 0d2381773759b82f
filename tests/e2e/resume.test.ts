import { afterAll, describe, expect, test } from "bun:test";
import { Coverage, formatMinute, type MinuteRange, minuteOfMs, pause } from "../../src/core/mod.ts";
import { type SimulatorServer, startSimulatorServer, systemTimers } from "../../src/runtime/mod.ts";
import { createGeneratedMarket, type Market, PRESETS, readRecordedMarket } from "../../src/simulator/mod.ts";
import { appInProcess } from "../support/app-in-process.ts";
import { lookInto } from "../support/data-dir.ts";
import { allFiles, plainQuery, theseFiles } from "../support/parquet.ts";
import { environment, type Variables, Workbench } from "../support/processes.ts";
import { testWithData } from "../support/shared-data.ts";
import { TapelineApi } from "../support/tapeline-api.ts";
import { seededRandom } from "../support/trades.ts";
import { until } from "../support/until.ts";

/**
 * `kill -9` at random points of a backfill. `TAPELINE_E2E_SEED` repeats a run; `TAPELINE_E2E_FULL=1` takes the whole generated
 * day of more than a million trades instead of ninety minutes of it.
 */
const SEED = Number(process.env["TAPELINE_E2E_SEED"] ?? Math.floor(Math.random() * 1e9));
const FULL = process.env["TAPELINE_E2E_FULL"] === "1";
const KILLS = 10;
/** These kills come a random time after the start, whatever it is at then: in the recovery from the kill before, most likely. */
const KILLS_AT_START: readonly number[] = [3, 7];
const START_MS_MAX = 1_200;
/** A kill comes up to this long after the request that it waits for, ms: in the middle of a fetch, a write or a commit. */
const AFTER_REQUEST_MS_MAX = 40;
const TIMEOUT_MS = 600_000;

const bench = new Workbench();
const exchanges: SimulatorServer[] = [];
afterAll(async () => {
  await bench.close();
  await Promise.all(exchanges.map((exchange) => exchange.stop()));
}, TIMEOUT_MS);

interface Task {
  readonly symbol: string;
  readonly range: MinuteRange;
  readonly chunkMinutes: number;
}

/** All that a finished backfill left behind, without the counters and times that differ from run to run. */
interface Outcome {
  readonly levels: object;
  readonly profile: object;
  readonly segments: readonly unknown[];
  readonly covered: readonly MinuteRange[];
  readonly listed: readonly string[];
  readonly trades: number;
}

const argumentsOf = ({ symbol, range }: Task) => [
  symbol,
  "--from",
  formatMinute(range.lo),
  "--to",
  formatMinute(range.hi),
  "--json",
];

const variablesOf = (task: Task, dataDir: string, exchange: SimulatorServer): Variables =>
  environment(dataDir, exchange, { BACKFILL_CHUNK_MINUTES: `${task.chunkMinutes}`, LOG_LEVEL: "error" });

/** What the database lists for the task. */
function lookAt({ symbol, range }: Task, dataDir: string) {
  return lookInto(dataDir, async (jobs) => {
    const series = await jobs.findSeries({ venue: "binance", market: "spot", symbol });
    const segments = series === undefined ? [] : await jobs.segments(series.id, range);
    const covered = series === undefined ? [] : await jobs.coverage(series.id, range);
    return {
      segments,
      covered: Coverage.of(covered),
      recent: await jobs.recentJobs(5),
      listed: await jobs.listedFiles(),
    };
  });
}

async function outcomeOf(task: Task, dataDir: string, env: Variables): Promise<Outcome> {
  const { segments, covered, listed } = await lookAt(task, dataDir);
  const { app } = await appInProcess(env, { follow: false });
  try {
    const api = new TapelineApi(app.url);
    const from = formatMinute(task.range.lo);
    const {
      as_of: _,
      revision: __,
      backfill: ___,
      ...levels
    } = await api.levels(task.symbol, { session: from.slice(0, 10) });
    const query = { from, to: formatMinute(task.range.hi) };
    const { as_of: ____, revision: _____, ...profile } = await api.profile(task.symbol, query);
    return {
      levels,
      profile,
      segments: segments.map(({ id: _id, seriesId: _series, files, ...segment }) => ({
        ...segment,
        // The content is the same to the bit, so its hash and name are.
        files: files.map(({ path, sha256, rows, bytes }) => ({ path, sha256, rows, bytes })),
      })),
      covered: covered.ranges,
      listed: listed.toSorted(),
      trades: profile.trade_count,
    };
  } finally {
    await app.close();
  }
}

function serve(market: Market): SimulatorServer {
  const exchange = startSimulatorServer({ markets: [market], weights: { limitPerMinute: 1_000_000 } });
  exchanges.push(exchange);
  return exchange;
}

/** Minutes whose trades were asked for since the log was cleared. */
function asked({ exchange }: SimulatorServer, { symbol, range }: Task): number[] {
  return exchange.requests
    .minutes(symbol, range.lo, range.hi)
    .filter(([, counts]) => counts.asked > 0)
    .map(([minute]) => minute);
}

function tradeRequests({ exchange }: SimulatorServer): number {
  return exchange.requests.summary().paths["/api/v3/aggTrades"] ?? 0;
}

async function killedTenTimes(task: Task, market: Market): Promise<void> {
  const random = seededRandom(SEED);
  const exchange = serve(market);
  const total = task.range.hi - task.range.lo;

  const calmDir = await bench.folder();
  const calmEnv = variablesOf(task, calmDir, exchange);
  const beganAt = performance.now();
  const calm = await bench.run("backfill", argumentsOf(task), calmEnv);
  const calmMs = performance.now() - beganAt;
  expect({ code: calm.code, stderr: calm.stderr }).toEqual({ code: 0, stderr: "" });
  const calmRequests = tradeRequests(exchange);
  const undisturbed = await outcomeOf(task, calmDir, calmEnv);

  const dataDir = await bench.folder();
  const env = variablesOf(task, dataDir, exchange);
  let covered = Coverage.empty;
  let requests = 0;
  const told: string[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    exchange.exchange.requests.clear();
    const running = bench.start("backfill", argumentsOf(task), env);
    if (KILLS_AT_START.includes(kill)) {
      await pause(systemTimers(), random() * START_MS_MAX);
    } else {
      const missing = total - covered.size;
      const share = Math.min(0.6, (2 * random()) / (KILLS + 1 - kill));
      const wanted = Math.max(1, Math.floor(missing * share));
      await until(`${wanted} minutes to be asked for`, () => asked(exchange, task).length >= wanted);
      await pause(systemTimers(), random() * AFTER_REQUEST_MS_MAX);
    }
    running.kill("SIGKILL");
    expect(await running.ended()).toBe("SIGKILL");
    const again = asked(exchange, task).filter((minute) => covered.has(minute));
    expect({ kill, again }).toEqual({ kill, again: [] });
    requests += tradeRequests(exchange);
    const found = await lookAt(task, dataDir);
    // What was committed once stays so, and the job's counter is the number of its chunks that are.
    expect(found.covered.size).toBeGreaterThanOrEqual(covered.size);
    expect(found.covered.missing(task.range).length === 0).toBe(false);
    if (found.recent.length > 0)
      expect(found.recent.map(({ chunksDone, status }) => [chunksDone, status])).toEqual([
        [found.segments.length, found.recent[0]!.status === "pending" ? "pending" : "in_progress"],
      ]);
    covered = found.covered;
    told.push(`${covered.size}`);
  }
  exchange.exchange.requests.clear();
  const last = await bench.run("backfill", argumentsOf(task), env);
  expect({ code: last.code, stderr: last.stderr }).toEqual({ code: 0, stderr: "" });
  expect(asked(exchange, task).filter((minute) => covered.has(minute))).toEqual([]);
  requests += tradeRequests(exchange);

  const resumed = await outcomeOf(task, dataDir, env);
  expect(resumed).toEqual(undisturbed);
  expect(resumed.covered).toEqual([task.range]);
  const tapeDir = `${dataDir}/tape`;
  for (const table of [allFiles(tapeDir), theseFiles(tapeDir, resumed.listed)]) {
    const [counts] = await plainQuery(`select count(*), count(distinct id) from ${table}`);
    expect(counts?.map(Number)).toEqual([undisturbed.trades, undisturbed.trades]);
  }
  console.log(
    `resume: ${task.symbol}, ${undisturbed.trades} trades, seed ${SEED}: undisturbed ${(calmMs / 1_000).toFixed(1)} s, ` +
      `${calmRequests} requests for trades; ${KILLS} kills at ${told.join(", ")} of ${total} minutes covered, ${requests} requests in all`,
  );
}

describe("kill -9 at ten random points", () => {
  testWithData(
    ["derived/XRPETH-aggTrades-2019-10-11.csv"],
    "a recorded day, ends as if nothing had happened and asks for no committed minute again",
    async ([path = ""]) => {
      const lo = minuteOfMs(Date.parse("2019-10-11"));
      const task: Task = { symbol: "XRPETH", range: { lo, hi: lo + 1_440 }, chunkMinutes: 20 };
      await killedTenTimes(task, await readRecordedMarket(path, { symbol: "XRPETH" }));
    },
    TIMEOUT_MS,
  );

  test(
    `${FULL ? "a generated day of more than a million trades" : "ninety minutes of a generated day"}, ends as if nothing had happened and asks for no committed minute again`,
    async () => {
      const day = minuteOfMs(Date.parse("2025-06-12"));
      const range = FULL ? { lo: day, hi: day + 1_440 } : { lo: day + 720, hi: day + 810 };
      const task: Task = { symbol: "BTCUSDT", range, chunkMinutes: FULL ? 10 : 1 };
      await killedTenTimes(task, createGeneratedMarket({ symbol: "BTCUSDT", preset: PRESETS.liquid }));
    },
    TIMEOUT_MS,
  );
});
