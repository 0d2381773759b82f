import {
  Coverage,
  finestScales,
  foldMinutes,
  type GridOf,
  type Instrument,
  intersectRanges,
  invariant,
  type MinuteContributions,
  type MinuteRange,
  rescaleBatch,
  type TradeBatch,
  type TradeKind,
} from "../core/mod.ts";
import type { SeriesStore } from "../store/mod.ts";
import { OpenFold } from "./open-fold.ts";
import { SealedQueue } from "./sealed-queue.ts";
import { type OpenTrades, type SealedMinutes, Seam } from "./seam.ts";

/** Trades waiting for their segment beyond which the oldest are given up to the backfill: about 100 MB. */
const WAITING_ROWS_MAX = 1_000_000;

export interface LiveSeriesEvents {
  /** The store has changed. */
  readonly changed: () => void;
  readonly late: (minute: number) => void;
  readonly broke: (reason: string) => void;
  /** Minutes were sealed and wait for their segment. */
  readonly sealed: () => void;
  readonly overflow: (range: MinuteRange) => void;
}

/** One series on the live stream: its seam, its open minutes in the store, its sealed minutes waiting for the tape. */
export class LiveSeries {
  readonly store: SeriesStore;
  readonly instrument: Instrument;
  readonly kind: TradeKind;
  readonly queue = new SealedQueue();
  readonly seam: Seam;
  readonly #events: LiveSeriesEvents;
  #dirty = false;
  /** Of the minutes that were open when they were last brought into the store. */
  #openFolds: ReadonlyMap<OpenTrades, OpenFold> = new Map();
  /** Minutes taken out of the queue whose segment is being written. */
  #writing: MinuteRange | undefined;
  /** Minutes of it that turned out not to be whole while it was written. */
  readonly #lateWhileWriting = new Set<number>();

  constructor(store: SeriesStore, kind: TradeKind, events: LiveSeriesEvents) {
    this.store = store;
    this.instrument = store.instrument;
    this.kind = kind;
    this.#events = events;
    this.seam = new Seam({
      kind,
      scales: store.grid.scales,
      onSealed: (sealed) => this.#seal(sealed),
      onLate: (minute) => this.#late(minute),
      onBreak: (reason) => events.broke(reason),
    });
  }

  /** Tells the store from when on trades arrive whole; answers whether what is known of the running minute changed. */
  followSeam(): boolean {
    const before = this.store.revision;
    this.store.receivingFrom = this.seam.sealableFrom;
    return this.store.revision !== before;
  }

  trades(batch: TradeBatch, nowMs: number): void {
    this.seam.trades(batch, nowMs);
    this.#dirty = true;
  }

  /** Brings the open minutes in the store up to the last trade; answers whether anything changed. */
  foldOpen(): boolean {
    if (!this.#dirty) return false;
    this.#dirty = false;
    const open = this.seam.openMinutes();
    const folds = new Map(
      open.map(([minute, trades]) => [trades, this.#openFolds.get(trades) ?? new OpenFold(minute)]),
    );
    this.#openFolds = folds;
    for (const [trades, fold] of folds) {
      const batch = trades.build();
      this.store.putLive(fold.upTo(batch, this.#gridOf(batch)), undefined);
    }
    return true;
  }

  /** Minutes of `range` that only this stream may write: waiting ones, and those it may still seal. */
  heldMinutes(range: MinuteRange): Coverage {
    const promisedFrom = this.seam.sealableFrom;
    const held = [...this.queue.minutes.within(range).ranges];
    if (this.#writing !== undefined) held.push(this.#writing);
    if (promisedFrom !== undefined) held.push({ lo: Math.max(range.lo, promisedFrom), hi: range.hi });
    return Coverage.of(held).within(range);
  }

  /** Takes out the oldest run of sealed minutes inside one window, to be written; one run at a time. */
  takeRun(
    windowMinutes: number,
  ): (SealedMinutes & { readonly contributions: MinuteContributions }) | undefined {
    invariant(this.#writing === undefined, `${this.store.symbol}: two runs are written at once`);
    const run = this.queue.takeRun(windowMinutes, this.kind, this.store.grid.scales);
    this.#writing = run?.range;
    return run === undefined ? undefined : { ...run, contributions: this.#fold(run.batch) };
  }

  /** The run is on the tape. What came late for it meanwhile is not covered all the same. */
  written({ range, contributions }: { range: MinuteRange; contributions: MinuteContributions }): void {
    this.#writing = undefined;
    this.store.commit(range, contributions);
    for (const minute of this.#lateWhileWriting) this.store.uncover({ lo: minute, hi: minute + 1 });
    this.#lateWhileWriting.clear();
  }

  /** The run was not written: it waits again, but for what came late meanwhile. */
  notWritten(run: SealedMinutes): void {
    this.#writing = undefined;
    this.queue.putBack(run);
    for (const minute of this.#lateWhileWriting) this.queue.drop(minute);
    this.#lateWhileWriting.clear();
  }

  /** The run was not written, and nobody will: somebody else owns its minutes. */
  abandoned(): void {
    this.#writing = undefined;
    this.#lateWhileWriting.clear();
  }

  #seal(sealed: SealedMinutes): void {
    this.store.putLive(this.#fold(sealed.batch), sealed.range);
    this.queue.add(sealed);
    while (this.queue.rows > WAITING_ROWS_MAX) {
      const given = this.queue.takeRun(1, this.kind, this.store.grid.scales);
      if (given === undefined) break;
      this.store.uncover(given.range);
      this.#events.overflow(given.range);
    }
    this.#events.sealed();
    this.#events.changed();
  }

  #late(minute: number): void {
    const range = { lo: minute, hi: minute + 1 };
    this.queue.drop(minute);
    if (this.#writing !== undefined && intersectRanges(this.#writing, range) !== undefined)
      this.#lateWhileWriting.add(minute);
    this.store.uncover(range);
    this.#events.changed();
    this.#events.late(minute);
  }

  #fold(batch: TradeBatch): MinuteContributions {
    const { scales, binUnits } = this.#gridOf(batch);
    return foldMinutes(rescaleBatch(batch, scales), binUnits);
  }

  /** What trades are folded on: the store's scales may have outgrown the stream's, and bins are whole units only at the finer of both. */
  #gridOf(batch: TradeBatch): GridOf {
    const { scales, binUnits } = this.store.grid;
    const finest = finestScales(scales, batch.scales);
    return { scales: finest, binUnits: binUnits * 10 ** (finest.priceScale - scales.priceScale) };
  }
}
