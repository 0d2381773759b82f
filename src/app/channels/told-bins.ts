import type { Profile, Scales } from "../../core/mod.ts";
import { binMemberText } from "../../protocol/mod.ts";

/** Bins that are written together: 0.2 ms. */
const PAGE_BINS = 512;

interface Page {
  readonly volumes: Float64Array;
  readonly buyVolumes: Float64Array;
  /** Its members as JSON, with commas between; undefined after a change. */
  text: string | undefined;
}

export interface BinGrid {
  /** Width of a bin, price units. */
  readonly binUnits: number;
  readonly scales: Scales;
}

/** The bins of a profile as its listeners were told them, and their JSON, of which only pages with a change are written anew. */
export class ToldBins {
  readonly #grid: BinGrid;
  readonly #pages = new Map<number, Page>();
  /** Pages to write anew. */
  readonly #stale = new Set<Page>();
  #count = 0;

  constructor(grid: BinGrid) {
    this.#grid = grid;
  }

  /** Bins with volume. */
  get count(): number {
    return this.#count;
  }

  /** Pages that {@link whole} would have to write. */
  get stale(): number {
    return this.#stale.size;
  }

  /** Takes bins over from a profile, those from one place in the list to another; answers which differ from before. */
  take(profile: Profile, bins: ArrayLike<number>, from = 0, to = bins.length): number[] {
    const changed: number[] = [];
    for (let at = from; at < Math.min(to, bins.length); at++) {
      const bin = bins[at]!;
      if (this.#put(bin, profile.volumeOf(bin), profile.buyVolumeOf(bin))) changed.push(bin);
    }
    return changed;
  }

  /** Writes some stale pages. */
  write(pagesMax: number): void {
    let left = pagesMax;
    for (const [index, page] of this.#pages) {
      if (left <= 0) return;
      if (!this.#stale.has(page)) continue;
      this.#textOf(index, page);
      left--;
    }
  }

  /** JSON of all bins with volume. */
  whole(): string {
    const pages = [...this.#pages].map(([index, page]) => this.#textOf(index, page));
    return `{${pages.filter((text) => text !== "").join(",")}}`;
  }

  /** JSON of some bins; those without volume are null. */
  some(bins: Iterable<number>): string {
    const { binUnits, scales } = this.#grid;
    const members: string[] = [];
    for (const bin of bins) members.push(binMemberText(bin * binUnits, this.#at(bin), scales));
    return `{${members.join(",")}}`;
  }

  #put(bin: number, volume: number, buyVolume: number): boolean {
    const index = Math.floor(bin / PAGE_BINS);
    const page = this.#pages.get(index) ?? this.#open(index);
    const slot = bin - index * PAGE_BINS;
    const former = page.volumes[slot]!;
    if (former === volume && page.buyVolumes[slot] === buyVolume) return false;
    this.#count += Number(volume > 0) - Number(former > 0);
    page.volumes[slot] = volume;
    page.buyVolumes[slot] = buyVolume;
    page.text = undefined;
    this.#stale.add(page);
    return true;
  }

  #open(index: number): Page {
    const page = {
      ...{ volumes: new Float64Array(PAGE_BINS), buyVolumes: new Float64Array(PAGE_BINS) },
      text: "",
    };
    this.#pages.set(index, page);
    return page;
  }

  #at(bin: number): readonly [number, number] {
    const index = Math.floor(bin / PAGE_BINS);
    const page = this.#pages.get(index);
    const slot = bin - index * PAGE_BINS;
    return [page?.volumes[slot] ?? 0, page?.buyVolumes[slot] ?? 0];
  }

  #textOf(index: number, page: Page): string {
    if (page.text !== undefined) return page.text;
    const { binUnits, scales } = this.#grid;
    const members: string[] = [];
    for (let slot = 0; slot < PAGE_BINS; slot++) {
      const volume = page.volumes[slot]!;
      if (volume === 0) continue;
      const edge = (index * PAGE_BINS + slot) * binUnits;
      members.push(binMemberText(edge, [volume, page.buyVolumes[slot]!], scales));
    }
    page.text = members.join(",");
    this.#stale.delete(page);
    return page.text;
  }
}
