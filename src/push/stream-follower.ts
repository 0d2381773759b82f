import { invariant } from "../core/mod.ts";
import { publicationJson } from "../protocol/mod.ts";
import { EventRing } from "./event-ring.ts";
import type { PushLimits } from "./push-limits.ts";
import type { LosslessSource, StreamEvent } from "./sources.ts";
import { type PushTimers, withinTime } from "./timers.ts";

/** Pauses before history is asked again for an event that was published but cannot be read yet, ms. */
const CATCH_UP_PAUSES_MS = [50, 250, 1_000] as const;

export interface StreamFollowerOptions {
  readonly source: LosslessSource;
  readonly limits: PushLimits;
  readonly timers: PushTimers;
  /** The ring has moved. */
  readonly onAdvance: () => void;
  /** The thread is lost for good. */
  readonly onBroken: (error: unknown) => void;
}

/**
 * Keeps the recent events of a stream in order, whatever order they are published in: repeated ones are ignored, and a hole is filled
 * from the source's history before anything later moves on.
 */
export class StreamFollower {
  readonly #options: StreamFollowerOptions;
  /** Published, but not next in turn: the stream is still opening, or an event between is missing. */
  readonly #early = new Map<number, StreamEvent>();
  #ring: EventRing | undefined;
  #epoch = "";
  #opening: Promise<void> | undefined;
  #catchingUp = false;
  #stopped = false;

  constructor(options: StreamFollowerOptions) {
    this.#options = options;
  }

  /** Whether the position has been read, so that the ring follows what is published. */
  get opened(): boolean {
    return this.#ring !== undefined;
  }

  get epoch(): string {
    return this.#epoch;
  }

  get ring(): EventRing {
    invariant(this.#ring !== undefined, "StreamFollower: used before it was opened");
    return this.#ring;
  }

  /** Reads the position, once. What is published meanwhile is kept. */
  open(): Promise<void> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  publish(event: StreamEvent): void {
    const ring = this.#ring;
    if (this.#stopped || (ring !== undefined && event.offset <= ring.last)) return;
    this.#early.set(event.offset, event);
    // Bounded: what is dropped here stands in history, and is fetched from there.
    if (this.#early.size > this.#options.limits.ringEvents)
      this.#early.delete(Math.min(...this.#early.keys()));
    if (ring !== undefined) this.#advance(ring);
  }

  /** Reads what the source has beyond the ring: events that another process committed, and that were not published here yet. */
  async refresh(): Promise<void> {
    const { source, limits, timers } = this.#options;
    const { ring } = this;
    const events = await withinTime(timers, limits.sourceMs, "reading a channel's newest events", () =>
      source.history(ring.last, limits.ringEvents),
    );
    for (const event of events) this.publish(event);
  }

  stop(): void {
    this.#stopped = true;
    this.#early.clear();
  }

  async #open(): Promise<void> {
    const { source, limits, timers } = this.#options;
    const position = await withinTime(timers, limits.sourceMs, "reading a channel's position", () =>
      source.position(),
    );
    this.#epoch = position.epoch;
    this.#ring = new EventRing(limits.ringEvents, position.offset);
    this.#advance(this.#ring);
  }

  /** Moves what is next in turn into the ring; starts to fill a hole if there is one. */
  #advance(ring: EventRing): void {
    const before = ring.last;
    for (let next = this.#early.get(before + 1); next !== undefined; next = this.#early.get(ring.last + 1)) {
      this.#early.delete(next.offset);
      ring.append({
        offset: next.offset,
        publication: publicationJson(JSON.stringify(next.data), next.offset),
      });
    }
    for (const offset of this.#early.keys()) if (offset <= ring.last) this.#early.delete(offset);
    if (ring.last > before) this.#options.onAdvance();
    if (this.#early.size === 0 || this.#catchingUp) return;
    this.#catchingUp = true;
    void this.#catchUp(ring);
  }

  async #catchUp(ring: EventRing): Promise<void> {
    const { source, limits, timers, onBroken } = this.#options;
    let pauses = 0;
    try {
      while (this.#early.size > 0 && !this.#stopped) {
        const before = ring.last;
        const events = await withinTime(timers, limits.sourceMs, "filling a hole from history", () =>
          source.history(before, limits.ringEvents),
        );
        for (const event of events) if (event.offset > ring.last) this.#early.set(event.offset, event);
        this.#advance(ring);
        if (ring.last > before) continue;
        const pauseMs = CATCH_UP_PAUSES_MS[pauses++];
        if (pauseMs === undefined) throw new Error(`event ${before + 1} was skipped and is not in history`);
        const pause = Promise.withResolvers<void>();
        timers.after(pauseMs, pause.resolve);
        await pause.promise;
      }
    } catch (error) {
      if (!this.#stopped) onBroken(error);
    } finally {
      this.#catchingUp = false;
    }
  }
}
