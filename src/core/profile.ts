import { invariant } from "./invariant.ts";

/** Bins of a page. A stray print far away costs one page, not the span between. */
const PAGE_BINS = 512;
/** Pages that memory is asked for at once, at most: 256 kB. */
const SLAB_PAGES_MAX = 32;
/** Two doubles a bin, and what the objects around them take. */
const PAGE_BYTES = PAGE_BINS * 16 + 256;
const BEYOND_EXACT = "profile volume is beyond 2^53 − 1 size units";

/** Rows of a profile that hold volume: bin numbers ascending, volumes beside them, size units. */
export interface ProfileRows {
  readonly bins: Float64Array;
  readonly volumes: Float64Array;
  readonly buyVolumes: Float64Array;
}

/** {@link ProfileRows} in 9 bytes a row. */
export interface SteppedRows {
  readonly firstBin: number;
  /** From one bin to the next; 0 for the first one. */
  readonly steps: Uint8Array;
  /** Of each row its volume and its buy volume, in turns. */
  readonly volumes: Uint32Array;
}

interface Page {
  readonly volumes: Float64Array;
  readonly buyVolumes: Float64Array;
}

/**
 * Volume per bin, exact, in size units. Adding and subtracting the same rows leaves it as it was, and the order of
 * additions does not matter, so a minute can be replaced and profiles can be merged.
 */
export class Profile {
  readonly #pages = new Map<number, Page>();
  #free = new Float64Array(0);
  /** Pages that there is memory for. */
  #reserved = 0;
  #total = 0;
  /** What {@link volumeRows} writes into. */
  #rowBins = new Float64Array(0);
  #rowVolumes = new Float64Array(0);

  /** Σ volume, size units. */
  get total(): number {
    return this.#total;
  }

  /** Memory that it takes. */
  get bytes(): number {
    return this.#reserved * PAGE_BYTES;
  }

  add(rows: ProfileRows): void {
    this.#apply(rows, 1);
  }

  /** Takes away rows that were added before. */
  subtract(rows: ProfileRows): void {
    this.#apply(rows, -1);
  }

  addStepped(rows: SteppedRows): void {
    this.#applyStepped(rows, 1);
  }

  subtractStepped(rows: SteppedRows): void {
    this.#applyStepped(rows, -1);
  }

