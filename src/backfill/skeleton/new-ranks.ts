import type { NewRank } from "../store/chunk-ranks.ts";

/** Chunks that are put in order, at most; those behind them are ranked again before their turn comes. */
export const RANKED_MAX = 32;

/**
 * The ranks that change so that `best` comes first, in that order, and the others stay as they are. The pending chunks only
 * exchange their ranks: how far a series has come within its job, as its ranks tell it, does not change, so the symbols of a
 * job stay even. At most 2 × {@link RANKED_MAX} ranks change.
 */
export function newRanks(
  pending: readonly NewRank[],
  best: readonly Pick<NewRank, "id">[],
  max = RANKED_MAX,
): NewRank[] {
  const places = [...pending].sort((a, b) => a.rank - b.rank);
  const top = best.slice(0, max);
  const chosen = new Set(top.map(({ id }) => id));
  const displaced = places.slice(0, top.length).filter(({ id }) => !chosen.has(id));
  const vacated = places.slice(top.length).filter(({ id }) => chosen.has(id));
  const former = new Map(places.map(({ id, rank }) => [id, rank]));
  return [
    ...top.map(({ id }, place) => ({ id, rank: places[place]!.rank })),
    ...displaced.map(({ id }, i) => ({ id, rank: vacated[i]!.rank })),
  ].filter(({ id, rank }) => former.get(id) !== rank);
}
