/**
 * Many candle jobs queued at once: how long the answer to each request takes, how long `status` and `recent` take while they run,
 * how evenly they advance, and how many candles a second reach the database. Exchange, server and client run in processes
 * of their own; the exchange takes what nobody else wants of the machine.
 *
 *   bun scripts/bench/candle-jobs.ts [--jobs N] [--symbols N] [--unknown N] [--days N] [--timeframes 5m,1h] [--seconds N]
 *     [--postgres | --database-url URL]
 *
 * `--seconds`: ends after so long, whatever is done by then. `--postgres`: on a Postgres of the tests' kind, whose durability is
 * off, instead of the embedded database.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import * as v from "valibot";
import { BackfillAccepted, JobAnswer, jobHasEnded, RecentJobs } from "../../src/protocol/mod.ts";
import { postgresCluster } from "../../tests/support/mod.ts";
import { percentile } from "./percentile.ts";
import { type StartedScript, startScript } from "./started-script.ts";

const { values: options } = parseArgs({
  options: {
    jobs: { type: "string", default: "10" },
    symbols: { type: "string", default: "100" },
    unknown: { type: "string", default: "3" },
    days: { type: "string", default: "1" },
    timeframes: { type: "string", default: "5m,15m,1h,1d" },
    seconds: { type: "string", default: "3600" },
    postgres: { type: "boolean", default: false },
    "database-url": { type: "string" },
  },
});
/** Above what the jobs cost, so that the budget is not what is measured. */
const WEIGHT_LIMIT = "100000000";
const DAY_MS = 86_400_000;
const START_MS = Date.parse("2024-01-01T00:00:00Z");
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 50;
const SHOWN_EVERY_MS = 5_000;

const days = Number(options.days);
const symbols = Array.from(
  { length: Number(options.symbols) },
  (_, n) => `C${String(n).padStart(2, "0")}USDT`,
);
const databaseUrl =
  options["database-url"] ?? (options.postgres ? (await postgresCluster()).urlOf("postgres") : undefined);
const dataDir = await mkdtemp(join(tmpdir(), "tapeline-bench-"));
const children: Bun.Subprocess[] = [];
/** Whose event loop is told when it ends. */
const told: StartedScript[] = [];

/** A script that ends with the bench. */
function start(
  path: string,
  args: string[],
  env: Record<string, string>,
  pattern: RegExp,
  before: string[] = [],
): Promise<StartedScript> {
  return startScript({ path, args, env, pattern, before, children, timeoutMs: START_TIMEOUT_MS });
}

/** A call and how long its answer took, body included, ms. */
async function timed<S extends v.GenericSchema>(url: string, schema: S, times: number[], init?: RequestInit) {
  const sent = performance.now();
  const body = await (await fetch(url, init)).text();
  times.push(performance.now() - sent);
  return v.parse(schema, JSON.parse(body));
}

const dayOf = (n: number) => new Date(START_MS + n * DAY_MS).toISOString().slice(0, 10);
const row = (name: string, times: number[]) =>
  console.log(
    `${name.padEnd(10)} p50 ${percentile(times, 50).toFixed(1).padStart(7)} ms   p95 ${percentile(times, 95).toFixed(1).padStart(7)} ms   p99 ${percentile(times, 99).toFixed(1).padStart(7)} ms   max ${Math.max(
      ...times,
    )
      .toFixed(1)
      .padStart(7)} ms   (${times.length})`,
  );

try {
  const listed = symbols.slice(Number(options.unknown)).flatMap((symbol) => ["--symbol", `${symbol}:thin`]);
  const urls = /BINANCE_REST_URL=(\S+)\s+BINANCE_WS_URL=(\S+)/;
  const exchange = await start("../simulate.ts", [...listed, "--weight-limit", WEIGHT_LIMIT], {}, urls, [
    "nice",
    "-n",
    "19",
  ]);
  const [, restUrl = "", wsUrl = ""] = exchange.match;
  const server = await start(
    "./responsive-server.ts",
    [],
    {
      DATA_SOURCE: "sim",
      DATA_DIR: dataDir,
      BINANCE_REST_URL: restUrl,
      BINANCE_WS_URL: wsUrl,
      SYMBOLS: symbols.at(-1) ?? "",
      CONTEXT_BACKFILL_ENABLED: "false",
      PORT: "0",
      ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
    },
    /ready (\S+)/,
  );
  const [, url = ""] = server.match;
  told.push(server);
  const [posted, status, recent, health]: [number[], number[], number[], number[]] = [[], [], [], []];
  const startedAt = performance.now();
  const ids: string[] = [];
  for (let n = 0; n < Number(options.jobs); n++) {
    const body = {
      symbols,
      start_date: dayOf(n * days),
      end_date: dayOf((n + 1) * days - 1),
      timeframes: options.timeframes.split(","),
    };
    const init = {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    };
    ids.push((await timed(`${url}/api/v1/backfill`, BackfillAccepted, posted, init)).job_id);
  }
  let spread = 0;
  let shownAt = 0;
  for (let turn = 0; ; turn++) {
    // Needs nothing but the event loop, and comes first, when the machine may have turned to others: what it takes is the machine's.
    await timed(`${url}/health`, v.unknown(), health);
    const { jobs } = await timed(`${url}/api/v1/backfill/recent?limit=20`, RecentJobs, recent);
    await timed(`${url}/api/v1/backfill/status/${ids[turn % ids.length]}`, JobAnswer, status);
    const done = jobs.map((job) => job.chunks_done);
    // Compared while every job has something to run.
    if (jobs.every((job) => job.chunks_total > job.chunks_done + 8))
      spread = Math.max(spread, Math.max(...done) - Math.min(...done));
    const seconds = (performance.now() - startedAt) / 1_000;
    if (performance.now() - shownAt > SHOWN_EVERY_MS) {
      shownAt = performance.now();
      console.log(`${seconds.toFixed(0).padStart(5)} s  chunks done, by job: ${done.reverse().join(" ")}`);
    }
    if (jobs.every((job) => jobHasEnded(job.status)) || seconds > Number(options.seconds)) {
      const candles = jobs.reduce((sum, job) => sum + job.total_records_inserted, 0);
      const chunks = jobs.reduce((sum, job) => sum + job.chunks_done, 0);
      console.log(
        `${jobs.length} jobs × ${symbols.length} symbols: ${jobs.map((job) => job.status).join(" ")}; ${candles} candles in ${chunks} chunks in ${seconds.toFixed(1)} s (${Math.round(candles / seconds)}/s, ${Math.round(chunks / seconds)} chunks/s)`,
      );
      break;
    }
    await Bun.sleep(POLL_MS);
  }
  row("POST", posted);
  row("status", status);
  row("recent", recent);
  row("/health", health);
  console.log(`most chunks that one job was ahead of another: ${spread}`);
} finally {
  for (const child of children.reverse()) {
    child.kill("SIGTERM");
    await child.exited;
  }
  for (const { lines } of told)
    for (const line of lines.filter((each) => each.startsWith("loop "))) console.log(line);
  await rm(dataDir, { recursive: true, force: true });
}
// The Postgres of the tests' kind ends with this process, and keeps it alive until then.
process.exit(0);
