import { publicationJson } from "../protocol/mod.ts";
import type { EncodedEvent, EventRing } from "./event-ring.ts";
import type { PushLimits } from "./push-limits.ts";
import type { LosslessSource, StreamEvent } from "./sources.ts";
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
   * The last `count` events up to `last`, at most `recoverEventsMax` of them, newest first. Fewer where the history does not reach
   * back so far; never with a hole.
   */
  async readBack(last: number, count: number, ring: EventRing): Promise<HistoryPage> {
    const wanted = Math.min(count, this.#limits.recoverEventsMax, last);
    if (wanted <= 0) return { kind: "page", events: [] };
    const since = last - wanted;
    if (since >= ring.floor) return { kind: "page", events: ring.after(since).slice(0, wanted).reverse() };
    const events = await withinTime(this.#timers, this.#limits.sourceMs, "reading a channel's history", () =>
      this.#source.history(since, wanted),
    );
    // What is kept begins somewhere after `since`, so reading from there may go on past `last`.
    const encoded = events.filter(({ offset }) => offset <= last).map(encode);
    const hole = encoded.findIndex(({ offset }, at) => offset !== last - encoded.length + 1 + at);
    return hole < 0
      ? { kind: "page", events: encoded.reverse() }
      : { kind: "unrecoverable", message: `events between ${since} and ${last} are gone from history` };
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
    for (const event of events.slice(0, wanted)) {
      const expected = first + encoded.length;
      if (event.offset !== expected)
        return {
          kind: "unrecoverable",
          message: `event ${expected} is gone, history goes on at ${event.offset}`,
        };
      encoded.push(encode(event));
    }
    return { kind: "page", events: encoded };
  }
}

function encode({ offset, data }: StreamEvent): EncodedEvent {
  return { offset, publication: publicationJson(JSON.stringify(data), offset) };
}
