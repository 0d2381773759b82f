import { invariant } from "../invariant.ts";
import type { MinuteContribution } from "../minute.ts";
import type { ProfileRows } from "../profile-rows.ts";
import type { MinuteRange } from "../time-range.ts";
import { type KnownSums, knownSums, quoteOf } from "./known-sums.ts";
import { addMinuteBounds, lastSteps } from "./minute-bounds.ts";
import { addMinuteEstimate } from "./minute-estimate.ts";
import type { ProfileBounds } from "./profile-bounds.ts";
import type { CertifyGrid, Inconsistency, SkeletonCandle } from "./skeleton-candle.ts";
import { type UnseenMinute, unseenMinute } from "./unseen-minute.ts";
import { UnseenMinutes } from "./unseen-minutes.ts";

/** Bins between a window's lowest and highest price, at most: three arrays of 2 MB. Beyond, its volumes stay unknown. */
export const CERTIFY_BINS_MAX = 2 ** 18;

/** Room that is added when the range grows, as a share of it. */
const SPARE_SHARE = 1 / 4;

interface Dense {
  readonly firstBin: number;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly estimate: Float64Array;
}

/** Trades that are loaded: their sums and rows. A minute's contribution is one. */
export type LoadedTrades = SkeletonCandle & Pick<MinuteContribution, "bins" | "binVolumes">;

/** A minute as it stands in the sums: loaded, or known by its candle alone. */
type Applied = {
  /** What it adds to the sums, read once: a contribution may have to unpack its fields. */
  readonly known: SkeletonCandle | undefined;
} & (
  | { readonly kind: "covered"; readonly contribution: LoadedTrades | undefined }
  | { readonly kind: "unseen"; readonly unseen: UnseenMinute | undefined }
);

/**
 * What is known of a window's closed minutes, some loaded and the others known by their candles, kept so that a change
 * costs the bins it touches. All integers, so it does not matter in which order things became known.
 *
 * It holds if every closed minute of the window that traded was given, and if the candles tell the truth; both are the
 * caller's to know. Prices and sizes of all that is given are at one pair of scales. A day of 20,000 bins takes 2 MB.
 */
export class ProfileState {
  readonly grid: CertifyGrid;
  readonly #candles = new Map<number, SkeletonCandle>();
  readonly #minutes = new Map<number, Applied>();
  #dense: Dense = { firstBin: 0, lower: empty(), upper: empty(), estimate: empty() };
  /** No minute was ever known outside. */
  #lo = Number.POSITIVE_INFINITY;
  #hi = Number.NEGATIVE_INFINITY;
  /** Σ quote volume of all that is known. */
  #quoteLow = 0n;
  #quoteHigh = 0n;
  #tooWide = false;
  #sums: KnownSums | undefined;
  readonly #unseen = new UnseenMinutes();
  /** What {@link estimatedRows} writes into. */
  #rowBins = empty();
  #rowVolumes = empty();

  constructor(grid: CertifyGrid) {
    invariant(
      [grid.binUnits, grid.tickUnits ?? 1, grid.lotUnits ?? 1].every((u) => Number.isSafeInteger(u) && u > 0),
      `bin, tick and lot are whole units above 0, got ${grid.binUnits}, ${grid.tickUnits}, ${grid.lotUnits}`,
    );
    this.grid = grid;
  }

  /** Takes the candle of a closed minute, in place of an earlier one. It counts as long as the minute is not covered. */
  addCandle(candle: SkeletonCandle): void {
    this.#candles.set(candle.minute, candle);
    if (this.#minutes.get(candle.minute)?.kind !== "covered") this.#applyCandle(candle.minute);
  }

  /** Forgets a candle. */
  removeCandle(minute: number): void {
    this.#candles.delete(minute);
    if (this.#minutes.get(minute)?.kind === "unseen") this.#replace(minute, undefined);
  }

  /** A minute's trades are loaded (undefined: it had none), in place of its candle or of what was loaded before. */
  cover(minute: number, contribution: LoadedTrades | undefined): void {
    this.#replace(minute, {
      kind: "covered",
      contribution,
      known: contribution && summedFields(contribution),
    });
  }

