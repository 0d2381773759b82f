import { afterEach, expect, test } from "bun:test";
import { BackfillWaitError, waitForBackfill } from "../../src/client/mod.ts";
import { CacheAnswer, HealthAnswer, ReadyAnswer, StartupAnswer } from "../../src/protocol/mod.ts";
import type { SimulatorServer } from "../../src/runtime/mod.ts";
import { createGeneratedMarket, type FaultRuleInput, PRESETS } from "../../src/simulator/mod.ts";
import { AppBench } from "../support/app-bench.ts";
import type { AppInProcess } from "../support/app-in-process.ts";
import { lookInto } from "../support/data-dir.ts";
import { environment, type Variables } from "../support/processes.ts";
import { getJson, TapelineApi } from "../support/tapeline-api.ts";
import { until } from "../support/until.ts";

/** The very first start on a machine makes the database's template. */
const TIMEOUT_MS = 120_000;
const WAIT_MS = 60_000;
const SYMBOL = "THINUSDT";
/** Twenty minutes into a day. */
const NOW = Date.parse("2026-01-03T00:20:00Z");
const HALF_AN_HOUR_MS = 1_800_000;
/** Requests slow enough for a time limit or a stop to come in the middle of the work, however busy the machine is. */
const SLOW: FaultRuleInput = { kind: "latency", ms: 400, path: "/api/v3/aggTrades" };
const PREVIOUS_DAY = ["PDH", "PDL", "VAHprev", "VALprev", "POCprev", "VWAPprev"] as const;

const bench = new AppBench();
afterEach(() => bench.close(), TIMEOUT_MS);

/** An exchange that stands at a fixed moment, as does whoever is started against it. */
class World {
  readonly offsetMs: number;
  readonly #market = createGeneratedMarket({ symbol: SYMBOL, preset: PRESETS.thin });
  #exchange: SimulatorServer;
  #dataDir: Promise<string> | undefined;

  constructor(nowMs = NOW) {
    this.offsetMs = nowMs - Date.now();
    this.#exchange = this.#serve(0);
  }

  get exchange() {
    return this.#exchange.exchange;
  }

  /** Nothing listens at its address any more. */
  async down(): Promise<void> {
    await this.#exchange.stop();
  }

  /** Back at the same address. */
  up(): void {
    this.#exchange = this.#serve(Number(new URL(this.#exchange.restUrl).port));
  }

