import type { MinuteRange } from "../time-range.ts";
import { differenceSlack, leastVolume, mostVolume } from "./minute-bounds.ts";
import { estimatedVolume } from "./minute-estimate.ts";
import { pocCandidates, winsTie } from "./poc-bounds.ts";
import type { ProfileBounds } from "./profile-bounds.ts";
import type { ProfileState } from "./profile-state.ts";
import type { UnseenMinute } from "./unseen-minute.ts";

/** Trades that one request answers at most. */
export const TRADES_PER_REQUEST = 1_000;

/** Bins that are weighed against the favourite, at most: those that could hold the most. */
const RIVALS_MAX = 24;

/** Minutes that touch a rival, summed over the rivals, at most: about 3 ms. Where minutes are wide, fewer are weighed. */
const TOUCHES_MAX = 10_000;

/** Chunks that are planned one after the other; those behind them are ranked as the first was. */
const PLANNED_MAX = 24;

/** A chunk that is not loaded yet: whole minutes, and what it takes to load them. */
export interface PendingChunk extends MinuteRange {
  /** Requests, an estimate; see {@link requestsFor}. */
  readonly requests: number;
}

export interface CertifyOrderOptions {
  /** Minutes that are being loaded now. What they are likely to prove needs no other chunk. */
  readonly inFlight?: readonly MinuteRange[];
  /** Bins (from, to) that another level may lie in: VAH and VAL. They decide once the POC is certain. */
  readonly open?: readonly (readonly [from: number, to: number])[];
}

/** Requests that so many trades take: one at least. */
export function requestsFor(trades: number): number {
  return Math.max(1, Math.ceil(trades / TRADES_PER_REQUEST));
}

/**
 * The pending chunks in the order that should prove the POC with the least loading; the best first.
 *
 * The favourite bin is certain once each rival's margin — the most by which it could still be ahead — is below zero. A
 * loaded chunk takes from a margin what its minutes might have been minus what they were; the estimate stands for the
 * latter. So this is a covering problem, and is planned greedily: next is the chunk that takes most from the margins that
 * are left, the large margins before the small, for what it costs; then its part is taken off, and so on. A request
 * costs a trip and, for each full page, as much again. Ties, and chunks that prove nothing: the most recent first.
 *
 * Share of the trades at which the POC is certain, XRPETH day and median of 13 days of stocks (scripts/bench/certify.ts):
 * 27 % and 31 %. With requests alone as cost 28 % and 32 %, with trades alone 26 % and 35 %; an order that knows the
 * trades beforehand reaches 23 % and 31 % (10-minute chunks; shorter ones are certain earlier, docs/level-maths.md).
 */
export function certifyOrder<Chunk extends PendingChunk>(
  state: ProfileState,
  pending: readonly Chunk[],
  { inFlight = [], open = [] }: CertifyOrderOptions = {},
): Chunk[] {
  const recent = [...pending].sort((a, b) => b.hi - a.hi);
  const bounds = state.bounds();
  if (bounds === undefined) return recent;
  const minutes = minutesOfChunks(state, [...recent, ...inFlight]);
  const trades = new Float64Array(recent.length + inFlight.length);
  for (const [chunk, { candle }] of minutes)
    if (chunk !== undefined) trades[chunk] = trades[chunk]! + (candle.rawCount ?? 0);
  const costs = recent.map((chunk, i) => chunk.requests + trades[i]! / TRADES_PER_REQUEST);
  const race = raceFor(state, bounds, minutes, trades.length);
  const ranked = race === undefined ? byValue(openVolumes(minutes, costs, open)) : plan(race, costs);
  return ranked.map((i) => recent[i]!);
}

/** The unseen minutes, each with the index of the range that holds it. Ranges do not overlap. */
type MinutesOfChunks = readonly (readonly [chunk: number | undefined, minute: UnseenMinute])[];

function minutesOfChunks(state: ProfileState, ranges: readonly MinuteRange[]): MinutesOfChunks {
  const ascending = ranges.map((range, i) => ({ range, i })).sort((a, b) => a.range.lo - b.range.lo);
  return state.unseen().map((unseen) => {
    let from = 0;
    let to = ascending.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (ascending[middle]!.range.lo <= unseen.minute) from = middle + 1;
      else to = middle;
    }
    const found = ascending[from - 1];
    return [found !== undefined && unseen.minute < found.range.hi ? found.i : undefined, unseen];
  });
}

/**
 * The favourite's rivals: by how much each could still be ahead (0: it is beaten), and how much of that each range is
 * likely to take away. Size units, a column for each rival.
 */
interface Race {
  readonly margins: Float64Array;
  readonly gains: readonly Float64Array[];
}

