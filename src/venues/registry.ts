import { invariant } from "../core/mod.ts";
import type { CandleSource } from "./candle-source.ts";
import type { Venue } from "./venue.ts";

/** The venues of this process, and who has candles, by name. */
export class VenueRegistry {
  readonly #venues: ReadonlyMap<string, Venue>;
  readonly #candleSources: ReadonlyMap<string, CandleSource>;

  /** Names are unique within each list; two of one name are a bug. A venue with candles stands in both. */
  constructor(venues: readonly Venue[], candleSources: readonly CandleSource[] = []) {
    this.#venues = new Map(venues.map((venue) => [venue.name, venue]));
    this.#candleSources = new Map(candleSources.map((source) => [source.name, source]));
    invariant(this.#venues.size === venues.length, "two venues have the same name");
    invariant(this.#candleSources.size === candleSources.length, "two candle sources have the same name");
  }

  get names(): readonly string[] {
    return [...this.#venues.keys()];
  }

  find(name: string): Venue | undefined {
    return this.#venues.get(name);
  }

  findCandles(name: string): CandleSource | undefined {
    return this.#candleSources.get(name);
  }
}