  /** Adds all of another profile on the same bins: a page at a time, three times as fast as its rows. */
  merge(other: Profile): void {
    if (this.#pages.size === 0) this.#reserve(other.#pages.size);
    for (const [index, { volumes, buyVolumes }] of other.#pages) {
      const page = this.#pages.get(index);
      if (page === undefined) {
        const copy = this.#page(index);
        copy.volumes.set(volumes);
        copy.buyVolumes.set(buyVolumes);
      } else {
        addAll(page.volumes, volumes);
        addAll(page.buyVolumes, buyVolumes);
      }
    }
    this.#total += other.#total;
    invariant(this.#total <= Number.MAX_SAFE_INTEGER, BEYOND_EXACT);
  }

  /** Volume of a bin, 0 when it has none. */
  volumeOf(bin: number): number {
    const index = Math.floor(bin / PAGE_BINS);
    return this.#pages.get(index)?.volumes[bin - index * PAGE_BINS] ?? 0;
  }

  /** The aggressor-buy part of it. */
  buyVolumeOf(bin: number): number {
    const index = Math.floor(bin / PAGE_BINS);
    return this.#pages.get(index)?.buyVolumes[bin - index * PAGE_BINS] ?? 0;
  }

  /** The rows that hold volume, in bins `coarser` times as wide (default 1: as they are). */
  rows(coarser = 1): ProfileRows {
    invariant(Number.isSafeInteger(coarser) && coarser > 0, `bins grow by whole factors, got ${coarser}`);
    const pages = [...this.#pages].sort(([a], [b]) => a - b);
    let count = 0;
    for (const [, page] of pages) count += tradedBins(page.volumes);
    const rows = {
      bins: new Float64Array(count),
      volumes: new Float64Array(count),
      buyVolumes: new Float64Array(count),
    };
    let end = 0;
    for (const [index, page] of pages)
      end =
        coarser === 1
          ? writeRows(rows, end, page, index * PAGE_BINS)
          : gatherRows(rows, end, page, { first: index * PAGE_BINS, coarser });
    return {
      bins: rows.bins.subarray(0, end),
      volumes: rows.volumes.subarray(0, end),
      buyVolumes: rows.buyVolumes.subarray(0, end),
    };
  }

  /**
   * Bins and volumes of {@link rows}, in memory that the next call writes over: for a day of 20,000 rows twice as fast, as it asks
   * for no new memory.
   */
  volumeRows(coarser = 1): Pick<ProfileRows, "bins" | "volumes"> {
    invariant(Number.isSafeInteger(coarser) && coarser > 0, `bins grow by whole factors, got ${coarser}`);
    const room = this.#pages.size * PAGE_BINS;
    if (this.#rowBins.length < room) {
      this.#rowBins = new Float64Array(room);
      this.#rowVolumes = new Float64Array(room);
    }
    const bins = this.#rowBins;
    const volumes = this.#rowVolumes;
    let end = 0;
    for (const index of [...this.#pages.keys()].sort((a, b) => a - b))
      end = writeVolumes({ bins, volumes }, end, this.#pages.get(index)!.volumes, {
        first: index * PAGE_BINS,
        coarser,
      });
    return { bins: bins.subarray(0, end), volumes: volumes.subarray(0, end) };
  }

  /** One page at a time: a year adds a million rows up, and this way a row costs 5 ns and not 13. */
  #apply({ bins, volumes, buyVolumes }: ProfileRows, sign: 1 | -1): void {
    let added = 0;
    let i = 0;
    while (i < bins.length) {
      const index = Math.floor(bins[i]! / PAGE_BINS);
      const first = index * PAGE_BINS;
      const page = this.#page(index);
      const of = page.volumes;
      const bought = page.buyVolumes;
      for (; i < bins.length; i++) {
        const slot = bins[i]! - first;
        if (slot < 0 || slot >= PAGE_BINS) break;
        const volume = of[slot]! + sign * volumes[i]!;
        // The message is made only where it is needed.
        if (volume < 0) invariant(false, `bin ${bins[i]}: volume would fall below 0`);
        of[slot] = volume;
        bought[slot] = bought[slot]! + sign * buyVolumes[i]!;
        added += volumes[i]!;
      }
    }
    this.#total += sign * added;
    // Volumes are positive, so one bound on the total makes every bin exact.
    invariant(this.#total <= Number.MAX_SAFE_INTEGER, BEYOND_EXACT);
  }

  /** {@link #apply} as fast as it is: the rows are not unpacked before. */
  #applyStepped({ firstBin, steps, volumes }: SteppedRows, sign: 1 | -1): void {
    let added = 0;
    let bin = firstBin;
    let i = 0;
    while (i < steps.length) {
      const index = Math.floor((bin + steps[i]!) / PAGE_BINS);
      const page = this.#page(index);
      const of = page.volumes;
      const bought = page.buyVolumes;
      let slot = bin - index * PAGE_BINS;
      for (; i < steps.length; i++) {
        const next = slot + steps[i]!;
        if (next >= PAGE_BINS) break;
        slot = next;
        const each = volumes[2 * i]!;
        const volume = of[slot]! + sign * each;
        if (volume < 0) invariant(false, `bin ${index * PAGE_BINS + slot}: volume would fall below 0`);
        of[slot] = volume;
        bought[slot] = bought[slot]! + sign * volumes[2 * i + 1]!;
        added += each;
      }
      bin = index * PAGE_BINS + slot;
    }
    this.#total += sign * added;
    invariant(this.#total <= Number.MAX_SAFE_INTEGER, BEYOND_EXACT);
  }

  #page(index: number): Page {
    let page = this.#pages.get(index);
    if (page === undefined) {
      page = this.#freePage();
      this.#pages.set(index, page);
    }
    return page;
  }

  #reserve(pages: number): void {
    this.#free = new Float64Array(pages * 2 * PAGE_BINS);
    this.#reserved += pages;
  }

  /** Out of a slab of as many pages as there are already: a year has 700, and memory for each by itself takes twice the time. */
  #freePage(): Page {
    if (this.#free.length === 0) this.#reserve(Math.min(Math.max(1, this.#pages.size), SLAB_PAGES_MAX));
    const page = {
      volumes: this.#free.subarray(0, PAGE_BINS),
      buyVolumes: this.#free.subarray(PAGE_BINS, 2 * PAGE_BINS),
    };
    this.#free = this.#free.subarray(2 * PAGE_BINS);
    return page;
  }
}

function addAll(to: Float64Array, from: Float64Array): void {
  for (let i = 0; i < PAGE_BINS; i++) to[i] = to[i]! + from[i]!;
}

function tradedBins(volumes: Float64Array): number {
  let count = 0;
  for (let i = 0; i < PAGE_BINS; i++) if (volumes[i]! > 0) count++;
  return count;
}

/** Writes a page's rows from row `end` on; answers where the next page goes on. `first` is the page's first bin. */
function writeRows(rows: ProfileRows, end: number, page: Page, first: number): number {
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
function gatherRows(
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
function writeVolumes(
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