/** Undefined once every rival is beaten. */
function raceFor(
  state: ProfileState,
  bounds: ProfileBounds,
  minutes: MinutesOfChunks,
  ranges: number,
): Race | undefined {
  const { firstBin, lower, upper } = bounds;
  const { bins, favourite } = pocCandidates(bounds, state.estimate);
  const rivals = rivalsOf(
    bins.filter((bin) => bin !== favourite),
    (bin) => upper[bin - firstBin]!,
    state.unseen(),
  );
  const margins = Float64Array.from(rivals, (rival) => {
    const ahead = upper[rival - firstBin]! - lower[favourite - firstBin]!;
    // To be level is enough for a rival that wins the tie.
    return winsTie(bounds, rival, favourite) ? ahead + 1 : ahead;
  });
  const gains = Array.from({ length: ranges }, () => new Float64Array(rivals.length));
  for (const [chunk, minute] of minutes) {
    const here = touches(minute, favourite);
    // What the favourite is likely to have of the minute beyond what it is sure of.
    const more = here ? estimatedVolume(minute, favourite) - leastVolume(minute, favourite) : 0;
    const gain = chunk === undefined ? undefined : gains[chunk]!;
    for (let r = 0; r < rivals.length; r++) {
      const rival = rivals[r]!;
      let taken = more;
      if (touches(minute, rival)) {
        const slack = here ? differenceSlack(minute, rival, favourite) : 0;
        margins[r] = margins[r]! - slack;
        taken += mostVolume(minute, rival) - estimatedVolume(minute, rival) - slack;
      }
      if (gain !== undefined && taken > 0) gain[r] = gain[r]! + taken;
    }
  }
  if (!margins.some((margin) => margin > 0)) return undefined;
  return { margins: margins.map((margin) => Math.max(0, margin)), gains };
}

/** The bins that could hold the most, as many as can be weighed in time. */
function rivalsOf(
  bins: Float64Array,
  mostOf: (bin: number) => number,
  minutes: readonly UnseenMinute[],
): Float64Array {
  const values = Float64Array.from(bins, mostOf).sort();
  const cut = values[values.length - RIVALS_MAX] ?? 0;
  const strongest = bins
    .filter((bin) => mostOf(bin) >= cut)
    .sort((a, b) => mostOf(b) - mostOf(a))
    .slice(0, RIVALS_MAX);
  let left = TOUCHES_MAX;
  return strongest.filter((bin) => {
    if (left <= 0) return false;
    for (const minute of minutes) if (touches(minute, bin)) left--;
    return true;
  });
}

/** Indexes of the chunks that `costs` stands for; ranges behind them are in flight. */
function plan({ margins, gains }: Race, costs: readonly number[]): number[] {
  const left = margins.slice();
  for (const gain of gains.slice(costs.length)) take(left, gain);
  const values = () => {
    const most = Math.max(1, ...left);
    const weights = left.map((margin) => (margin / most) ** 2);
    return costs.map((cost, i) => {
      const gain = gains[i]!;
      let value = 0;
      for (let r = 0; r < left.length; r++) value += weights[r]! * Math.min(gain[r]!, left[r]!);
      return value / cost;
    });
  };
  const rest = new Set(costs.keys());
  const first = values();
  const planned: number[] = [];
  let current = first;
  while (planned.length < PLANNED_MAX) {
    let best = -1;
    for (const i of rest) if (current[i]! > (current[best] ?? 0)) best = i;
    if (best < 0) break;
    planned.push(best);
    rest.delete(best);
    take(left, gains[best]!);
    current = values();
  }
  return [...planned, ...byValue(first).filter((i) => rest.has(i))];
}

function take(left: Float64Array, gain: Float64Array): void {
  for (let r = 0; r < left.length; r++) left[r] = Math.max(0, left[r]! - gain[r]!);
}

/** For each chunk the unseen volume that may lie in some bins, by the share of its range, for what the chunk costs. */
function openVolumes(
  minutes: MinutesOfChunks,
  costs: readonly number[],
  open: readonly (readonly [number, number])[],
): number[] {
  const volumes = costs.map(() => 0);
  for (const [chunk, { firstBin, lastBin, candle }] of minutes) {
    // A minute of one bin is known.
    if (chunk === undefined || chunk >= costs.length || firstBin === lastBin) continue;
    for (const [from, to] of open) {
      const common = Math.min(to, lastBin) - Math.max(from, firstBin) + 1;
      if (common > 0) volumes[chunk]! += (candle.volume * common) / (lastBin - firstBin + 1);
    }
  }
  return volumes.map((volume, i) => volume / costs[i]!);
}

/** Indexes by value, the largest first; equal ones stay as they are. */
function byValue(values: readonly number[]): number[] {
  return [...values.keys()].sort((a, b) => values[b]! - values[a]! || a - b);
}

function touches({ firstBin, lastBin }: UnseenMinute, bin: number): boolean {
  return bin >= firstBin && bin <= lastBin;
}
