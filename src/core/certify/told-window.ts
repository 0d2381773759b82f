import type { MinuteContribution } from "../minute.ts";
import { Profile } from "../profile.ts";
import type { Share, ValueAreaMethod } from "../value-area.ts";
import { contributionRows, type WindowFold } from "../window-fold.ts";
import { type ProfileProof, type ProvenArea, provenArea } from "../window-proof.ts";
import { type KnownSums, quoteOf, type SumInterval, squareOf } from "./known-sums.ts";
import { type LoadedTrades, ProfileState } from "./profile-state.ts";
import type { SkeletonCandle } from "./skeleton-candle.ts";

/** Bins that a step works in: 1 to 3 ms. */
const STEP_BINS = 8_000;
/** What a candle costs beside its bins, in bins. */
const CANDLE_BINS = 40;
/** Bins that candles touch, all in all: about half a second of steps. Beyond, the profile proves nothing. */
export const TOLD_BINS_MAX = 4_000_000;
/** Rows between the lowest and the highest price, at most: their POC and value area are bounded in one step, 2 to 8 ms. */
export const TOLD_ROWS_MAX = 2 ** 14;

/** What is known of a window: the fold of the trades at hand, and candles of minutes whose trades are missing. */
export interface ToldWindow {
  readonly fold: WindowFold;
  /** What the fold holds of minutes that a candle tells: they count by their candle, not by both. */
  readonly partial: readonly MinuteContribution[];
  /** Of distinct minutes, ascending, none of which contradicts itself. */
  readonly candles: readonly SkeletonCandle[];
}

export interface ToldQuestion {
  /** Width of the bins in the fold's profile, price units. */
  readonly binUnits: number;
  readonly coarser: number;
  readonly method: ValueAreaMethod;
  readonly share: Share;
}

/**
 * What a fold and the candles of its missing minutes prove together, worked out once, a step at a time. It needs the window's
 * minutes neither loaded nor one by one, so that a year with a gap costs the candles of the gap.
 */
export class ToldProof implements ProfileProof {
  readonly coarser: number;
  readonly #question: ToldQuestion;
  readonly #told: ToldWindow;
  /** Undefined once the profile is more than can be bounded here. */
  #state: ProfileState | undefined;
  #begun = false;
  /** Candles that are worked in. */
  #done = 0;
  #bins = 0;
  #sums: Sums;
  #ended = false;
  #area: ProvenArea | undefined;

  constructor(told: ToldWindow, question: ToldQuestion) {
    this.coarser = question.coarser;
    this.#question = question;
    this.#told = told;
    this.#sums = sumsOf(told);
    this.#state = new ProfileState({ binUnits: question.binUnits * question.coarser });
  }

