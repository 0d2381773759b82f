import { changedFields, publicationFrame, publicationJson, UNSUBSCRIBE_CODES } from "../protocol/mod.ts";
import { Pace } from "./pace.ts";
import type { PushLimits } from "./push-limits.ts";
import type { ConflatedSource, ConflatedState } from "./sources.ts";
import type { ChannelHost, Subscriber } from "./subscriber.ts";
import { type PushTimers, withinTime } from "./timers.ts";

/**
 * Latest state wins. Each member remembers the state it last received, so a frame is the difference from exactly that, however
 * many changes it missed; members who share a state share the encoded text.
 */
export class ConflatedChannel {
  readonly kind = "conflated";
  readonly #source: ConflatedSource;
  readonly #limits: PushLimits;
  readonly #timers: PushTimers;
  readonly #host: ChannelHost;
  readonly #members = new Map<Subscriber, ConflatedState>();
  readonly #pace: Pace;
  #opened: Promise<void> | undefined;
  #cancelRest: (() => void) | undefined;
  #closed = false;

  constructor(source: ConflatedSource, limits: PushLimits, timers: PushTimers, host: ChannelHost) {
    this.#source = source;
    this.#limits = limits;
    this.#timers = timers;
    this.#host = host;
    this.#pace = new Pace(timers, limits.conflateMs, () => this.#deliver());
  }

  get size(): number {
    return this.#members.size;
  }

  /**
   * Takes a subscriber in and, in the same step, gives `reply` the full set as JSON: nothing can come between the set and the
   * first frame. Does nothing when the subscriber was cancelled meanwhile.
   */
  async attach(subscriber: Subscriber, reply: (dataJson: string) => void): Promise<void> {
    this.#opened ??= withinTime(this.#timers, this.#limits.sourceMs, "opening a channel", () =>
      this.#source.open?.(),
    );
    await this.#opened;
    if (subscriber.cancelled) return;
    const state = this.#source.current();
    reply(JSON.stringify({ ...state.fields, revision: state.revision }));
    if (!subscriber.cancelled) this.#members.set(subscriber, state);
  }

  detach(subscriber: Subscriber): void {
    this.#members.delete(subscriber);
  }

  /** The state has changed, or a member that was behind has caught up. */
  touch(): void {
    if (this.#members.size > 0 && !this.#closed) this.#pace.request();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#pace.stop();
    this.#cancelRest?.();
    this.#members.clear();
    this.#source.close?.();
  }

  #deliver(): void {
    let state: ConflatedState;
    try {
      state = this.#source.current();
    } catch (error) {
      this.#host.onError(error, "reading the state of a conflated channel");
      this.#breakOff();
      return;
    }
    this.#cancelRest?.();
    this.#deliverSlice(state, new Map(), this.#members.entries());
  }

  /** `rest` goes on where the last slice ended; a live iterator, so members may come and go meanwhile. */
  #deliverSlice(
    state: ConflatedState,
    encoded: Map<ConflatedState, FramesFrom>,
    rest: MapIterator<[Subscriber, ConflatedState]>,
  ): void {
    this.#cancelRest = undefined;
    let sends = 0;
    for (let at = rest.next(); at.done !== true; at = rest.next()) {
      const [subscriber, held] = at.value;
      if (held.revision === state.revision || !subscriber.outbox.ready) continue;
      const frames = encoded.get(held) ?? new FramesFrom(held, state);
      encoded.set(held, frames);
      this.#members.set(subscriber, state);
      subscriber.outbox.offer(frames.named(subscriber.name));
      if (++sends < this.#limits.sendsPerTurn) continue;
      this.#cancelRest = this.#timers.after(0, () => this.#deliverSlice(state, encoded, rest));
      return;
    }
  }

  #breakOff(): void {
    const members = [...this.#members.keys()];
    this.close();
    this.#host.onBroken();
    for (const subscriber of members) subscriber.dropped(UNSUBSCRIBE_CODES.insufficient_state);
  }
}

/** The frame from one state to another, encoded once; and once more for each other name that the channel goes by. */
class FramesFrom {
  readonly #publication: string;
  readonly #byName = new Map<string, string>();

  constructor(held: ConflatedState, state: ConflatedState) {
    // A revision that fell means that the store began anew: the set goes out whole, and replaces what is held.
    const whole = state.revision < held.revision;
    const fields = whole ? state.fields : changedFields(held.fields, state.fields);
    const marks = { revision: state.revision, previous_revision: whole ? null : held.revision };
    this.#publication = publicationJson(JSON.stringify({ ...fields, ...marks }));
  }

  named(name: string): string {
    const frame = this.#byName.get(name) ?? publicationFrame(name, this.#publication);
    this.#byName.set(name, frame);
    return frame;
  }
}
