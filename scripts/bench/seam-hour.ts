/**
 * The seam between history and live at real speed, with real processes: a simulated exchange and a server that follows it for an
 * hour with three reconnects (one with a silent subscription, one refused twice), and duplicate, reordered and missing
 * frames all the while. Prints a line a minute, and at the end whether every minute equals what the exchange traded.
 *
 *   bun scripts/bench/seam-hour.ts [--minutes 60] [--preset demo|liquid|thin]
 *
 * Exit: 0 every minute is equal, 1 some minute differs or stays uncovered.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import * as v from "valibot";
import { WireProfile } from "../../src/protocol/mod.ts";

const { values: options } = parseArgs({
  options: { minutes: { type: "string", default: "60" }, preset: { type: "string", default: "demo" } },
});
const SYMBOL = "DEMOUSDT";
const MINUTE_MS = 60_000;
const START_TIMEOUT_MS = 30_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Time for the last gaps to be backfilled once the time is over. */
const SETTLE_MS = 180_000;
const POLL_MS = 1_000;
/** Faults of the stream that stand all the time. */
const STANDING = [
  { kind: "duplicate", target: "ws", every: 41 },
  { kind: "reorder", target: "ws", every: 29 },
  { kind: "missing", target: "ws", every: 4_000 },
];
/** Share of the time at which the connection is broken, and what happens to the next ones. */
const RECONNECTS = [
  { at: 0.2, action: "drop", faults: [] },
  { at: 0.45, action: "close", faults: [{ kind: "silent", count: 1 }] },
  { at: 0.75, action: "drop", faults: [{ kind: "refuse", count: 2 }] },
];

const Truth = v.object({
  minutes: v.array(v.object({ minute: v.number(), count: v.number(), volume: v.string() })),
});
const Requests = v.object({ paths: v.record(v.string(), v.number()) });

const minutes = Number(options.minutes);
if (!Number.isFinite(minutes) || minutes < 1)
  throw new Error(`--minutes: expected 1 or more, found ${options.minutes}`);
const script = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const dataDir = await mkdtemp(join(tmpdir(), "tapeline-seam-"));
const children: Bun.Subprocess[] = [];

/** Starts a script and answers what `pattern` finds in its output. */
async function start(path: string, args: string[], env: Record<string, string>, pattern: RegExp) {
  const child = Bun.spawn([process.execPath, script(path), ...args], {
    env: { ...process.env, ...env },
    stdout: "pipe",
    stderr: "inherit",
  });
  children.push(child);
  const found = Promise.withResolvers<RegExpExecArray>();
  const timer = setTimeout(() => found.reject(new Error(`${path} did not start`)), START_TIMEOUT_MS);
  void (async () => {
    let text = "";
    const decoder = new TextDecoder();
    for await (const part of child.stdout) {
      // Only the beginning is looked for; an hour's log is not kept.
      if (text.length < 100_000) text += decoder.decode(part, { stream: true });
      const match = pattern.exec(text);
      if (match !== null) found.resolve(match);
    }
  })();
  try {
    return await found.promise;
  } finally {
    clearTimeout(timer);
  }
}

