/**
 * The whole server under its push load: a thousand connections that read levels and job events, a market of a thousand trades a second,
 * and a job every second whose events nobody may miss. Exchange, server and readers are processes of their own on the same machine, so
 * two cores do all of it. Measured is the time from the moment a trade leaves the exchange until a frame that holds it
 * is read, for each trade and connection; first as it is, then while a backfill runs.
 *
 *   bun scripts/bench/push-load.ts [--seconds 60] [--connections 1000] [--backfill-seconds 15]
 *
 * Exit: 0, or 1 where an event was lost, repeated or came out of turn, a connection was closed, or the delay's 99th percentile without
 * a backfill is above the interval of the levels and 5 ms.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { DelayHistogram } from "./delay-histogram.ts";
import { LoadReaders } from "./load-readers.ts";
import { LIQUID_SYMBOL, MARKED_SYMBOL, QUIET_SYMBOL } from "./marks.ts";
import { processCost } from "./process-cost.ts";
import { RawReader } from "./raw-readers.ts";
import { startScript } from "./started-script.ts";

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    connections: { type: "string", default: "1000" },
    "backfill-seconds": { type: "string", default: "15" },
  },
});
const CONNECTIONS = Number(options.connections);
const LEVELS_INTERVAL_MS = 100;
const DELAY_BUDGET_MS = LEVELS_INTERVAL_MS + 5;
const START_TIMEOUT_MS = 120_000;
/** A server and its readers have been running for longer than this. */
const WARM_UP_SECONDS = 10;
/** Arrivals are turned into delays this often: a little at a time, and long before the exchange forgets when it sent a trade. */
const FOLD_MS = 250;
/** A job of a minute that is nearly empty: its transitions are what it is for. */
const JOB_EVERY_MS = 1_000;
const SETTLE_MS = 3_000;
const POLL_MS = 50;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** Days back of the minute of the small jobs, and of the day of the large one. */
const SMALL_JOB_DAYS = 2;
const LARGE_JOB_DAYS = 3;

const dataDir = await mkdtemp(join(tmpdir(), "tapeline-push-"));
const children: Bun.Subprocess[] = [];
const dayBack = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10);

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const due = performance.now() + START_TIMEOUT_MS;
  while (!(await holds())) {
    if (performance.now() > due) throw new Error(`waited ${START_TIMEOUT_MS} ms for ${what}`);
    await Bun.sleep(POLL_MS);
  }
}

async function submit(url: string, symbol: string, start: string, end: string): Promise<string> {
  const answer = await fetch(`${url}/api/v1/backfill`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ symbols: [symbol], start_date: start, end_date: end }),
  });
  const body = await answer.json();
  if (answer.status !== 202) throw new Error(`a job was refused: ${JSON.stringify(body)}`);
  return body.job_id;
}

/** Submits small jobs, each of a minute of its own, until it is told to stop. */
async function submitJobs(url: string, jobs: Iterator<number, never>, going: () => boolean): Promise<void> {
  const day = Date.parse(`${dayBack(SMALL_JOB_DAYS)}T00:00:00Z`);
  while (going()) {
    const due = performance.now() + JOB_EVERY_MS;
    const startMs = day + jobs.next().value * MINUTE_MS;
    const [start, end] = [startMs, startMs + MINUTE_MS].map((ms) => new Date(ms).toISOString());
    await submit(url, QUIET_SYMBOL, start!, end!);
    await Bun.sleep(Math.max(0, due - performance.now()));
  }
}

function* minutes(): Generator<number, never> {
  for (let n = 0; ; n++) yield n;
}

interface Load {
  readonly url: string;
  readonly sentUrl: string;
  readonly pid: number;
  readonly readers: LoadReaders;
  readonly jobs: Iterator<number, never>;
}

/** Lets the load run for a while and tells what it cost. */
async function period(name: string, seconds: number, load: Load): Promise<DelayHistogram> {
  const { url, sentUrl, pid, readers } = load;
  const fold = () => readers.fold(async () => new Float64Array(await (await fetch(sentUrl)).arrayBuffer()));
  await fold();
  readers.takeDelays();
  const startedAt = performance.now();
  const going = () => performance.now() - startedAt < seconds * 1_000;
  const [before, own] = [await processCost(pid), process.cpuUsage()];
  const [levelsBefore, eventsBefore] = [readers.levelFrames, readers.eventFrames];
  const submitting = submitJobs(url, load.jobs, going);
  while (going()) {
    await Bun.sleep(FOLD_MS);
    await fold();
  }
  await submitting;
  const tookMs = performance.now() - startedAt;
  const [after, spent, delays] = [await processCost(pid), process.cpuUsage(own), readers.takeDelays()];
  const per = (count: number) => Math.round((count * 1_000) / tookMs).toLocaleString("en");
  const [levels, events] = [readers.levelFrames - levelsBefore, readers.eventFrames - eventsBefore];
  const serverShare = ((after.cpuSeconds - before.cpuSeconds) * 100_000) / tookMs;
  const readersShare = (spent.user + spent.system) / 10 / tookMs;
  console.log(`${name}, ${(tookMs / 1_000).toFixed(0)} s`);
  console.log(`  frames/s              levels ${per(levels)}, events ${per(events)}`);
  console.log(`  trades/s              ${per(delays.count / readers.measured)}`);
  console.log(`  trade to subscriber   ${delays}`);
  console.log(
    `  processor             server ${serverShare.toFixed(0)} %, readers ${readersShare.toFixed(0)} % of one core`,
  );
  console.log(
    `  server memory         ${after.rssMb.toFixed(0)} MB, at its peak ${after.peakMb.toFixed(0)} MB`,
  );
  return delays;
}

