import { publicationFrame, publicationJson } from "../protocol/mod.ts";
import { Pace } from "./pace.ts";
import type { PushLimits } from "./push-limits.ts";
import type { Subscriber } from "./subscriber.ts";
import type { PushTimers } from "./timers.ts";

/** One member of a lossless channel. */
export interface Member {
  /** Offset of the last event that was handed to its outbox. */
  cursor: number;
  /** The progress it saw last. */
  progress: object | undefined;
}

/**
 * Frames without offset beside the events of a lossless channel: absolute, so that only the latest matters. A member gets them when
 * it has every event (`lastOffset`) and its reader keeps up; an event that is published clears them, because it says more.
 */
export class ProgressLane {
  readonly #members: ReadonlyMap<Subscriber, Member>;
  readonly #lastOffset: () => number;
  readonly #sendsPerTurn: number;
  readonly #pace: Pace;
  #latest: { readonly publication: string } | undefined;

  constructor(
    members: ReadonlyMap<Subscriber, Member>,
    lastOffset: () => number,
    limits: PushLimits,
    timers: PushTimers,
  ) {
    this.#members = members;
    this.#lastOffset = lastOffset;
    this.#sendsPerTurn = limits.sendsPerTurn;
    this.#pace = new Pace(timers, limits.conflateMs, () => this.#deliver());
  }

  show(data: unknown): void {
    this.#latest = { publication: publicationJson(JSON.stringify(data)) };
    this.#pace.request();
  }

  clear(): void {
    this.#latest = undefined;
  }

  /** Somebody has joined or caught up. */
  touch(): void {
    if (this.#latest !== undefined) this.#pace.request();
  }

  stop(): void {
    this.clear();
    this.#pace.stop();
  }

  #deliver(): void {
    const latest = this.#latest;
    if (latest === undefined) return;
    const last = this.#lastOffset();
    const frames = new Map<string, string>();
    let sends = 0;
    for (const [subscriber, member] of this.#members) {
      if (member.progress === latest || member.cursor < last || !subscriber.outbox.ready) continue;
      if (sends++ === this.#sendsPerTurn) {
        this.#pace.request();
        return;
      }
      const frame = frames.get(subscriber.name) ?? publicationFrame(subscriber.name, latest.publication);
      frames.set(subscriber.name, frame);
      member.progress = latest;
      subscriber.outbox.offer(frame);
    }
  }
}