async function ask<S extends v.GenericSchema>(url: string, schema: S, init: RequestInit = {}) {
  const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${init.method ?? "GET"} ${url}: ${answer.status} ${text}`);
  return v.parse(schema, JSON.parse(text));
}

const post = (url: string, body: object) =>
  ask(url, v.unknown(), { method: "POST", body: JSON.stringify(body) });
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const at = (minute: number) => new Date(minute * MINUTE_MS).toISOString();

interface Difference {
  readonly minute: number;
  readonly ours: string;
  readonly theirs: string;
}

/** Minutes of a range that are not covered, or do not hold what the exchange traded. */
async function differences(api: string, exchange: string, lo: number, hi: number): Promise<Difference[]> {
  const truth = await ask(
    `${exchange}/sim/truth?symbol=${SYMBOL}&from=${lo * MINUTE_MS}&to=${hi * MINUTE_MS}`,
    Truth,
  );
  const traded = new Map(truth.minutes.map((minute) => [minute.minute, minute]));
  const found: Difference[] = [];
  for (let minute = lo; minute < hi; minute++) {
    const url = `${api}/api/v1/profile/${SYMBOL}?from=${at(minute)}&to=${at(minute + 1)}`;
    const { trade_count, total_volume, coverage } = await ask(url, WireProfile);
    const covered = coverage.covered_minutes === 1 ? "" : ", not covered";
    const ours = `${trade_count} trades, ${Number(total_volume)}${covered}`;
    const { count = 0, volume = "0" } = traded.get(minute) ?? {};
    const theirs = `${count} trades, ${Number(volume)}`;
    if (ours !== theirs) found.push({ minute, ours, theirs });
  }
  return found;
}

let failed = true;
try {
  const [, exchange = "", ws = ""] = await start(
    "../simulate.ts",
    [
      "--symbol",
      `${SYMBOL}:${options.preset}`,
      ...STANDING.flatMap((rule) => ["--fault", JSON.stringify(rule)]),
    ],
    {},
    /BINANCE_REST_URL=(\S+)\s+BINANCE_WS_URL=(\S+)/,
  );
  const [, api = ""] = await start(
    "../serve.ts",
    [],
    {
      DATA_SOURCE: "sim",
      SYMBOLS: SYMBOL,
      DATA_DIR: dataDir,
      PORT: "0",
      BINANCE_REST_URL: exchange,
      BINANCE_WS_URL: ws,
      CONTEXT_BACKFILL_ENABLED: "false",
      LOG_LEVEL: "info",
    },
    /"url":"(http[^"]+)"/,
  );
  const beganMs = Date.now();
  const lo = Math.floor(beganMs / MINUTE_MS) + 1;
  const hi = lo + minutes;
  const due = [...RECONNECTS];
  console.log(`seam: ${minutes} minutes from ${at(lo)} on, ${SYMBOL}:${options.preset}, server ${api}`);
  for (let told = lo; Date.now() < hi * MINUTE_MS + 5_000; ) {
    await pause(POLL_MS);
    const next = due[0];
    if (next !== undefined && Date.now() >= (lo + minutes * next.at) * MINUTE_MS) {
      due.shift();
      for (const rule of next.faults) await post(`${exchange}/sim/faults`, rule);
      await post(`${exchange}/sim/sockets`, { action: next.action });
      console.log(`${new Date().toISOString()} ${next.action}, then ${JSON.stringify(next.faults)}`);
    }
    // A minute is looked at when live trades have had time to prove it.
    const settled = Math.floor((Date.now() - 10_000) / MINUTE_MS);
    if (settled <= told) continue;
    const open = await differences(api, exchange, lo, Math.min(settled, hi));
    const gaps = open.map(({ minute, ours, theirs }) => `${at(minute).slice(11, 16)} ${ours} of ${theirs}`);
    console.log(
      `${at(told).slice(11, 16)} ${Math.min(settled, hi) - lo} minutes looked at, ${gaps.length} differ${gaps.length > 0 ? `: ${gaps.join("; ")}` : ""}`,
    );
    told = settled;
  }
  const deadline = Date.now() + SETTLE_MS;
  let left = await differences(api, exchange, lo, hi);
  while (left.length > 0 && Date.now() < deadline) {
    await pause(5 * POLL_MS);
    left = await differences(api, exchange, lo, hi);
  }
  const { paths } = await ask(`${exchange}/sim/requests`, Requests);
  for (const { minute, ours, theirs } of left)
    console.log(`${at(minute)}: ${ours}; the exchange has ${theirs}`);
  console.log(
    `${left.length === 0 ? "EQUAL" : "DIFFERENT"}: ${minutes - left.length} of ${minutes} minutes equal the exchange's, ` +
      `${3 - due.length} reconnects on demand, requests ${JSON.stringify(paths)}`,
  );
  failed = left.length > 0;
} finally {
  for (const child of children.reverse()) {
    child.kill("SIGTERM");
    await child.exited;
  }
  await rm(dataDir, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