  /** A minute's trades are no longer to be trusted: its candle counts again, if there is one. */
  uncover(minute: number): void {
    if (this.#minutes.get(minute)?.kind === "covered") this.#applyCandle(minute);
  }

  /** Bounds of the complete profile, views that hold until the next change. Undefined without volume, or where too wide. */
  bounds(): ProfileBounds | undefined {
    const { volume, low, high } = this.sums();
    if (this.#tooWide || low === null || high === null) return undefined;
    const { binUnits } = this.grid;
    const { firstBin, lower, upper } = this.#dense;
    const lowBin = Math.floor(low / binUnits);
    const highBin = Math.floor(high / binUnits);
    return { firstBin, lower, upper, total: volume, lowBin, highBin };
  }

  /** A guess of the complete profile: covered volume, and unseen volume spread over its range. Index 0 is `firstBin`. */
  get estimate(): Float64Array {
    return this.#dense.estimate;
  }

  /** The rows of the {@link estimate} that hold volume, in memory that the next call writes over. */
  estimatedRows(): Pick<ProfileRows, "bins" | "volumes"> {
    const { firstBin, estimate } = this.#dense;
    if (this.#rowBins.length < estimate.length) {
      this.#rowBins = new Float64Array(estimate.length);
      this.#rowVolumes = new Float64Array(estimate.length);
    }
    const bins = this.#rowBins;
    const volumes = this.#rowVolumes;
    let count = 0;
    for (let i = 0; i < estimate.length; i++) {
      const volume = estimate[i]!;
      if (volume <= 0) continue;
      bins[count] = firstBin + i;
      volumes[count++] = volume;
    }
    return { bins: bins.subarray(0, count), volumes: volumes.subarray(0, count) };
  }

  /** Sums of everything known, or of the minutes of a range. */
  sums(range?: MinuteRange): KnownSums {
    if (range !== undefined) return knownSums(this.#known(range));
    this.#sums ??= knownSums(this.#known({ lo: this.#lo, hi: this.#hi }), {
      low: this.#quoteLow,
      high: this.#quoteHigh,
    });
    return this.#sums;
  }

  /** The minutes that are known by their candles alone, ascending; a view that holds until the next change. */
  unseen(): readonly UnseenMinute[] {
    return this.#unseen.all;
  }

  /** Those of them whose range touches a bin. */
  unseenAt(bin: number): readonly UnseenMinute[] {
    return this.#unseen.touching(bin);
  }

  /** Unseen minutes whose candle contradicts itself; nothing but its range and volume is used of it. */
  inconsistencies(): Inconsistency[] {
    const found: Inconsistency[] = [];
    for (const { minute, inconsistent } of this.unseen())
      if (inconsistent !== undefined) found.push({ minute, field: inconsistent });
    return found;
  }

  #known({ lo, hi }: MinuteRange): SkeletonCandle[] {
    const minutes: SkeletonCandle[] = [];
    for (let minute = lo; minute < hi; minute++) {
      const known = this.#minutes.get(minute)?.known;
      if (known !== undefined) minutes.push(known);
    }
    return minutes;
  }

