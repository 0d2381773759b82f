import * as v from "valibot";
import { applyChangedFields, WireLevelSet } from "../protocol/mod.ts";
import type { Merge } from "./merge.ts";
import { frozen, type ReadOnly } from "./read-only.ts";

/** A level set, whole. A level that is not known is null. `bounds` has the `bounded` levels and no other. */
export type LevelSet = ReadOnly<WireLevelSet>;

const Change = v.looseObject({
  revision: v.number(),
  /** Null: the frame is a whole state. */
  previous_revision: v.nullable(v.number()),
});
const Held = v.looseObject({ revision: v.number() });

/** The rule of `levels:…` channels. */
export class LevelsMerge implements Merge<LevelSet> {
  #held: v.InferOutput<typeof Held> | undefined;

  whole(data: unknown): LevelSet {
    return this.#take(v.parse(Held, data));
  }

  changed(data: unknown): LevelSet | undefined {
    const change = v.parse(Change, data);
    if (change.previous_revision === null) return this.#take(change);
    if (this.#held?.revision !== change.previous_revision) return undefined;
    return this.#take(v.parse(Held, applyChangedFields(this.#held, change)));
  }

  #take(held: v.InferOutput<typeof Held>): LevelSet {
    this.#held = held;
    const set = v.parse(WireLevelSet, held);
    // A level that is no longer bounded stands as null in what was put together; a whole set does not have it.
    for (const [name, interval] of Object.entries(set.bounds)) if (interval === null) delete set.bounds[name];
    return frozen(set);
  }
}
