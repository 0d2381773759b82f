import { publicationJson } from "../protocol/mod.ts";
import type { EncodedEvent, EventRing } from "./event-ring.ts";
import type { PushLimits } from "./push-limits.ts";
import type { LosslessSource } from "./sources.ts";
import { type PushTimers, withinTime } from "./timers.ts";

export type HistoryPage =
  | { readonly kind: "page"; readonly events: readonly EncodedEvent[] }
  | { readonly kind: "unrecoverable"; readonly message: string };

/** Reads events from memory where the ring still has them, else from the source; never answers with a hole. */
export class HistoryReader {
  readonly #source: LosslessSource;
  readonly #limits: PushLimits;
  readonly #timers: PushTimers;

  constructor(source: LosslessSource, limits: PushLimits, timers: PushTimers) {
    this.#source = source;
    this.#limits = limits;
    this.#timers = timers;
  }

  /**
   * The first `count` events after `since`, at most `recoverEventsMax` of them. The caller knows that they exist, so none, or
   * others, mean that the history has been cut: unrecoverable. Without `since` it begins with the oldest event that is kept.
   */
  async read(since: number | undefined, count: number, ring: EventRing): Promise<HistoryPage> {
    const wanted = Math.min(count, this.#limits.recoverEventsMax);
    if (wanted <= 0) return { kind: "page", events: [] };
    if (since !== undefined && since >= ring.floor)
      return { kind: "page", events: ring.after(since).slice(0, wanted) };
    const events = await withinTime(this.#timers, this.#limits.sourceMs, "reading a channel's history", () =>
      this.#source.history(since ?? 0, wanted),
    );
    const first = since === undefined ? (events[0]?.offset ?? 1) : since + 1;
    if (events.length === 0) return { kind: "unrecoverable", message: `event ${first} is gone from history` };
    const encoded: EncodedEvent[] = [];
    for (const { offset, data } of events.slice(0, wanted)) {
      const expected = first + encoded.length;
      if (offset !== expected)
        return { kind: "unrecoverable", message: `event ${expected} is gone, history goes on at ${offset}` };
      encoded.push({ offset, publication: publicationJson(JSON.stringify(data), offset) });
    }
    return { kind: "page", events: encoded };
  }
}