  /** Starts the app on this world's data; `laterMs` moves its clock on. */
  async start(more: Variables = {}, laterMs = 0): Promise<AppInProcess & { readonly url: string }> {
    this.#dataDir ??= bench.folder();
    const env = environment(await this.#dataDir, this.#exchange, {
      SYMBOLS: SYMBOL,
      BACKFILL_CHUNK_MINUTES: "60",
      CLOCK_OFFSET_MS: String(this.offsetMs + laterMs),
      ...more,
    });
    const started = await bench.openApp(env, { follow: true });
    return { ...started, url: started.app.url };
  }

  /** What the database says of the start-up jobs while nobody holds it. */
  async jobs() {
    return lookInto((await this.#dataDir) ?? "", (jobs) => jobs.recentJobs(10));
  }

  #serve(port: number): SimulatorServer {
    return bench.openExchange({ markets: [this.#market], clockOffsetMs: this.offsetMs, port });
  }
}

const health = (url: string) => getJson(`${url}/health`, HealthAnswer);
const ready = (url: string) => getJson(`${url}/ready`, ReadyAnswer);
const startup = (url: string, wait = "") => getJson(`${url}/backfill/status${wait}`, StartupAnswer);

async function failureOf(waiting: Promise<unknown>): Promise<BackfillWaitError> {
  const thrown = await waiting.catch((error: unknown) => error);
  if (!(thrown instanceof BackfillWaitError))
    throw new Error(`expected a failed wait, got ${String(thrown)}`);
  return thrown;
}

async function levelsOf(url: string) {
  const { levels, certainty } = await new TapelineApi(url).levels(SYMBOL);
  return PREVIOUS_DAY.map((name) => [name, levels[name], certainty[name]] as const);
}

test(
  "start-up policy, every stage is told as it is, and whoever waits is told the end",
  async () => {
    const world = new World();
    world.exchange.faults.add({ ...SLOW, ms: 40 });
    const { url, fatal } = await world.start();
    const seen: ReadyAnswer[] = [];
    const waiting = waitForBackfill({ url, timeoutMs: WAIT_MS });
    await until("the backfill to be complete", async () => {
      seen.push(await ready(url));
      return seen.at(-1)?.backfill.status === "complete";
    });
    expect(await waiting).toMatchObject({
      status: "complete",
      percentage: 100,
      running: false,
      eta_seconds: 0,
    });
    expect(await health(url)).toEqual({ status: "ok", backfill_status: "complete", backfill_complete: true });

    const order = ["idle", "pending", "in_progress", "complete"];
    const stages = seen.map(({ backfill }) => order.indexOf(backfill.status));
    expect(stages).toEqual(stages.toSorted((a, b) => a - b));
    expect(seen.filter(({ backfill }) => backfill.status === "in_progress").length).toBeGreaterThan(1);
    for (const { trading_enabled, metrics_precision, backfill } of seen)
      if (backfill.percentage < 100)
        expect([trading_enabled, metrics_precision]).not.toEqual([true, "PRECISE"]);
    expect(seen.filter(({ backfill }) => backfill.eta_seconds !== null).length).toBeGreaterThan(0);
    const last = await until("the day to be precise", async () => {
      const now = await ready(url);
      return now.metrics_precision === "PRECISE" && now;
    });
    expect(last.trading_enabled).toBe(true);
    for (const [, value, certainty] of await levelsOf(url))
      expect([value === null, certainty]).toEqual([false, "exact"]);
    expect(fatal).toEqual([]);

    // A job that somebody asks for can be waited for by request, too.
    const api = new TapelineApi(url);
    const id = await api.backfill(SYMBOL, "2026-01-01", "2026-01-01");
    const held = await fetch(`${url}/api/v1/backfill/status/${id}?wait=60`);
    expect(await held.json()).toMatchObject({ job_id: id, status: "complete" });
  },
  TIMEOUT_MS,
);

test(
  "start-up policy, a venue that is down leaves the server serving, and is followed once it is back",
  async () => {
    const world = new World();
    await world.down();
    const { url, fatal, log } = await world.start({ BACKFILL_TIMEOUT_SECONDS: "2" });
    expect(await health(url)).toMatchObject({ status: "degraded", backfill_complete: false });
    const early = await failureOf(waitForBackfill({ url, timeoutMs: 100 }));
    expect([early.kind, early.reached?.status]).toMatchObject([
      "timeout",
      expect.stringMatching(/^(idle|pending)$/),
    ]);

    const error = await failureOf(waitForBackfill({ url, timeoutMs: WAIT_MS }));
    expect([error.kind, error.reached?.status]).toEqual(["ended", "error"]);
    expect(error.reached?.error).toStartWith("the start-up backfill could not be planned within 2 s: ");
    expect(await health(url)).toMatchObject({ status: "degraded", backfill_status: "error" });
    expect(await ready(url)).toMatchObject({
      trading_enabled: false,
      metrics_precision: "IMPRECISE (backfill error)",
      backfill: { status: "error", percentage: 0, eta_seconds: null },
    });
    const answer = await fetch(`${url}/api/v1/levels/${SYMBOL}`);
    expect([answer.status, await answer.json()]).toMatchObject([
      503,
      { title: "The server cannot do this now" },
    ]);

    world.up();
    await new TapelineApi(url).knows(SYMBOL);
    expect(log.filter(({ level }) => level === "error")).toEqual([]);
    expect(fatal).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  "start-up policy, with the venue down and nothing on the tape the previous day is what its kept candles prove",
  async () => {
    const world = new World();
    const first = await world.start({ CONTEXT_BACKFILL_ENABLED: "false" });
    expect(await startup(first.url, "?wait=60")).toMatchObject({ status: "disabled", running: false });
    expect(await health(first.url)).toMatchObject({ status: "ok", backfill_status: "disabled" });
    await new TapelineApi(first.url).knows(SYMBOL);
    const proven = await until("the candles of the previous day", async () => {
      const levels = await levelsOf(first.url);
      return levels.every(([, value]) => value !== null) ? levels : undefined;
    });
    const certainties = new Map(proven.map(([name, , certainty]) => [name, certainty]));
    for (const name of ["PDH", "PDL", "VWAPprev"] as const) expect(certainties.get(name)).toBe("exact");
    await first.app.close();

    await world.down();
    const { url } = await world.start({ BACKFILL_TIMEOUT_SECONDS: "1" });
    await until("the kept candles", async () => Bun.deepEquals(await levelsOf(url), proven));
    const error = await failureOf(waitForBackfill({ url, timeoutMs: WAIT_MS }));
    expect(error.reached).toMatchObject({ status: "error", chunksDone: 0, percentage: 0 });
    expect(error.reached?.error).toMatch(/deadline .*passed with 0 of \d+ chunks committed/);
    expect(await levelsOf(url)).toEqual(proven);
    expect(await ready(url)).toMatchObject({
      trading_enabled: false,
      metrics_precision: "IMPRECISE (backfill error)",
    });
  },
  TIMEOUT_MS,
);

test(
  "start-up policy, with the venue down the previous day comes from its profile, of what the tape has",
  async () => {
    const world = new World();
    const first = await world.start();
    await waitForBackfill({ url: first.url, timeoutMs: WAIT_MS });
    const before = await levelsOf(first.url);
    await until("yesterday's profile to be saved", async () => {
      const { profiles } = await getJson(`${first.url}/api/v1/cache`, CacheAnswer);
      return profiles.files === 1;
    });
    await first.app.close();

    await world.down();
    const { url, log } = await world.start({ BACKFILL_TIMEOUT_SECONDS: "1" }, HALF_AN_HOUR_MS);
    const error = await failureOf(waitForBackfill({ url, timeoutMs: WAIT_MS }));
    expect(error.reached?.status).toBe("error");
    expect(await levelsOf(url)).toEqual(before);
    expect(before.map(([, value, certainty]) => [value === null, certainty])).toEqual(
      PREVIOUS_DAY.map(() => [false, "exact"]),
    );
    const { trading_enabled, metrics_precision } = await until("the days to be in memory", async () => {
      const now = await ready(url);
      return now.trading_enabled && now;
    });
    expect(trading_enabled).toBe(true);
    const steps = log.flatMap(({ fields }) =>
      fields["source"] === undefined ? [] : [[fields["source"], fields["minutes"]]],
    );
    expect(steps).toEqual([
      ["committed tape", 1_440],
      ["profile cache", 1_440],
    ]);
    expect(metrics_precision).toMatch(/^IMPRECISE \(backfill 9\d\.\d%\)$/);
    expect(await health(url)).toMatchObject({ status: "degraded", backfill_status: "error" });
  },
  TIMEOUT_MS,
);

test(
  "start-up policy, a time limit says what was reached, what is committed stays, and the next start goes on",
  async () => {
    const world = new World();
    const slow = world.exchange.faults.add(SLOW);
    const first = await world.start({ BACKFILL_TIMEOUT_SECONDS: "4", BACKFILL_PARALLEL: "1" });
    const error = await failureOf(waitForBackfill({ url: first.url, timeoutMs: WAIT_MS }));
    const { status, chunksDone, chunksTotal, error: message } = error.reached!;
    expect(status).toBe("error");
    expect(chunksDone).toBeGreaterThan(0);
    expect(chunksDone).toBeLessThan(chunksTotal);
    expect(message).toContain(`${chunksDone} of ${chunksTotal} chunks committed`);
    const covered = (await new TapelineApi(first.url).levels(SYMBOL)).coverage.covered_minutes;
    expect(covered).toBeGreaterThan(0);
    expect(await health(first.url)).toMatchObject({ status: "degraded", backfill_status: "error" });
    await first.app.close();

    world.exchange.faults.remove(slow);
    world.exchange.requests.clear();
    const { url } = await world.start({ BACKFILL_TIMEOUT_SECONDS: "60" });
    const done = await waitForBackfill({ url, timeoutMs: WAIT_MS });
    expect(done.chunks_total).toBeLessThan(chunksTotal);
    expect((await ready(url)).backfill.percentage).toBe(100);
  },
  TIMEOUT_MS,
);

test(
  "start-up policy, a shutdown cancels cleanly and the next start goes on with the same job",
  async () => {
    const world = new World();
    const slow = world.exchange.faults.add(SLOW);
    const first = await world.start({ BACKFILL_PARALLEL: "2" });
    const reached = await until("a chunk to be committed", async () => {
      const now = await startup(first.url);
      return now.chunks_done > 0 && now;
    });
    expect(reached).toMatchObject({ status: "in_progress", running: true });
    const held = startup(first.url, "?wait=60");
    await until(
      "the request to be held back",
      async () => (await startup(first.url)).chunks_done > reached.chunks_done,
    );
    await first.app.close();
    expect(await held).toMatchObject({ status: "cancelled", running: false });
    expect(first.log.map(({ message }) => message).join("\n")).toContain(
      "start-up backfill cancelled by the shutdown at",
    );

    const [job] = await world.jobs();
    expect(job).toMatchObject({ leased: 0, finishedAt: undefined, chunksFailed: 0 });
    world.exchange.faults.remove(slow);
    const { url } = await world.start();
    const again = await waitForBackfill({ url, timeoutMs: WAIT_MS });
    expect(again.chunks_total).toBe(job?.chunksTotal ?? 0);
    expect(await new TapelineApi(url).job(job?.id ?? "")).toMatchObject({
      status: "complete",
      chunks_failed: 0,
    });
  },
  TIMEOUT_MS,
);
