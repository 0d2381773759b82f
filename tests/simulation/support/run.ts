import { drainMicrotasks } from "bun:jsc";
import type { BackfillRequest } from "../../../src/backfill/request.ts";
import { SCALES, seededRandom } from "../../support/trades.ts";
import { Chaos } from "./chaos.ts";
import { Exchange } from "./exchange.ts";
import { CALM, drawFaults } from "./faults.ts";
import { MemoryJobStore } from "./memory-job-store.ts";
import type { Tally } from "./monitor.ts";
import { Scheduler } from "./scheduler.ts";
import { verdict } from "./verdict.ts";
import { World } from "./world.ts";

/** Virtual time begins here, 2024-03-01T12:00:00Z; requests are for the day before. */
const START_MS = Date.UTC(2024, 2, 1, 12);
const FIRST_MINUTE = Date.UTC(2024, 1, 29, 6) / 60_000;
const SYMBOLS = ["AUSDT", "BUSDT", "FINEUSDT"];
/** After the faults have ended, every job ends within this (virtual) time: retries wait for half a minute at most. */
const HEALED_MS = 900_000;
/** What was sent before may do its harm after the faults have ended. */
const AFTERMATH_MS = 15_000;
/** Whoever did the last thing hears of it. */
const ANSWERS_MS = 1_000;
const STOP_MS = 30_000;

export interface RunOptions {
  readonly exchange?: Exchange;
  readonly trace?: (line: string) => void;
  /** Another job store, for tests of the simulation itself. */
  readonly database?: (nowMs: () => number, isLocked: () => boolean) => MemoryJobStore;
}

export interface RunResult {
  readonly seed: number;
  /** What must never be seen, in words. */
  readonly violations: readonly string[];
  readonly tally: Tally;
  readonly steps: number;
}

/** One run of the engine, a function of its seed: a troubled phase, a healed one, and what is left of both. */
export function simulate(seed: number, options: RunOptions = {}): RunResult {
  const random = seededRandom(seed);
  const scheduler = new Scheduler(START_MS, random);
  const databaseMs = () => scheduler.nowMs() + 1_234_567;
  const isLocked = () => random() < 0.2;
  const database = (options.database ?? defaultStore)(databaseMs, isLocked);
  const embedded = random() < 0.2;
  const world = new World({
    scheduler,
    database,
    exchange: options.exchange ?? new Exchange(),
    random,
    faults: random() < 0.15 ? CALM : drawFaults(random),
    embedded,
    trace: options.trace,
  });
  const symbols = SYMBOLS.slice(0, world.between(1, SYMBOLS.length + 1));
  for (const symbol of symbols)
    void database.ensureSeries({
      venue: "binance",
      market: "spot",
      symbol,
      ...SCALES,
      tickUnits: 1,
      lotUnits: 1,
      binUnits: 10,
    });
  drainMicrotasks();
  const requests = Array.from({ length: world.between(1, 5) }, () => drawRequest(world, symbols));
  const chaos = new Chaos(world);
  const violations: string[] = [];
  const broken = () => world.monitor.violations.length > 0;
  try {
    chaos.begin(requests);
    scheduler.runUntil(broken, chaos.endsAtMs);
    chaos.heal();
    scheduler.runUntil(broken, scheduler.nowMs() + AFTERMATH_MS);
    const healedUntil = scheduler.nowMs() + HEALED_MS;
    if (!scheduler.runUntil(() => broken() || (chaos.accepted && allEnded(database)), healedUntil))
      violations.push(chaos.accepted ? "jobs did not end" : "requests were not accepted");
    scheduler.runUntil(broken, scheduler.nowMs() + ANSWERS_MS);
    violations.push(...chaos.memoryFaults());
    chaos.stopAll();
    scheduler.runUntil(() => broken() || chaos.allStopped, scheduler.nowMs() + STOP_MS);
    if (!broken() && !chaos.allStopped) violations.push("a process did not stop");
    if (!broken() && [...database.tables.chunks.values()].some(({ status }) => status === "leased"))
      violations.push("a chunk is leased after everything has stopped");
  } catch (thrown) {
    violations.push(thrown instanceof Error ? thrown.message : String(thrown));
  }
  void verdict(world, requests).then(
    (wrong) => violations.push(...wrong),
    (thrown) => violations.push(String(thrown)),
  );
  drainMicrotasks();
  const all = [...world.monitor.violations, ...violations];
  return { seed, violations: all, tally: world.monitor.tally, steps: scheduler.steps };
}

function defaultStore(nowMs: () => number, isLocked: () => boolean): MemoryJobStore {
  return new MemoryJobStore(nowMs, isLocked);
}

/** Jobs are over, and so are the leases of those who died with a chunk of a cancelled one. */
function allEnded({ tables }: MemoryJobStore): boolean {
  for (const { finishedAt, leased } of tables.jobs.values())
    if (finishedAt === undefined || leased > 0) return false;
  return true;
}

/** Requests overlap more often than not. */
function drawRequest(world: World, symbols: readonly string[]): BackfillRequest {
  const lo = FIRST_MINUTE + world.between(0, 40);
  const named = symbols.filter(() => world.chance(0.6));
  return {
    symbols: (named.length === 0 ? [symbols[0]!] : named).map((symbol) => ({ venue: "binance", symbol })),
    range: { lo, hi: lo + world.between(1, 60) },
    order: world.chance(0.5) ? "recent" : "oldest",
    priority: world.between(0, 3),
    force: world.chance(0.2),
    reason: world.chance(0.8) ? "request" : "startup",
    ...(world.chance(0.1) ? { deadlineSeconds: world.between(1, 60) } : {}),
  };
}
