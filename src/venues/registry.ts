import { invariant } from "../core/mod.ts";
import type { Venue } from "./venue.ts";

/** The venues of this process, by name. */
export class VenueRegistry {
  readonly #venues: ReadonlyMap<string, Venue>;

  /** Names are unique; two venues of one name are a bug. */
  constructor(venues: readonly Venue[]) {
    this.#venues = new Map(venues.map((venue) => [venue.name, venue]));
    invariant(this.#venues.size === venues.length, "two venues have the same name");
  }

  get names(): readonly string[] {
    return [...this.#venues.keys()];
  }

  find(name: string): Venue | undefined {
    return this.#venues.get(name);
  }
}
