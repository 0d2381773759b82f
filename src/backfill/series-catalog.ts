import {
  autoBinUnits,
  type BinChoice,
  binUnitsOf,
  Coverage,
  DecimalError,
  dayRange,
  finestScales,
  fractionDigits,
  type Instrument,
  OperationFailure,
  symbolName,
} from "../core/mod.ts";
import type { ProfileStore, SeriesStore } from "../store/mod.ts";
import type { Venue } from "../venues/mod.ts";
import { instrumentOf } from "./chunk-runner.ts";
import type { JobStore } from "./job-store.ts";
import type { SymbolRef } from "./request.ts";
import type { SeriesRow, SeriesSpec } from "./store/types.ts";

/** Coverage is taken over for all time; days are UTC days since the epoch. */
const ALL_TIME = { lo: 0, hi: dayRange(3_000_000).hi };

export interface SeriesCatalogDeps {
  readonly jobs: JobStore;
  readonly store: ProfileStore;
  readonly venueNamed: (name: string) => Venue | undefined;
  readonly binChoice: (symbol: string) => BinChoice;
}

/** A series that is open: its row in the database and its place in memory. */
export interface OpenSeries {
  readonly row: SeriesRow;
  readonly store: SeriesStore;
}

/** Finds or makes the series of a symbol. The first mention asks the venue what it trades in and fixes its bin. */
export class SeriesCatalog {
  readonly #deps: SeriesCatalogDeps;
  readonly #opening = new Map<string, Promise<OpenSeries>>();

  constructor(deps: SeriesCatalogDeps) {
    this.#deps = deps;
  }

  /** Opens every series that the database knows of a configured venue. */
  async openKnown(): Promise<void> {
    for (const row of await this.#deps.jobs.listSeries())
      if (this.#deps.venueNamed(row.venue)?.market === row.market) await this.#open(row);
  }

  /** The series of a symbol that is open here already. */
  known(ref: SymbolRef): OpenSeries | undefined {
    const store = this.#deps.store.bySymbol(symbolName(ref));
    if (store === undefined) return undefined;
    const { seriesId, instrument, grid } = store;
    return { row: { ...instrument, id: seriesId, binUnits: grid.binUnits }, store };
  }

  /** The series of a symbol. Fails `permanent` when the venue or the symbol does not exist. */
  async series(ref: SymbolRef, signal: AbortSignal): Promise<OpenSeries> {
    const name = symbolName(ref);
    const running = this.#opening.get(name);
    if (running !== undefined) return running;
    const opening = this.#find(ref, signal);
    this.#opening.set(name, opening);
    opening.catch(() => this.#opening.delete(name));
    return opening;
  }

  async #find(ref: SymbolRef, signal: AbortSignal): Promise<OpenSeries> {
    const { jobs, venueNamed } = this.#deps;
    const venue = venueNamed(ref.venue);
    if (venue === undefined)
      throw new OperationFailure("permanent", `${symbolName(ref)}: there is no venue "${ref.venue}" here`);
    const known = await jobs.findSeries({ venue: venue.name, market: venue.market, symbol: ref.symbol });
    if (known !== undefined) return this.#open(known);
    const instrument = await venue.instrument(ref.symbol, { signal });
    return this.#open(await jobs.ensureSeries(await this.#specOf(venue, instrument, signal)));
  }

  async #specOf(venue: Venue, instrument: Instrument, signal: AbortSignal): Promise<SeriesSpec> {
    const choice = this.#deps.binChoice(instrument.symbol);
    const { venue: name, market, symbol, sizeScale, lotUnits } = instrument;
    if (choice.kind === "auto") {
      const price = await venue.newestPrice(instrument, { signal });
      return { ...instrument, binUnits: autoBinUnits(price ?? instrument.tickUnits, instrument.tickUnits) };
    }
    try {
      // A bin finer than the venue's tick grows the scale rather than losing digits.
      const { priceScale } = finestScales(instrument, { priceScale: fractionDigits(choice.text), sizeScale });
      const tickUnits = instrument.tickUnits * 10 ** (priceScale - instrument.priceScale);
      const binUnits = binUnitsOf(choice.text, priceScale);
      return { venue: name, market, symbol, priceScale, sizeScale, tickUnits, lotUnits, binUnits };
    } catch (thrown) {
      if (!(thrown instanceof DecimalError)) throw thrown;
      throw new OperationFailure(
        "permanent",
        `${symbolName(instrument)}: bin size ${choice.text}: ${thrown.message}`,
        {
          cause: thrown,
        },
      );
    }
  }

  async #open(row: SeriesRow): Promise<OpenSeries> {
    const former = this.#deps.store.byId(row.id);
    if (former !== undefined) return { row, store: former };
    const covered = Coverage.of(await this.#deps.jobs.coverage(row.id, ALL_TIME));
    const meanwhile = this.#deps.store.byId(row.id);
    if (meanwhile !== undefined) return { row, store: meanwhile };
    const store = this.#deps.store.open({
      seriesId: row.id,
      instrument: instrumentOf(row),
      binUnits: row.binUnits,
    });
    store.resetCommitted(covered.ranges);
    return { row, store };
  }
}
