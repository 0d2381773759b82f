import {
  finestScales,
  type GridOf,
  type Instrument,
  invariant,
  type MinuteContributions,
  rescaleContributions,
  type Scales,
  sameScales,
  symbolName,
} from "../core/mod.ts";

export interface SeriesIdentity {
  readonly seriesId: number;
  readonly instrument: Instrument;
  /** Bin size in price units of the instrument's scale. */
  readonly binUnits: number;
}

/** The scales and bin size that everything in memory of a series is in. The scales only grow, and the bins with them. */
export class SeriesGrid {
  readonly #symbol: string;
  readonly #onGrown: (former: GridOf) => void;
  #grid: GridOf;

  /** `onGrown` brings what is in memory from the former grid to the new one. */
  constructor({ instrument, binUnits }: SeriesIdentity, onGrown: (former: GridOf) => void) {
    const { priceScale, sizeScale } = instrument;
    this.#symbol = symbolName(instrument);
    this.#grid = { scales: { priceScale, sizeScale }, binUnits };
    this.#onGrown = onGrown;
  }

  get current(): GridOf {
    return this.#grid;
  }

  grow(atLeast: Scales): void {
    const former = this.#grid;
    const scales = finestScales(former.scales, atLeast);
    if (sameScales(former.scales, scales)) return;
    this.#grid = {
      scales,
      binUnits: former.binUnits * 10 ** (scales.priceScale - former.scales.priceScale),
    };
    this.#onGrown(former);
  }

  /** Contributions on this grid, which grows when theirs is finer. */
  align(contributions: MinuteContributions): MinuteContributions {
    this.grow(contributions.scales);
    const aligned = rescaleContributions(contributions, this.#grid.scales);
    invariant(
      aligned.minutes.length === 0 || aligned.binUnits === this.#grid.binUnits,
      `${this.#symbol}: contributions in bins of ${aligned.binUnits} units, the store has ${this.#grid.binUnits}`,
    );
    return aligned;
  }
}
