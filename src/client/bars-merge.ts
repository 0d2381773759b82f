import * as v from "valibot";
import { WireBar, WireBarsState } from "../protocol/mod.ts";
import type { Merge } from "./merge.ts";
import { frozen, type ReadOnly } from "./read-only.ts";

/** One bar. What is not known is null. */
export type Bar = ReadOnly<WireBar>;

/** The newest bars of a symbol. */
export interface Bars {
  readonly symbol: string;
  readonly interval: WireBarsState["interval"];
  /** Ascending by `time`; a bar that has not changed is the same object as before. */
  readonly bars: readonly Bar[];
  /** Older bars are still being read; they come as they are there. */
  readonly loading: boolean;
  readonly revision: number;
}

/** A frame: what has changed, with null for a bar that has left. */
const BarsChange = v.object({
  ...v.partial(v.omit(WireBarsState, ["bars", "revision"])).entries,
  bars: v.optional(v.record(v.string(), v.nullable(v.unknown()))),
  revision: v.number(),
  previous_revision: v.nullable(v.number()),
});

/** The rule of `bars:…` channels. */
export class BarsMerge implements Merge<Bars> {
  readonly #bars = new Map<string, Bar>();
  #held: Bars | undefined;

  whole(data: unknown): Bars {
    const { bars, ...rest } = v.parse(WireBarsState, data);
    this.#bars.clear();
    for (const [time, bar] of Object.entries(bars)) this.#bars.set(time, frozen(bar));
    return this.#take(rest);
  }

  changed(data: unknown): Bars | undefined {
    const { bars = {}, revision, previous_revision, ...rest } = v.parse(BarsChange, data);
    if (previous_revision === null) return this.whole(data);
    if (this.#held?.revision !== previous_revision) return undefined;
    for (const [time, change] of Object.entries(bars)) {
      if (change === null) this.#bars.delete(time);
      // A bar is sent whole, because a change goes one level deep.
      else this.#bars.set(time, frozen(v.parse(WireBar, change)));
    }
    const { symbol = this.#held.symbol, interval = this.#held.interval, loading = this.#held.loading } = rest;
    return this.#take({ symbol, interval, loading, revision });
  }

  #take(about: Omit<Bars, "bars">): Bars {
    const bars = [...this.#bars.values()].sort((a, b) => (a.time < b.time ? -1 : 1));
    this.#held = Object.freeze({ ...about, bars: Object.freeze(bars) });
    return this.#held;
  }
}
