import { backoffMs, failureOf, pause, symbolName, type Timers } from "../core/mod.ts";
import type { SymbolRef } from "./request.ts";
import type { PlannedOutcome, PlanningStore, PlanningTurn, WaitingSymbol } from "./store/planning.ts";
import type { JobProgress, NewChunk, Settled } from "./store/types.ts";

/** How long a turn belongs to who took it; longer than a venue's budget keeps a request waiting. */
const TURN_MS = 120_000;
/** Symbols of one turn: jobs that are planned at the same time advance side by side. */
const SYMBOLS_PER_TURN = 16;
/** Without a nudge, jobs that somebody else made or left behind are looked for after this long. */
const IDLE_POLL_MS = 5_000;
/** After the database could not be asked. */
const TROUBLED_MS = 1_000;
/** The shortest wait after a venue asked for one without naming it. */
const VENUE_WAIT_MIN_MS = 1_000;
/** A symbol that cannot be looked up for so many times is given up. Waits that a venue asks for are not counted. */
const PLAN_ATTEMPTS_MAX = 5;

/** A symbol's series and what is missing of it. */
export interface SymbolPlan {
  readonly seriesId: number;
  readonly chunks: readonly NewChunk[];
}

export interface JobPlannerDeps {
  readonly planning: PlanningStore;
  /** Looks a symbol up and plans it. Throws `OperationFailure`, `permanent` when it cannot be served. */
  readonly plan: (job: JobProgress, symbol: SymbolRef, signal: AbortSignal) => Promise<SymbolPlan>;
  readonly timers: Timers;
  readonly random: () => number;
  readonly onSettled: (settled: Settled) => void;
  /** There are chunks to run. */
  readonly onWork: () => void;
  readonly warn: (message: string) => void;
}

/**
 * Plans in the background what could not be planned at once: symbols that nobody here has seen, and jobs too large to be written
 * down while somebody waits. Any number of processes may do it; what a crash cut off goes on elsewhere, or after the restart.
 */
export class JobPlanner {
  readonly #deps: JobPlannerDeps;
  readonly #stopping = new AbortController();
  #wake = () => {};
  #nudged = false;
  #running: Promise<void> = Promise.resolve();

  constructor(deps: JobPlannerDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** There may be a job to plan: look now. */
  nudge(): void {
    this.#nudged = true;
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { planning, warn } = this.#deps;
    while (!this.#stopping.signal.aborted) {
      this.#nudged = false;
      let waitMs = IDLE_POLL_MS;
      try {
        const turn = await planning.claimPlanning(TURN_MS, SYMBOLS_PER_TURN);
        if (turn !== undefined) {
          await this.#take(turn);
          continue;
        }
        waitMs = Math.min(waitMs, (await planning.planningDueMs()) ?? waitMs);
      } catch (thrown) {
        if (this.#stopping.signal.aborted) return;
        warn(`planning jobs: the job store could not be asked: ${failureOf(thrown).message}`);
        waitMs = TROUBLED_MS;
      }
      await this.#idle(Math.max(waitMs, 10));
    }
  }

  async #idle(ms: number): Promise<void> {
    if (this.#nudged) return;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    if (this.#stopping.signal.aborted) return;
    await pause(this.#deps.timers, ms, woken.signal);
    this.#wake = () => {};
  }

  async #take({ job, symbols }: PlanningTurn): Promise<void> {
    const { planning } = this.#deps;
    let waits: number[] = [];
    try {
      if (symbols.length === 0) this.#settle(await planning.endPlanning(job.id));
      waits = await Promise.all(symbols.map((symbol) => this.#planSymbol(job, symbol)));
    } finally {
      // A stop gives the turn back at once; what failed is tried again when the longest of the waits is over.
      await planning.endTurn(job.id, Math.max(0, ...waits));
    }
  }

  /** Answers how long to wait before the next try, ms. */
  async #planSymbol(job: JobProgress, symbol: WaitingSymbol): Promise<number> {
    const { planning, plan, random, warn } = this.#deps;
    const signal = this.#stopping.signal;
    let planned: SymbolPlan;
    try {
      planned = await plan(job, symbol, signal);
    } catch (thrown) {
      if (signal.aborted) return 0;
      const { kind, message, retryAfterMs } = failureOf(thrown);
      const name = symbolName(symbol);
      if (kind === "throttled" || kind === "banned") return Math.max(VENUE_WAIT_MIN_MS, retryAfterMs ?? 0);
      const attempt = symbol.attempt + 1;
      if (kind !== "permanent" && attempt < PLAN_ATTEMPTS_MAX) {
        await planning.countAttempt(job.id, symbol, message);
        return backoffMs(attempt, random, retryAfterMs);
      }
      warn(`job ${job.id} leaves out ${name}: ${message}`);
      const tried = kind === "permanent" ? "" : ` (tried ${attempt} times)`;
      this.#settle(await planning.refuseSymbol(job.id, symbol, `${message}${tried}`));
      return 0;
    }
    this.#settle(await planning.planSymbol(job.id, symbol, planned.seriesId, planned.chunks));
    return 0;
  }

  #settle(outcome: PlannedOutcome): void {
    if (outcome.kind === "ended") return;
    this.#deps.onSettled(outcome);
    this.#deps.onWork();
  }
}
