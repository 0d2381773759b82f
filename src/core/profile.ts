import { invariant } from "./invariant.ts";

/** Bins of a page. A stray print far away costs one page, not the span between. */
const PAGE_BINS = 512;

/** Rows of a profile that hold volume: bin numbers ascending, volumes beside them, size units. */
export interface ProfileRows {
  readonly bins: Float64Array;
  readonly volumes: Float64Array;
  readonly buyVolumes: Float64Array;
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
  #total = 0;

  /** Σ volume, size units. */
  get total(): number {
    return this.#total;
  }

  add(rows: ProfileRows): void {
    this.#apply(rows, 1);
  }

  /** Takes away rows that were added before. */
  subtract(rows: ProfileRows): void {
    this.#apply(rows, -1);
  }

  /** Volume of a bin, 0 when it has none. */
  volumeOf(bin: number): number {
    const index = Math.floor(bin / PAGE_BINS);
    return this.#pages.get(index)?.volumes[bin - index * PAGE_BINS] ?? 0;
  }

  /** The rows that hold volume, in bins `coarser` times as wide (default 1: as they are). */
  rows(coarser = 1): ProfileRows {
    invariant(Number.isSafeInteger(coarser) && coarser > 0, `bins grow by whole factors, got ${coarser}`);
    let count = 0;
    const pages = [...this.#pages].sort(([a], [b]) => a - b);
    for (const [, page] of pages) for (const volume of page.volumes) if (volume > 0) count++;
    const bins = new Float64Array(count);
    const volumes = new Float64Array(count);
    const buyVolumes = new Float64Array(count);
    let row = -1;
    for (const [index, page] of pages) {
      for (let i = 0; i < PAGE_BINS; i++) {
        const volume = page.volumes[i]!;
        if (volume === 0) continue;
        const bin = Math.floor((index * PAGE_BINS + i) / coarser);
        if (row < 0 || bins[row] !== bin) bins[++row] = bin;
        volumes[row] = volumes[row]! + volume;
        buyVolumes[row] = buyVolumes[row]! + page.buyVolumes[i]!;
      }
    }
    const end = row + 1;
    return {
      bins: bins.subarray(0, end),
      volumes: volumes.subarray(0, end),
      buyVolumes: buyVolumes.subarray(0, end),
    };
  }

  #apply({ bins, volumes, buyVolumes }: ProfileRows, sign: 1 | -1): void {
    let index = Number.NaN;
    let page: Page | undefined;
    for (let i = 0; i < bins.length; i++) {
      const bin = bins[i]!;
      const at = Math.floor(bin / PAGE_BINS);
      if (at !== index || page === undefined) {
        index = at;
        page = this.#page(at);
      }
      const slot = bin - at * PAGE_BINS;
      const volume = page.volumes[slot]! + sign * volumes[i]!;
      invariant(volume >= 0, `bin ${bin}: volume would fall below 0`);
      page.volumes[slot] = volume;
      page.buyVolumes[slot] = page.buyVolumes[slot]! + sign * buyVolumes[i]!;
      this.#total += sign * volumes[i]!;
    }
    // Volumes are positive, so one bound on the total makes every bin exact.
    invariant(this.#total <= Number.MAX_SAFE_INTEGER, "profile volume is beyond 2^53 − 1 size units");
  }

  #page(index: number): Page {
    let page = this.#pages.get(index);
    if (page === undefined) {
      page = { volumes: new Float64Array(PAGE_BINS), buyVolumes: new Float64Array(PAGE_BINS) };
      this.#pages.set(index, page);
    }
    return page;
  }
}