  #applyCandle(minute: number): void {
    const candle = this.#candles.get(minute);
    const unseen = candle && unseenMinute(candle, this.grid);
    this.#replace(minute, candle && { kind: "unseen", unseen, known: unseen && summedFields(candle) });
  }

  #replace(minute: number, applied: Applied | undefined): void {
    const former = this.#minutes.get(minute);
    if (former !== undefined) this.#add(former, -1);
    if (former?.kind === "unseen" && former.unseen !== undefined) this.#unseen.remove(former.unseen);
    if (applied?.kind === "unseen" && applied.unseen !== undefined) this.#unseen.add(applied.unseen);
    if (applied === undefined) this.#minutes.delete(minute);
    else {
      this.#minutes.set(minute, applied);
      if (minute < this.#lo) this.#lo = minute;
      if (minute >= this.#hi) this.#hi = minute + 1;
      this.#add(applied, 1);
    }
    // Trades mostly sum up to what their candle told.
    if (sameSums(former?.known, applied?.known)) return;
    this.#sums = undefined;
    this.#addQuote(former?.known, -1n);
    this.#addQuote(applied?.known, 1n);
  }

  #addQuote(known: SkeletonCandle | undefined, sign: 1n | -1n): void {
    if (known === undefined) return;
    const { low, high } = quoteOf(known);
    this.#quoteLow += sign * low;
    this.#quoteHigh += sign * high;
  }

  #add(applied: Applied, sign: 1 | -1): void {
    if (applied.kind === "unseen") {
      const { unseen } = applied;
      if (unseen === undefined || !this.#reach(unseen.firstBin, unseen.lastBin)) return;
      const ends = lastSteps(unseen);
      addMinuteBounds(unseen, this.#dense, sign, ends);
      addMinuteEstimate(unseen, this.#dense, sign, ends);
      return;
    }
    const { contribution } = applied;
    if (contribution === undefined) return;
    const { bins, binVolumes } = contribution;
    if (!this.#reach(bins[0]!, bins[bins.length - 1]!)) return;
    const { firstBin, lower, upper, estimate } = this.#dense;
    for (let row = 0; row < bins.length; row++) {
      const i = bins[row]! - firstBin;
      const volume = sign * binVolumes[row]!;
      lower[i] = lower[i]! + volume;
      upper[i] = upper[i]! + volume;
      estimate[i] = estimate[i]! + volume;
    }
  }

  /** Makes room for bins; false when the window is too wide to be kept. */
  #reach(first: number, last: number): boolean {
    if (this.#tooWide) return false;
    const old = this.#dense;
    const size = old.lower.length;
    const end = old.firstBin + size - 1;
    if (size > 0 && first >= old.firstBin && last <= end) return true;
    const from = size === 0 ? first : Math.min(first, old.firstBin);
    const to = size === 0 ? last : Math.max(last, end);
    if (to - from >= CERTIFY_BINS_MAX) {
      this.#tooWide = true;
      this.#dense = { firstBin: 0, lower: empty(), upper: empty(), estimate: empty() };
      return false;
    }
    const spare = Math.min(Math.ceil((to - from) * SPARE_SHARE), CERTIFY_BINS_MAX - 1 - (to - from));
    // Room on the side that grew: the next price is likely to be there too.
    const firstBin = from < old.firstBin || size === 0 ? from - spare : from;
    const bins = to - from + 1 + spare;
    const moved = (column: Float64Array) => {
      const wider = new Float64Array(bins);
      wider.set(column, size === 0 ? 0 : old.firstBin - firstBin);
      return wider;
    };
    this.#dense = {
      firstBin,
      lower: moved(old.lower),
      upper: moved(old.upper),
      estimate: moved(old.estimate),
    };
    return true;
  }
}

function summedFields(of: SkeletonCandle): SkeletonCandle {
  const { minute, open, high, low, close, volume, quoteVolume, buyVolume } = of;
  return { minute, open, high, low, close, volume, quoteVolume, buyVolume };
}

function sameSums(a: SkeletonCandle | undefined, b: SkeletonCandle | undefined): boolean {
  return (
    a?.open === b?.open &&
    a?.high === b?.high &&
    a?.low === b?.low &&
    a?.close === b?.close &&
    a?.volume === b?.volume &&
    a?.quoteVolume === b?.quoteVolume &&
    a?.buyVolume === b?.buyVolume
  );
}

function empty(): Float64Array {
  return new Float64Array(0);
}
