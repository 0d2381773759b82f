import { invariant, symbolName } from "../core/mod.ts";
import type { SeriesIdentity } from "./series-grid.ts";
import { SeriesStore } from "./series-store.ts";

/** What changed: the series and the revision it has now. */
export interface StoreChange {
  readonly series: SeriesStore;
}

export type ChangeListener = (change: StoreChange) => void;

/** Every series in memory, and the stream of their changes. */
export class ProfileStore {
  readonly #byId = new Map<number, SeriesStore>();
  readonly #bySymbol = new Map<string, SeriesStore>();
  readonly #listeners = new Set<ChangeListener>();

  /** The store of a series; the first call makes it. */
  open(identity: SeriesIdentity): SeriesStore {
    const found = this.#byId.get(identity.seriesId);
    if (found !== undefined) return found;
    const created = new SeriesStore(identity);
    invariant(!this.#bySymbol.has(created.symbol), `${symbolName(identity.instrument)} is open already`);
    this.#byId.set(created.seriesId, created);
    this.#bySymbol.set(created.symbol, created);
    return created;
  }

  byId(seriesId: number): SeriesStore | undefined {
    return this.#byId.get(seriesId);
  }

  bySymbol(symbol: string): SeriesStore | undefined {
    return this.#bySymbol.get(symbol);
  }

  list(): SeriesStore[] {
    return [...this.#byId.values()];
  }

  /** Calls `listener` after every announced change. Answers the function that ends it. */
  subscribe(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells everyone that a series changed; whoever changes a series announces it, once per change. */
  announce(series: SeriesStore): void {
    for (const listener of this.#listeners) listener({ series });
  }
}
