import type { JobProgress } from "../../../src/backfill/store/types.ts";
import { intersectRanges, type MinuteRange } from "../../../src/core/mod.ts";
import type { Exchange } from "./exchange.ts";
import { CALM, type Faults, NO_FAULTS } from "./faults.ts";
import type { MemoryJobStore } from "./memory-job-store.ts";
import { MemoryTape } from "./memory-tape.ts";
import { Monitor } from "./monitor.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SimulatedProcess } from "./simulated-process.ts";

/** A pause or cancel takes effect within this everywhere. */
const QUIET_AFTER_MS = 2_000;
/** A commit is seen within this by whoever asks what is covered. */
const KNOWN_AFTER_MS = 1_000;

export interface WorldOptions {
  readonly scheduler: Scheduler;
  readonly database: MemoryJobStore;
  readonly exchange: Exchange;
  readonly random: () => number;
  readonly faults: Faults;
  /** The database lives and dies with the one process that there is. */
  readonly embedded: boolean;
  readonly trace: ((line: string) => void) | undefined;
}

/** What all simulated processes share: time, the database, the tape, the venue, and their misfortunes. */
export class World {
  readonly scheduler: Scheduler;
  readonly database: MemoryJobStore;
  readonly exchange: Exchange;
  readonly random: () => number;
  readonly embedded: boolean;
  /** Nothing fails from the beginning on. */
  readonly calm: boolean;
  readonly tape = new MemoryTape();
  readonly monitor: Monitor;
  readonly #trace: ((line: string) => void) | undefined;
  readonly #startMs: number;
  readonly #covered: { readonly symbol: string; readonly range: MinuteRange; readonly atMs: number }[] = [];
  readonly #commands = new Map<string, number>();
  faults: Faults;
  /** No statement reaches the database before. */
  databaseDownUntil = Number.NEGATIVE_INFINITY;

  constructor(options: WorldOptions) {
    this.scheduler = options.scheduler;
    this.database = options.database;
    this.exchange = options.exchange;
    this.random = options.random;
    this.embedded = options.embedded;
    this.faults = options.faults;
    this.calm = options.faults === CALM;
    this.#trace = options.trace;
    this.#startMs = options.scheduler.nowMs();
    this.monitor = new Monitor((line) => this.trace(undefined, () => line));
  }

  /** A job obeyed a command. Where nothing fails, everybody has heard of it soon. */
  commanded({ id, intent }: JobProgress): void {
    this.monitor.tally.commands += 1;
    const count = (this.#commands.get(id) ?? 0) + 1;
    this.#commands.set(id, count);
    if (this.calm && intent !== "run")
      this.scheduler.after(QUIET_AFTER_MS, () => {
        if (this.#commands.get(id) !== count) return;
        this.monitor.quiet(id);
        const { leased } = this.database.tables.job(id);
        if (leased > 0)
          this.monitor.violation(`job ${id.slice(-3)} was told not to run and has ${leased} chunks out`);
      });
  }

  /** Minutes of a series were committed. */
  covered(symbol: string, ranges: readonly MinuteRange[]): void {
    const atMs = this.scheduler.nowMs();
    if (this.calm) for (const range of ranges) this.#covered.push({ symbol, range, atMs });
  }

  /** Where nothing fails, nobody fetches what has long been there, unless told to. */
  mayFetch(process: SimulatedProcess, symbol: string, range: MinuteRange): void {
    const before = this.scheduler.nowMs() - KNOWN_AFTER_MS;
    const known = this.#covered.some(
      (each) => each.symbol === symbol && each.atMs < before && intersectRanges(each.range, range),
    );
    if (known && !this.monitor.isForced(process, symbol, range))
      this.monitor.violation(
        `${process.name} fetches ${symbol} [${range.lo}, ${range.hi}), some of which is there`,
      );
  }

  heal(): void {
    this.faults = NO_FAULTS;
    this.databaseDownUntil = Number.NEGATIVE_INFINITY;
  }

  chance(share: number): boolean {
    return share > 0 && this.random() < share;
  }

  /** A whole number in [lo, hi). */
  between(lo: number, hi: number): number {
    return lo + Math.floor(this.random() * (hi - lo));
  }

  trace(process: SimulatedProcess | undefined, line: () => string): void {
    if (this.#trace === undefined) return;
    const at = ((this.scheduler.nowMs() - this.#startMs) / 1_000).toFixed(3).padStart(9);
    this.#trace(`${at} ${(process?.name ?? "").padEnd(4)} ${line()}`);
  }
}
