import type { Coverage, MinuteRange } from "../core/mod.ts";
import type { NewChunk } from "./store/types.ts";

/**
 * Which missing minutes are fetched first. `certify`: those that prove most of the levels, session by session, the newest
 * first; it is planned as `recent` and ranked anew when the venue's candles are there.
 */
export const DOWNLOAD_ORDERS = ["recent", "oldest", "certify"] as const;
export type DownloadOrder = (typeof DOWNLOAD_ORDERS)[number];

/** One series of a request: what is wanted and what need not be fetched. */
export interface SeriesPlan {
  readonly seriesId: number;
  readonly range: MinuteRange;
  /** Minutes that are covered, promised to the live stream, or part of another job's chunk. */
  readonly excluded: Coverage;
}

export interface PlanOptions {
  readonly order: DownloadOrder;
  /** Length of a chunk; divides a day. */
  readonly chunkMinutes: number;
}

/**
 * Splits what is missing into chunks. A chunk never crosses a multiple of `chunkMinutes` (so never midnight) and holds
 * no minute that need not be fetched. Its rank is its place in time, counted from where the download begins, so that symbols advance
 * side by side, those among them that are planned later.
 */
export function planChunks(plans: readonly SeriesPlan[], { order, chunkMinutes }: PlanOptions): NewChunk[] {
  const pieces = plans.flatMap(({ seriesId, range, excluded }) =>
    excluded
      .missing(range)
      .flatMap((gap) => splitAligned(gap, chunkMinutes))
      .map((piece) => ({ seriesId, range: piece, wanted: range })),
  );
  const sign = order === "oldest" ? 1 : -1;
  pieces.sort((a, b) => sign * (a.range.lo - b.range.lo) || a.seriesId - b.seriesId);
  return pieces.map((piece) => ({
    seriesId: piece.seriesId,
    range: piece.range,
    source: "rest",
    rank: slotRank(piece.range, piece.wanted, chunkMinutes, order),
  }));
}

/** How many slots of `length` minutes, counted from `origin`, lie between a piece and the end of `wanted` that is fetched first. */
export function slotRank(
  piece: MinuteRange,
  wanted: MinuteRange,
  length: number,
  order: DownloadOrder,
  origin = 0,
): number {
  const slot = (minute: number) => Math.floor((minute - origin) / length);
  return order === "oldest" ? slot(piece.lo) - slot(wanted.lo) : slot(wanted.hi - 1) - slot(piece.lo);
}

/** Cuts a range at the multiples of `length`, counted from `origin`. */
export function splitAligned({ lo, hi }: MinuteRange, length: number, origin = 0): MinuteRange[] {
  const pieces: MinuteRange[] = [];
  for (let at = lo; at < hi; ) {
    const end = Math.min(hi, (Math.floor((at - origin) / length) + 1) * length + origin);
    pieces.push({ lo: at, hi: end });
    at = end;
  }
  return pieces;
}
