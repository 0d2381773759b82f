import {
  finestScales,
  invariant,
  type MinuteRange,
  minuteOfMs,
  minuteOfUs,
  type Scales,
  sortedUnique,
  type TradeBatch,
  TradeBatchBuilder,
  type TradeKind,
  US_PER_MS,
} from "../core/mod.ts";
import { type Held, HeldTrades } from "./held-trades.ts";

/** How long after its end a minute may stay unproven before the venue is asked for its newest trade. */
export const QUIET_WAIT_MS = 1_200;
/** Venues' times run back by up to this much from one id to the next; only a trade this far behind a minute ends it. */
export const DISORDER_MS = 500;
/** Minutes kept open at once; older ones are abandoned to the backfill. */
const OPEN_MINUTES_MAX = 3;
/** How far back a late trade is believed to be one. */
const LATE_MINUTES = 60;
/** A trade stamped further ahead of our clock than this proves nothing: it would end minutes that have not begun. */
export const AHEAD_MS_MAX = 60_000;

const DISORDER_US = DISORDER_MS * US_PER_MS;

/** A run of minutes that live trades proved whole, with their trades in id order. */
export interface SealedMinutes {
  readonly range: MinuteRange;
  readonly batch: TradeBatch;
}

/** The trades of an open minute, in id order. */
export type OpenTrades = Pick<TradeBatchBuilder, "build">;

export interface SeamCounters {
  readonly accepted: number;
  readonly duplicates: number;
  readonly late: number;
  readonly breaks: number;
  /** Prints that are no market trades. */
  readonly dropped: number;
}

export interface SeamOptions {
  readonly kind: TradeKind;
  readonly scales: Scales;
  /** Called with minutes as they are proven, oldest first. */
  readonly onSealed: (sealed: SealedMinutes) => void;
  /** A trade came for a minute that was sealed before: the minute is not whole after all. */
  readonly onLate: (minute: number) => void;
  /** Continuity ended; the minutes around it will not be sealed. */
  readonly onBreak: (reason: string) => void;
}

/**
 * Where the live stream of one series meets its history.
 *
 * A minute is sealed only with a proof that nothing of it is missing: every id from a trade before it to a trade after it
 * arrived, on one connection. Before and after mean by more than {@link DISORDER_MS}, because times may run back where ids
 * run on. Where no later trade comes, the venue's own word for the newest id, asked for after the minute ended, takes the
 * place of that trade. Everything else is left to the backfill.
 *
 * Pure: it is told the time (exchange time, ms) and never waits.
 */
export class Seam {
  readonly #options: SeamOptions;
  readonly #open = new Map<number, TradeBatchBuilder>();
  readonly #held = new HeldTrades();
  /** Minutes sealed lately: a trade that comes for one of them takes the proof back. */
  readonly #sealed = new Set<number>();
  #connected = false;
  /** Last id of the unbroken run; undefined until the run has an anchor. */
  #lastId: number | undefined;
  /** Highest id of all runs: what lies at or below it may stand in an open minute already. */
  #highestId = Number.NEGATIVE_INFINITY;
  /** Minutes before this one cannot be proven by this run. */
  #provableFrom = 0;
  /** Minutes before this one were sealed or abandoned. */
  #nextMinute = 0;
  #scales: Scales;
  #accepted = 0;
  #duplicates = 0;
  #late = 0;
  #breaks = 0;
  #dropped = 0;

  constructor(options: SeamOptions) {
    this.#options = options;
    this.#scales = options.scales;
  }