async function run(): Promise<boolean> {
  const exchange = await startScript({
    path: "marked-exchange.ts",
    args: [],
    env: {},
    pattern: /ready (\d+)/,
    timeoutMs: START_TIMEOUT_MS,
    children,
  });
  const port = exchange.match[1]!;
  const server = await startScript({
    path: "responsive-server.ts",
    args: [],
    env: {
      DATA_SOURCE: "sim",
      SYMBOLS: MARKED_SYMBOL,
      CONTEXT_BOOTSTRAP_PREV_DAY: "false",
      DATA_UPKEEP_ENABLED: "false",
      LEVELS_INTERVAL_MS: String(LEVELS_INTERVAL_MS),
      PROFILE_TICK_SIZE: `${MARKED_SYMBOL}=0.1`,
      DATA_DIR: dataDir,
      PORT: "0",
      BINANCE_REST_URL: `http://127.0.0.1:${port}`,
      BINANCE_WS_URL: `ws://127.0.0.1:${port}`,
    },
    pattern: /ready (\S+)/,
    timeoutMs: START_TIMEOUT_MS,
    children,
  });
  const url = server.match[1]!;
  const { pid } = server.child;
  // The day is whole, as it is for a server that has run for a while.
  await until("a precise level set", async () => {
    const answer = await fetch(`${url}/levels`);
    return answer.ok && (await answer.json()).precision === "PRECISE";
  });
  const readers = await LoadReaders.open(Number(new URL(url).port), CONNECTIONS);
  await until("every subscription", () => readers.subscribed);
  const sentUrl = `http://127.0.0.1:${port}/sent`;
  await Bun.sleep(WARM_UP_SECONDS * 1_000);

  const load: Load = { url, sentUrl, pid, readers, jobs: minutes() };
  const measure = (name: string, seconds: number) => period(name, seconds, load);
  server.child.kill("SIGUSR2");
  const delays = await measure(`${CONNECTIONS} connections`, Number(options.seconds));
  server.child.kill("SIGUSR2");
  const backfillSeconds = Number(options["backfill-seconds"]);
  if (backfillSeconds > 0) {
    const job = await submit(url, LIQUID_SYMBOL, dayBack(LARGE_JOB_DAYS), dayBack(LARGE_JOB_DAYS));
    await measure("the same while a backfill runs", backfillSeconds);
    server.child.kill("SIGUSR2");
    await fetch(`${url}/api/v1/backfill/${job}/cancel`, { method: "POST" });
  }
  await Bun.sleep(SETTLE_MS);
  const loops = server.lines.filter((line) => line.startsWith("loop "));
  console.log(`server's event loop     ${loops[1]?.slice(5)}`);
  if (backfillSeconds > 0) console.log(`  during the backfill   ${loops[2]?.slice(5)}`);

  const open = readers.readers.length - readers.closed.length;
  const top = await newestOffset(Number(new URL(url).port));
  console.log(
    `events                  ${readers.eventFrames.toLocaleString("en")} frames up to offset ${top}; every connection has reached ${readers.offset}; ${readers.faults.length} faults`,
  );
  console.log(`connections             ${open} of ${CONNECTIONS} open`);
  for (const fault of readers.faults.slice(0, 5)) console.log(`  ${fault}`);
  const p99 = delays.percentile(99);
  const complete = readers.offset === top && readers.faults.length === 0 && readers.closed.length === 0;
  console.log(
    `${complete ? "nothing lost" : "SOMETHING LOST"}; p99 ${p99.toFixed(1)} ms of ${DELAY_BUDGET_MS} allowed`,
  );
  return complete && p99 <= DELAY_BUDGET_MS;
}

/** Where the channel of job events stands, by a connection of its own. */
async function newestOffset(port: number): Promise<number> {
  const answer = Promise.withResolvers<number>();
  const commands = '{"id":1,"connect":{}}\n{"id":2,"history":{"channel":"backfill","limit":0}}';
  const reader = await RawReader.connect({
    port,
    commands,
    onFrame: (_, text) => {
      const { history } = JSON.parse(text.toString().split("\n").at(-1) ?? "");
      if (history !== undefined) answer.resolve(history.offset);
    },
  });
  const timer = setTimeout(() => answer.reject(new Error("no answer to a history command")), SETTLE_MS);
  try {
    return await answer.promise;
  } finally {
    clearTimeout(timer);
    reader.end();
  }
}

try {
  process.exitCode = (await run()) ? 0 : 1;
} finally {
  for (const child of children) {
    child.kill("SIGKILL");
    await child.exited;
  }
  await rm(dataDir, { recursive: true, force: true });
}
process.exit();
