import {
  coarserMinute,
  type MinuteContribution,
  type MinuteRange,
  type ProfileProof,
  ProfileState,
  type ProvenArea,
  provenArea,
  type Share,
  type SkeletonCandle,
  type ValueAreaMethod,
} from "../core/mod.ts";

/** Bins that a step works in, 3 to 5 ms; a single minute is worked in whole. */
const STEP_BINS = 16_000;
/** Changed minutes that a read works in by itself: a chunk and the running minutes. More are for whoever prepares. */
const READ_MINUTES_MAX = 40;
/** What a minute costs beside its bins, in bins. */
const MINUTE_BINS = 40;
/** Questions whose answers are kept: a method and a share each. */
const ANSWERS_MAX = 6;

/** What is known of a minute: its trades (or that it had none), its candle alone, or nothing. */
export type KnownMinute =
  | { readonly kind: "trades"; readonly contribution: MinuteContribution | undefined }
  | { readonly kind: "candle"; readonly candle: SkeletonCandle }
  | { readonly kind: "unknown" };

export interface CertifierSource {
  readonly binUnits: number;
  readonly minuteAt: (minute: number) => KnownMinute;
  /** False while a day of the window is not in memory. */
  readonly isLoaded: () => boolean;
  /** Reads answer more than they did since the last change. */
  readonly onReady: () => void;
}

/** It holds at its revision only. */
interface Answer {
  readonly area: ProvenArea | undefined;
  readonly revision: number;
}

/**
 * What is known of one window's profile, kept up to date. Changes are noted at once and worked in by {@link step}, so that
 * a change of many minutes never holds up whoever makes it.
 */
export class WindowCertifier implements ProfileProof {
  readonly range: MinuteRange;
  readonly coarser: number;
  readonly #source: CertifierSource;
  readonly #state: ProfileState;
  readonly #dirty = new Set<number>();
  /** Reads answer less than could be known. */
  #behind = false;
  #closed = false;
  readonly #answers = new Map<string, Answer>();
  /** Counts what was worked in. */
  #revision = 0;

  constructor(range: MinuteRange, coarser: number, source: CertifierSource) {
    this.range = range;
    this.coarser = coarser;
    this.#source = source;
    this.#state = new ProfileState({ binUnits: source.binUnits * coarser });
    this.changed(range);
  }

  /** Whether changes wait to be worked in; always once it is closed. */
  get pending(): boolean {
    return this.#closed || this.#dirty.size > 0;
  }

  /** Whether more changes wait than a read works in. */
  get behind(): boolean {
    return this.#behind;
  }

  /** The state of the window's minutes; undefined while changes wait. Not to be altered, and to be read before the next change. */
  get state(): ProfileState | undefined {
    return this.pending ? undefined : this.#state;
  }

  /** What is known of these minutes is another than before. */
  changed({ lo, hi }: MinuteRange): void {
    const to = Math.min(hi, this.range.hi);
    for (let minute = Math.max(lo, this.range.lo); minute < to; minute++) this.#dirty.add(minute);
    if (this.#dirty.size > READ_MINUTES_MAX) this.#behind = true;
  }

  /** Works in some of the changes. Answers whether any wait still. */
  step(): boolean {
    this.#workIn(STEP_BINS);
    return this.pending;
  }

  /** Works in the few changes that wait, unless more wait than a read may take upon itself. */
  catchUp(): void {
    if (!this.#behind) this.#workIn(Number.POSITIVE_INFINITY);
  }

  /** The series no longer tells it of changes: it knows nothing any more. */
  close(): void {
    this.#closed = true;
  }

  area(method: ValueAreaMethod, share: Share): ProvenArea | undefined {
    if (this.pending) return undefined;
    const key = `${method} ${share.part}/${share.whole}`;
    const known = this.#answers.get(key);
    if (known?.revision === this.#revision) return known.area;
    if (known === undefined && this.#answers.size >= ANSWERS_MAX) this.#answers.clear();
    const area = provenArea(this.#state, method, share);
    this.#answers.set(key, { area, revision: this.#revision });
    return area;
  }

  #workIn(binsMax: number): void {
    if (this.#closed || !this.pending || !this.#source.isLoaded()) return;
    this.#revision++;
    let bins = binsMax;
    for (const minute of this.#dirty) {
      if (bins <= 0) return;
      this.#dirty.delete(minute);
      bins -= MINUTE_BINS + this.#work(minute, this.#source.minuteAt(minute));
    }
    if (this.#behind) this.#source.onReady();
    this.#behind = false;
  }

  /** Answers how many bins it touched, about. */
  #work(minute: number, known: KnownMinute): number {
    switch (known.kind) {
      case "trades": {
        const { contribution } = known;
        this.#state.cover(minute, contribution && coarserMinute(contribution, this.coarser));
        return contribution === undefined ? 0 : this.#binsBetween(contribution);
      }
      case "candle": {
        const { candle } = known;
        this.#state.addCandle(candle);
        this.#state.uncover(minute);
        return this.#binsBetween(candle);
      }
      case "unknown":
        this.#state.removeCandle(minute);
        this.#state.uncover(minute);
        return 0;
    }
  }

  #binsBetween({ low, high }: { readonly low: number; readonly high: number }): number {
    return Math.ceil((high - low) / this.#state.grid.binUnits);
  }
}
