import { deltaInterval, type KnownSums, type SumInterval, vwapInterval } from "./certify/known-sums.ts";
import { type Decimal, decimal } from "./decimal.ts";
import type { Scales } from "./instrument.ts";
import { invariant } from "./invariant.ts";
import type { Certainty, WindowCoverage } from "./level-set.ts";
import { type Share, type ValueArea, type ValueAreaMethod, valueArea } from "./value-area.ts";
import { vwap } from "./vwap.ts";
import type { WindowFold, WindowSums } from "./window-fold.ts";
import type { ProfileProof, ProvenArea, ProvenBin, WindowProof } from "./window-proof.ts";

/** A window of minutes folded, with what is known of it up to now. */
export interface KnownWindow<Fold extends WindowSums = WindowSums> {
  readonly fold: Fold;
  readonly coverage: WindowCoverage;
  /** Every minute of it up to now is covered, or is being received from its start without a break. */
  readonly whole: boolean;
  /** What the venue's candles prove of a window that is not whole; undefined where they do not tell the rest, or are in doubt. */
  readonly proof?: WindowProof | undefined;
  /** Answers what `find` would, if it knows that already. */
  readonly knownArea?: (question: AreaQuestion, find: () => ValueArea | undefined) => ValueArea | undefined;
}

/** A level with how far it can be trusted. */
export interface Reading {
  readonly value: Decimal | null;
  readonly certainty: Certainty | null;
  /** Beside a `bounded` value: the closed interval that is proven to hold the final one. */
  readonly bounds?: readonly [low: Decimal, high: Decimal];
}

/** Everything that one window's sums say. */
export interface SumReadings {
  readonly vwap: Reading;
  readonly delta: Reading;
  readonly open: Reading;
  readonly high: Reading;
  readonly low: Reading;
  readonly last: Reading;
  /** High − low. */
  readonly range: Reading;
}

export interface AreaReadings {
  readonly poc: Reading;
  readonly vah: Reading;
  readonly val: Reading;
}

/** Bins `coarser` times as wide as the fold's, which are then `binUnits` price units wide. */
export interface AreaQuestion {
  readonly method: ValueAreaMethod;
  readonly share: Share;
  readonly coarser: number;
  readonly binUnits: number;
}

/** From the candles where they tell what the trades at hand do not, else from the trades. */
export function readSums(window: KnownWindow, scales: Scales): SumReadings {
  const { fold, coverage, whole, proof } = window;
  const sums = whole ? undefined : proof?.sums;
  const exact = whole || proof?.upToNow === true;
  const trusted = trustOf(window);
  const { volume, open, high, low, last } = sums ?? fold;
  const reading = (value: Decimal | null): Reading =>
    value === null ? absent(coverage, exact) : trusted({ value, certainty: "exact" });
  const price = (units: number | null) => reading(units === null ? null : decimal(units, scales.priceScale));
  const traded = volume > 0;
  return {
    vwap:
      sums === undefined || !traded
        ? reading(vwap(fold.quoteVolume, volume, scales))
        : trusted(provenVwap(sums, scales)),
    delta:
      sums === undefined || !traded
        ? reading(traded ? decimal(2 * fold.buyVolume - volume, scales.sizeScale) : null)
        : trusted(provenDelta(sums, scales)),
    open: price(open),
    high: price(high),
    low: price(low),
    last: price(last),
    range: price(high === null || low === null ? null : high - low),
  };
}

/** POC, VAH and VAL by their rows' lower edges. */
export function readArea(
  window: KnownWindow<WindowFold>,
  question: AreaQuestion,
  { priceScale }: Scales,
): AreaReadings {
  const { fold, coverage, whole, proof } = window;
  const { method, share, coarser, binUnits } = question;
  const trusted = trustOf(window);
  const label = (bin: number) => decimal(BigInt(bin) * BigInt(binUnits), priceScale);
  const area = whole ? undefined : provenBy(proof?.profile, method, share, coarser);
  if (area !== undefined) {
    const reading = (of: ProvenBin): Reading =>
      trusted(
        of.kind === "certain"
          ? { value: label(of.bin), certainty: "certain" }
          : { value: label(of.estimate), certainty: "bounded", bounds: [label(of.low), label(of.high)] },
      );
    return { poc: reading(area.poc), vah: reading(area.vah), val: reading(area.val) };
  }
  const empty = !whole && proof?.sums.volume === 0;
  const find = () => valueArea(fold.profile.volumeRows(coarser), method, { share });
  const found = empty
    ? undefined
    : window.knownArea === undefined
      ? find()
      : window.knownArea(question, find);
  const exact = whole || (empty && proof.upToNow);
  const reading = (bin: number | undefined): Reading =>
    bin === undefined
      ? absent(coverage, exact)
      : { value: label(bin), certainty: exact ? "exact" : "estimate" };
  return { poc: reading(found?.poc), vah: reading(found?.vah), val: reading(found?.val) };
}

function provenBy(
  profile: ProfileProof | undefined,
  method: ValueAreaMethod,
  share: Share,
  coarser: number,
): ProvenArea | undefined {
  if (profile === undefined) return undefined;
  invariant(
    profile.coarser === coarser,
    `asked for ${coarser} bins in one, the proof has ${profile.coarser}`,
  );
  return profile.area(method, share);
}

/** What proves something only if the window is known up to now is an estimate where it is not. */
export function trustOf({
  whole,
  proof,
}: Pick<KnownWindow, "whole" | "proof">): (reading: Reading) => Reading {
  return whole || proof?.upToNow === true
    ? (reading) => reading
    : ({ value }) => ({ value, certainty: "estimate" });
}

/** A window that has not begun expects nothing: its null is not knowledge. */
export function absent({ expectedMinutes }: WindowCoverage, exact: boolean): Reading {
  return { value: null, certainty: exact && expectedMinutes > 0 ? "exact" : null };
}

function provenVwap(sums: KnownSums, scales: Scales): Reading {
  const { low, high } = sums.quoteVolume;
  // Halfway between the ends: (low + high) / 2 divided by the volume.
  return known(vwapInterval(sums, scales), () => vwap(low + high, 2 * sums.volume, scales));
}

function provenDelta(sums: KnownSums, { sizeScale }: Scales): Reading {
  const { low, high } = deltaInterval(sums);
  return known({ low: decimal(low, sizeScale), high: decimal(high, sizeScale) }, () =>
    // Unknown aggressors are shared out evenly.
    decimal((BigInt(low) + BigInt(high)) / 2n, sizeScale),
  );
}

function known(interval: SumInterval<Decimal> | null, estimate: () => Decimal | null): Reading {
  if (interval === null) return { value: null, certainty: null };
  const { low, high } = interval;
  if (low.units === high.units) return { value: low, certainty: "exact" };
  return { value: estimate(), certainty: "bounded", bounds: [low, high] };
}
