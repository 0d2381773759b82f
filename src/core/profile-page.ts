import type { ProfileRows } from "./profile-rows.ts";

/** Bins of a page. A stray print far away costs one page, not the span between. */
export const PAGE_BINS = 512;

/** A run of bins of a {@link Profile}, {@link PAGE_BINS} each. */
export interface Page {
  readonly volumes: Float64Array;
  readonly buyVolumes: Float64Array;
}

/** Adds the bins of one page to those of another. */
export function addAll(to: Float64Array, from: Float64Array): void {
  for (let i = 0; i < PAGE_BINS; i++) to[i] = to[i]! + from[i]!;
}

/** How many of a page's bins hold volume. */
export function tradedBins(volumes: Float64Array): number {
  let count = 0;
  for (let i = 0; i < PAGE_BINS; i++) if (volumes[i]! > 0) count++;
  return count;
}

/** Writes a page's rows from row `end` on; answers where the next page goes on. `first` is the page's first bin. */
export function writeRows(rows: ProfileRows, end: number, page: Page, first: number): number {
  const { bins, volumes, buyVolumes } = rows;
  const { volumes: of, buyVolumes: bought } = page;
  for (let i = 0; i < PAGE_BINS; i++) {
    const volume = of[i]!;
    if (volume === 0) continue;
    bins[end] = first + i;
    volumes[end] = volume;
    buyVolumes[end] = bought[i]!;
    end++;
  }
  return end;
}

/** {@link writeRows} in wider bins; the first of a page's may be the one that the page before it ended in. */
export function gatherRows(
  rows: ProfileRows,
  end: number,
  page: Page,
  { first, coarser }: { readonly first: number; readonly coarser: number },
): number {
  const { bins, volumes, buyVolumes } = rows;
  let row = end - 1;
  for (let i = 0; i < PAGE_BINS; i++) {
    const volume = page.volumes[i]!;
    if (volume === 0) continue;
    const bin = Math.floor((first + i) / coarser);
    if (row < 0 || bins[row] !== bin) bins[++row] = bin;
    volumes[row] = volumes[row]! + volume;
    buyVolumes[row] = buyVolumes[row]! + page.buyVolumes[i]!;
  }
  return row + 1;
}

/** {@link gatherRows} of volumes alone, over whatever stands in `rows`. */
export function writeVolumes(
  { bins, volumes }: Pick<ProfileRows, "bins" | "volumes">,
  end: number,
  page: Float64Array,
  { first, coarser }: { readonly first: number; readonly coarser: number },
): number {
  let row = end - 1;
  for (let i = 0; i < PAGE_BINS; i++) {
    const volume = page[i]!;
    if (volume === 0) continue;
    const bin = coarser === 1 ? first + i : Math.floor((first + i) / coarser);
    if (row >= 0 && bins[row] === bin) volumes[row] = volumes[row]! + volume;
    else {
      bins[++row] = bin;
      volumes[row] = volume;
    }
  }
  return row + 1;
}