  /** Does some of the work. Answers whether any is left. */
  step(): boolean {
    if (this.#ended) return false;
    if (!this.#begun) this.#begin();
    else if (this.#done < this.#told.candles.length) this.#workIn();
    else this.#end();
    return !this.#ended;
  }

  /** Of everything known; to be asked for once no work is left. */
  get sums(): KnownSums {
    const { volume, quoteVolume, buyVolume, open, high, low, last } = this.#sums;
    return { volume, quoteVolume, buyVolume, open, high, low, last };
  }

  /** Σ price²·size of everything known. */
  get squareVolume(): SumInterval<bigint> {
    return this.#sums.squareVolume;
  }

  area(method: ValueAreaMethod, share: Share): ProvenArea | undefined {
    const { method: own, share: ours } = this.#question;
    return method === own && share.part * ours.whole === ours.part * share.whole ? this.#area : undefined;
  }

  /** What the trades hold is one loaded minute of the state, the candles are those after it. */
  #begin(): void {
    this.#begun = true;
    const { fold, partial } = this.#told;
    const { volume, quoteVolume, buyVolume } = this.#sums;
    const { open, high, low, last } = fold;
    if (volume === 0 || open === null || high === null || low === null || last === null) return;
    let { profile } = fold;
    if (partial.length > 0) {
      profile = new Profile();
      profile.merge(fold.profile);
      for (const minute of partial) profile.subtract(contributionRows(minute));
    }
    const { bins, volumes: binVolumes } = profile.rows(this.coarser);
    const loaded: LoadedTrades = {
      ...{ minute: 0, open, high, low, close: last, volume, bins, binVolumes },
      ...{ quoteVolume: quoteVolume.low, buyVolume: buyVolume.low },
    };
    this.#state?.cover(0, loaded);
  }

  #workIn(): void {
    const { candles } = this.#told;
    const { binUnits, coarser } = this.#question;
    for (let left = STEP_BINS; left > 0 && this.#done < candles.length; ) {
      const candle = candles[this.#done++]!;
      this.#sums = withCandle(this.#sums, candle);
      const bins = CANDLE_BINS + Math.ceil((candle.high - candle.low) / (binUnits * coarser));
      left -= this.#state === undefined ? CANDLE_BINS : bins;
      this.#bins += bins;
      if (this.#bins > TOLD_BINS_MAX) this.#state = undefined;
      // Minutes of the state are numbered as they come: their times do not matter to it, and it looks through all between.
      this.#state?.addCandle({ ...candle, minute: this.#done });
    }
  }

  #end(): void {
    this.#ended = true;
    const bounds = this.#state?.bounds();
    if (this.#state !== undefined && bounds !== undefined && bounds.highBin - bounds.lowBin < TOLD_ROWS_MAX)
      this.#area = provenArea(this.#state, this.#question.method, this.#question.share);
    this.#state = undefined;
  }
}

interface Sums extends KnownSums {
  readonly squareVolume: SumInterval<bigint>;
  readonly firstMinute: number;
  readonly lastMinute: number;
}

function sumsOf({ fold, partial }: ToldWindow): Sums {
  let { volume, quoteVolume, buyVolume, squareVolume } = fold;
  for (const minute of partial) {
    volume -= minute.volume;
    quoteVolume -= minute.quoteVolume;
    buyVolume -= minute.buyVolume;
    squareVolume -= minute.squareVolume;
  }
  const { open, high, low, last } = fold;
  return {
    volume,
    quoteVolume: { low: quoteVolume, high: quoteVolume },
    buyVolume: { low: buyVolume, high: buyVolume },
    squareVolume: { low: squareVolume, high: squareVolume },
    // Trades of a minute lie within its candle, so those of `partial` take nothing from it.
    ...{ open, high, low, last },
    firstMinute: fold.firstMinute ?? Number.POSITIVE_INFINITY,
    lastMinute: fold.lastMinute ?? Number.NEGATIVE_INFINITY,
  };
}

function withCandle(sums: Sums, candle: SkeletonCandle): Sums {
  if (candle.volume === 0) return sums;
  const { minute, volume, buyVolume, open, high, low, close } = candle;
  const isFirst = minute <= sums.firstMinute;
  const isLast = minute >= sums.lastMinute;
  return {
    volume: sums.volume + volume,
    quoteVolume: added(sums.quoteVolume, quoteOf(candle)),
    buyVolume: {
      low: sums.buyVolume.low + (buyVolume ?? 0),
      high: sums.buyVolume.high + (buyVolume ?? volume),
    },
    squareVolume: added(sums.squareVolume, squareOf(candle)),
    open: isFirst ? open : sums.open,
    high: Math.max(sums.high ?? high, high),
    low: Math.min(sums.low ?? low, low),
    last: isLast ? close : sums.last,
    firstMinute: isFirst ? minute : sums.firstMinute,
    lastMinute: isLast ? minute : sums.lastMinute,
  };
}

function added(a: SumInterval<bigint>, b: SumInterval<bigint>): SumInterval<bigint> {
  return { low: a.low + b.low, high: a.high + b.high };
}