  get counters(): SeamCounters {
    return {
      accepted: this.#accepted,
      duplicates: this.#duplicates,
      late: this.#late,
      breaks: this.#breaks,
      dropped: this.#dropped,
    };
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Minutes from this one on may still be sealed; undefined while nothing can be. */
  get sealableFrom(): number | undefined {
    if (!this.#connected || this.#lastId === undefined) return undefined;
    return Math.max(this.#nextMinute, this.#provableFrom);
  }

  up(nowMs: number): void {
    if (this.#connected) this.down("subscribed again");
    this.#connected = true;
    this.#lastId = undefined;
    this.#provableFrom = minuteOfMs(nowMs) + 1;
  }

  down(reason: string): void {
    if (!this.#connected) return;
    this.#connected = false;
    this.#loseRun(reason);
  }

  trades(batch: TradeBatch, nowMs: number): void {
    invariant(
      batch.kind === this.#options.kind,
      `seam of ${this.#options.kind} trades got ${batch.kind} ones`,
    );
    if (!this.#connected) return;
    for (let row = 0; row < batch.length; row++) {
      const minute = minuteOfUs(batch.timeUs[row]!);
      if (minute > minuteOfMs(nowMs + AHEAD_MS_MAX))
        this.#loseRun(`trade ${batch.id[row]} is ahead of the clock`);
      else this.#receive(batch.id[row]!, { trade: { batch, row }, sinceMs: nowMs });
    }
  }

  /** A print that is no market trade took this id: it is no hole in the tape. */
  dropped(id: number, nowMs: number): void {
    this.#dropped++;
    if (this.#connected && this.#lastId !== undefined)
      this.#receive(id, { trade: undefined, sinceMs: nowMs });
  }

  /** Lets time pass: trades held too long make a gap, and minutes long over are abandoned. */
  tick(nowMs: number): void {
    const overdue = this.#held.overdue(nowMs);
    if (overdue !== undefined) this.#skipGaps(overdue, "ids missing");
    const keepFrom = minuteOfMs(nowMs) - OPEN_MINUTES_MAX;
    // Without its trades an abandoned minute must never be sealed.
    this.#nextMinute = Math.max(this.#nextMinute, keepFrom);
    for (const minute of this.#open.keys()) if (minute < keepFrom) this.#open.delete(minute);
    for (const minute of this.#sealed) if (minute < keepFrom - LATE_MINUTES) this.#sealed.delete(minute);
  }

  /**
   * Whether a minute has ended and only the venue can say that it is whole. `askedAtMs` of the answer must be later
   * than the time of this question.
   */
  wantsNewest(nowMs: number): boolean {
    if (!this.#connected || this.#held.size > 0) return false;
    if (this.#lastId === undefined) return true;
    const ended = minuteOfMs(nowMs - QUIET_WAIT_MS);
    return Math.max(this.#nextMinute, this.#provableFrom) < ended;
  }

  /** The venue's newest trade, asked for at `askedAtMs`; undefined: it never traded. */
  newest(trade: { readonly id: number; readonly timeUs: number } | undefined, askedAtMs: number): void {
    if (!this.#connected) return;
    if (this.#lastId === undefined) {
      // The anchor of a run that has seen no trade: the next one has to follow this id. A symbol that never traded
      // gives none; its minutes are left to the backfill.
      if (trade === undefined) return;
      this.#anchor(trade.id + 1, trade.timeUs);
      this.#provableFrom = Math.max(this.#provableFrom, minuteOfMs(askedAtMs) + 1);
      return;
    }
    if (trade?.id === this.#lastId && this.#held.size === 0)
      this.#sealUpTo(minuteOfMs(askedAtMs - QUIET_WAIT_MS));
  }

  /** Trades of minutes that are not sealed yet, oldest minute first. */
  openTrades(): TradeBatch[] {
    return this.openMinutes().map(([, trades]) => trades.build());
  }

  /** Minutes that are not sealed yet, the oldest first; to the trades of one, as long as they are the same object, more are only added. */
  openMinutes(): [minute: number, trades: OpenTrades][] {
    return [...this.#open].sort(([a], [b]) => a - b);
  }

  #receive(id: number, held: Held): void {
    if (this.#lastId === undefined) {
      if (held.trade !== undefined) {
        this.#anchor(id, held.trade.batch.timeUs[held.trade.row]!);
        this.#accept(id, held);
      }
      return;
    }
    if (id <= this.#lastId || this.#held.has(id)) {
      this.#duplicates++;
      return;
    }
    if (id === this.#lastId + 1) {
      this.#accept(id, held);
      this.#drainHeld();
      return;
    }
    this.#held.add(id, held);
    const overflow = this.#held.overflow();
    if (overflow !== undefined) this.#skipGaps(overflow, "too many trades held");
  }

  /** A run begins with this id, at about this time: only minutes that begin well after it can be proven. */
  #anchor(id: number, timeUs: number): void {
    this.#lastId = id - 1;
    this.#provableFrom = Math.max(this.#provableFrom, minuteOfUs(timeUs + DISORDER_US) + 1);
    // A run that begins among ids we had would count their trades twice.
    if (id <= this.#highestId) this.#open.clear();
  }

  #accept(id: number, { trade }: Held): void {
    this.#lastId = id;
    this.#highestId = Math.max(this.#highestId, id);
    if (trade === undefined) return;
    const { batch, row } = trade;
    const timeUs = batch.timeUs[row]!;
    const minute = minuteOfUs(timeUs);
    this.#accepted++;
    if (minute < this.#nextMinute) {
      this.#late++;
      if (this.#sealed.delete(minute)) this.#options.onLate(minute);
      return;
    }
    this.#sealUpTo(minuteOfUs(timeUs - DISORDER_US));
    let builder = this.#open.get(minute);
    if (builder === undefined) {
      builder = new TradeBatchBuilder(this.#options.kind, this.#scales);
      this.#open.set(minute, builder);
    }
    builder.appendRow(batch, row);
    this.#scales = finestScales(this.#scales, builder.scales);
  }

  #drainHeld(): void {
    while (this.#lastId !== undefined) {
      const id = this.#lastId + 1;
      const next = this.#held.take(id);
      if (next === undefined) break;
      this.#accept(id, next);
    }
  }

  /** Gives up on the ids missing before `last`, a held one: the run starts anew behind each of them. */
  #skipGaps(last: number, reason: string): void {
    this.#breaks++;
    this.#options.onBreak(`${reason} after ${this.#lastId}`);
    for (const [id, held] of this.#held.takeUpTo(last)) {
      // A missing trade may belong to any minute up to the one of the trade behind it.
      const { trade } = held;
      if (this.#lastId === undefined || id !== this.#lastId + 1)
        this.#anchor(id, trade === undefined ? held.sinceMs * US_PER_MS : trade.batch.timeUs[trade.row]!);
      this.#accept(id, held);
    }
    this.#drainHeld();
  }

  /** The run cannot go on: the next trade, or the venue's newest one, begins another. */
  #loseRun(reason: string): void {
    if (this.#lastId === undefined) return;
    this.#lastId = undefined;
    this.#held.clear();
    this.#breaks++;
    this.#options.onBreak(reason);
  }

  /** Every provable minute before `end` is whole: no trade of it can come any more. */
  #sealUpTo(end: number): void {
    const lo = Math.max(this.#nextMinute, this.#provableFrom);
    if (end > this.#nextMinute) this.#nextMinute = end;
    if (lo >= end || this.#lastId === undefined) return;
    const sealed = new TradeBatchBuilder(this.#options.kind, this.#scales);
    for (let minute = lo; minute < end; minute++) {
      this.#sealed.add(minute);
      const builder = this.#open.get(minute);
      if (builder === undefined) continue;
      sealed.append(builder.build());
      this.#open.delete(minute);
    }
    this.#options.onSealed({ range: { lo, hi: end }, batch: sortedUnique(sealed.build()).batch });
  }
}
