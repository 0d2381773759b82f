/**
 * What the server feels like while a generated day of a liquid symbol (≥ 1 M trades) is backfilled at full speed:
 * time to answer GET /health, delay of the server's event loop, memory, and the duration of the backfill.
 *
 * The exchange and the client run in processes of their own. The baseline, measured in the same run, is the same server
 * before the backfill begins.
 *
 *   bun scripts/bench/responsive.ts [--day YYYY-MM-DD] [--parallel N]
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { percentile } from "./percentile.ts";
import { type StartedScript, startScript } from "./started-script.ts";

const { values: options } = parseArgs({
  options: { day: { type: "string" }, parallel: { type: "string", default: "4" } },
});
const SYMBOL = "BTCUSDT";
/** Above what a day costs, so that the budget is not what is measured. */
const WEIGHT_LIMIT = "1000000";
const BASELINE_MS = 5_000;
const START_TIMEOUT_MS = 30_000;
const POLL_MS = 10;
const day = options.day ?? new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10);

const dataDir = await mkdtemp(join(tmpdir(), "tapeline-bench-"));
const children: Bun.Subprocess[] = [];

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

/** Asks for /health until `until` resolves; answers the times of the answers in ms. */
async function askHealth(url: string, until: Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  let going = true;
  void until.finally(() => {
    going = false;
  });
  while (going) {
    const sent = performance.now();
    await (await fetch(`${url}/health`)).json();
    times.push(performance.now() - sent);
    await Bun.sleep(POLL_MS);
  }
  return times;
}

/** Resident memory of a process and of its kernel-counted peak, MB. */
async function memory(pid: number): Promise<{ readonly now: number; readonly peak: number }> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const of = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1_024;
  return { now: of("VmRSS"), peak: of("VmHWM") };
}

async function runBackfill(url: string): Promise<{ readonly seconds: number; readonly trades: number }> {
  const startedAt = performance.now();
  const answer = await fetch(`${url}/api/v1/backfill`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ symbols: [SYMBOL], start_date: day, end_date: day }),
  });
  const { job_id: job } = await answer.json();
  for (;;) {
    const status = await (await fetch(`${url}/api/v1/backfill/status/${job}`)).json();
    if (status.completed_at !== null) {
      if (status.status !== "complete") throw new Error(`the job ended ${status.status}: ${status.error}`);
      return { seconds: (performance.now() - startedAt) / 1_000, trades: status.total_records_inserted };
    }
    await Bun.sleep(100);
  }
}

const row = (name: string, times: number[]) =>
  console.log(
    `${name.padEnd(34)} p50 ${percentile(times, 50).toFixed(2).padStart(7)} ms   p99 ${percentile(times, 99).toFixed(2).padStart(7)} ms   max ${Math.max(
      ...times,
    )
      .toFixed(2)
      .padStart(7)} ms   (${times.length})`,
  );

try {
  const exchange = await start(
    "../simulate.ts",
    ["--symbol", `${SYMBOL}:liquid`, "--weight-limit", WEIGHT_LIMIT],
    {},
    /BINANCE_REST_URL=(\S+)\s+BINANCE_WS_URL=(\S+)/,
    // A real exchange does not compute on this machine: the simulated one takes what nobody else wants.
    ["nice", "-n", "19"],
  );
  const server = await start(
    "responsive-server.ts",
    [],
    {
      DATA_SOURCE: "sim",
      SYMBOLS: SYMBOL,
      CONTEXT_BACKFILL_ENABLED: "false",
      DATA_DIR: dataDir,
      PORT: "0",
      BACKFILL_PARALLEL: options.parallel,
      BINANCE_REST_URL: exchange.match[1]!,
      BINANCE_WS_URL: exchange.match[2]!,
    },
    /ready (\S+)/,
  );
  const url = server.match[1]!;
  const pid = server.child.pid;
  const idle = await askHealth(url, Bun.sleep(BASELINE_MS));
  const idleMemory = await memory(pid);
  server.child.kill("SIGUSR2");
  const work = runBackfill(url);
  const [busy, { seconds, trades }] = await Promise.all([askHealth(url, work), work]);
  const busyMemory = await memory(pid);
  server.child.kill("SIGTERM");
  await server.child.exited;
  const delays = server.lines.filter((line) => line.startsWith("loop ")).map((line) => line.slice(5));

  console.log(
    `${day} of ${SYMBOL}: ${trades} trades in ${seconds.toFixed(1)} s, ${Math.round(trades / seconds)} trades/s\n`,
  );
  row("GET /health before", idle);
  row("GET /health during the backfill", busy);
  console.log(
    `ratio of the p99                   ${(percentile(busy, 99) / percentile(idle, 99)).toFixed(2)}`,
  );
  console.log(`event loop before                  ${delays[0]}`);
  console.log(`event loop during the backfill     ${delays[1]}`);
  console.log(`memory before                      ${idleMemory.now.toFixed(0)} MB`);
  console.log(
    `memory after, and its peak         ${busyMemory.now.toFixed(0)} MB, ${busyMemory.peak.toFixed(0)} MB`,
  );
} finally {
  for (const child of children) {
    child.kill("SIGKILL");
    await child.exited;
  }
  await rm(dataDir, { recursive: true, force: true });
}
