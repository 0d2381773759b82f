import {
  DEFAULT_SHARE,
  DOUBTS_TOLD_MAX,
  type Doubt,
  type GridOf,
  type KnownWindow,
  ToldProof,
  type WindowFold,
} from "../core/mod.ts";
import type { WindowRanges } from "../store/mod.ts";
import { knowledgeOf, nowMinuteOf, type Reading, type WindowDeps } from "./window-reading.ts";

/** A window with what is proven of it, all of one moment. */
export interface ProvenWindow extends KnownWindow<WindowFold> {
  readonly doubts: readonly Doubt[];
  /** What the fold lies on, and the revision of the series that all of this belongs to. */
  readonly grid: GridOf;
  readonly revision: number;
  readonly asOfMs: number;
}

export type ProvingDeps = Pick<WindowDeps, "nowMs" | "expectedEnd" | "turns">;

/**
 * What is proven of a window. The series is read at once, before the first await; the proof is of that moment and takes its
 * turns afterwards, whatever changes meanwhile. Throws the signal's reason once it is aborted.
 */
export async function proveWindow(
  deps: ProvingDeps,
  { series, method, coarser }: Reading,
  window: { readonly ranges: WindowRanges; readonly fold: WindowFold },
  signal: AbortSignal,
): Promise<ProvenWindow> {
  const { ranges, fold } = window;
  const { grid } = series;
  const nowMinute = nowMinuteOf(deps);
  const known: ProvenWindow = {
    fold,
    ...knowledgeOf(deps, series, ranges),
    doubts: ranges
      .flatMap((range) => series.certainty.doubtsWithin(range, DOUBTS_TOLD_MAX))
      .slice(0, DOUBTS_TOLD_MAX),
    ...{ grid, revision: series.revision, asOfMs: deps.nowMs() },
  };
  const beside = known.whole ? undefined : series.certainty.windows.beside(ranges, nowMinute);
  if (beside === undefined) return known;
  const question = { binUnits: grid.binUnits, coarser, method, share: DEFAULT_SHARE };
  const profile = new ToldProof({ ...beside, fold }, question);
  for (let left = true; left; ) {
    signal.throwIfAborted();
    left = await deps.turns.take(() => profile.step());
  }
  const { sums, squareVolume } = profile;
  // More than is added up exactly here.
  if (!Number.isSafeInteger(sums.volume)) return known;
  return { ...known, proof: { upToNow: beside.upToNow, sums, squareVolume, profile } };
}
