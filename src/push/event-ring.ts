import { invariant } from "../core/mod.ts";

/** An event as it goes to every subscriber: encoded once. */
export interface EncodedEvent {
  readonly offset: number;
  /** JSON text of the publication, offset included. */
  readonly publication: string;
}

/** The most recent events of a channel, contiguous, at most `capacity` of them. */
export class EventRing {
  readonly #slots: (EncodedEvent | undefined)[];
  readonly #capacity: number;
  #last: number;
  #size = 0;

  /** `last` is the offset of the event before the first that will be appended. */
  constructor(capacity: number, last: number) {
    invariant(capacity > 0, "EventRing: capacity must be positive");
    this.#slots = [];
    this.#capacity = capacity;
    this.#last = last;
  }

  /** Offset of the newest event. */
  get last(): number {
    return this.#last;
  }

  /** The lowest offset after which the ring can tell everything. */
  get floor(): number {
    return this.#last - this.#size;
  }

  append(event: EncodedEvent): void {
    invariant(
      event.offset === this.#last + 1,
      `EventRing: offset ${event.offset} appended after ${this.#last}`,
    );
    this.#slots[event.offset % this.#capacity] = event;
    this.#last = event.offset;
    this.#size = Math.min(this.#capacity, this.#size + 1);
  }

  /** The event at an offset in (floor, last]. */
  at(offset: number): EncodedEvent {
    const event =
      offset > this.floor && offset <= this.#last ? this.#slots[offset % this.#capacity] : undefined;
    invariant(
      event !== undefined && event.offset === offset,
      `EventRing: offset ${offset} is not in (${this.floor}, ${this.#last}]`,
    );
    return event;
  }

  /** Events with offset > `since`, ascending; `since` must not lie below the floor. */
  after(since: number): EncodedEvent[] {
    const events: EncodedEvent[] = [];
    for (let offset = since + 1; offset <= this.#last; offset++) events.push(this.at(offset));
    return events;
  }
}
