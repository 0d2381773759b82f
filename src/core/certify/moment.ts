/**
 * How much of a volume can lie where, when its total and its mean price are known.
 *
 * `lots` are spread over the steps 0…span of a price ladder so that Σ step·lots = `moment`. Each bound is the optimum of
 * that linear programme in closed form, rounded to the safe side; docs/level-maths.md has the proofs.
 */
export interface Moment {
  readonly lots: number;
  /** Σ step·lots, in [0, lots·span]. */
  readonly moment: number;
  /** Both again where `lots·span` is beyond {@link MOMENT_MAX} and doubles would not hold the products. */
  readonly wide?: { readonly lots: bigint; readonly moment: bigint };
}

/**
 * Up to here every product `lots·step`, every difference of two and twice that are exact doubles, and
 * `Math.floor(n / d)` is the true floor (numerator + divisor < 2^53).
 */
export const MOMENT_MAX = 2 ** 51;

/** Beyond: a quotient of a rounded numerator is off by less than 2^-51 of itself. */
const OUTWARD = 1 + 2 ** -50;

/** `lots·step − moment`: 0 where the step is the mean, positive above it. Exact, or off by 2^-53 of itself if wide. */
function aboveMean({ lots, moment, wide }: Moment, step: number): number {
  return wide === undefined ? lots * step - moment : Number(wide.lots * BigInt(step) - wide.moment);
}

/** ⌊numerator / divisor⌋ or more, never less; both positive. */
function floorRatio(of: Moment, numerator: number, divisor: number): number {
  const ratio = numerator / divisor;
  return Math.floor(of.wide === undefined ? ratio : ratio * OUTWARD);
}

/** The most lots that can lie on the steps [from, to] ⊂ [0, span]; 0 for an empty range. */
export function mostWithin(of: Moment, span: number, from: number, to: number): number {
  if (from > to) return 0;
  if (aboveMean(of, to) < 0) return Math.min(of.lots, floorRatio(of, aboveMean(of, span), span - to));
  if (aboveMean(of, from) > 0) return Math.min(of.lots, floorRatio(of, of.moment, from));
  return of.lots;
}

/**
 * Adds {@link mostWithin} of each range of steps between the first and the last one. Range i ends with `ends[i]`, where the one
 * before it ends as well if it is empty. As they ascend, those below the mean come first.
 */
export function addMostBetween(of: Moment, span: number, ends: Float64Array, mosts: Float64Array): void {
  const { lots, moment, wide } = of;
  const last = ends.length - 1;
  let i = 1;
  if (wide !== undefined) {
    for (; i < last; i++) mosts[i] = mosts[i]! + mostWithin(of, span, ends[i - 1]! + 1, ends[i]!);
    return;
  }
  const above = lots * span - moment;
  for (; i < last && lots * ends[i]! < moment; i++)
    if (ends[i]! > ends[i - 1]!) mosts[i] = mosts[i]! + Math.min(lots, Math.floor(above / (span - ends[i]!)));
  for (; i < last && lots * (ends[i - 1]! + 1) <= moment; i++)
    if (ends[i]! > ends[i - 1]!) mosts[i] = mosts[i]! + lots;
  for (; i < last; i++)
    if (ends[i]! > ends[i - 1]!)
      mosts[i] = mosts[i]! + Math.min(lots, Math.floor(moment / (ends[i - 1]! + 1)));
}

/** The fewest lots that can lie on the steps [from, to] ⊂ [0, span]; 0 for an empty range. */
export function leastWithin(of: Moment, span: number, from: number, to: number): number {
  if (from > to) return 0;
  if (from === 0) return to === span ? of.lots : of.lots - mostWithin(of, span, to + 1, span);
  return to === span ? of.lots - mostWithin(of, span, 0, from - 1) : 0;
}

/**
 * The most that (lots on [from, to]) − (lots on [lessFrom, lessTo]) can be, for two disjoint ranges within [0, span].
 * It is less than the one's most minus the other's fewest where both cannot be had at once.
 */
export function mostDifference(
  of: Moment,
  span: number,
  from: number,
  to: number,
  lessFrom: number,
  lessTo: number,
): number {
  if (from > to) return -leastWithin(of, span, lessFrom, lessTo);
  if (lessFrom > lessTo) return mostWithin(of, span, from, to);
  // Seen from the other end of the ladder, below is above.
  return from > lessTo
    ? mostAbove(of.moment, (step) => -aboveMean(of, step), of, span, from, to, lessFrom, lessTo)
    : mostAbove(
        aboveMean(of, span),
        (step) => aboveMean(of, span - step),
        of,
        span,
        span - to,
        span - from,
        span - lessTo,
        span - lessFrom,
      );
}

/** {@link mostDifference} with the wanted range above the other one. `belowMean(step)` is `moment − lots·step`. */
function mostAbove(
  moment: number,
  belowMean: (step: number) => number,
  of: Moment,
  span: number,
  from: number,
  to: number,
  lessFrom: number,
  lessTo: number,
): number {
  const { lots } = of;
  if (belowMean(from) >= 0) {
    if (belowMean(to) <= 0) return lots;
    return Math.min(lots, floorRatio(of, -belowMean(span), span - to));
  }
  if (lessFrom > 0) return Math.min(lots, floorRatio(of, moment, from));
  // What pulls the mean down lies on the unwanted steps, or on the free ones just above them.
  const free = lessTo + 1;
  if (2 * free >= from) return Math.min(2 * lots, floorRatio(of, 2 * moment, from)) - lots;
  const spare = belowMean(free);
  return spare >= 0
    ? Math.min(lots, floorRatio(of, spare, from - free))
    : Math.min(lots, floorRatio(of, moment, free)) - lots;
}
