import { UNSUBSCRIBE_CODES } from "../protocol/mod.ts";
import { type HeldState, HeldStates } from "./held-states.ts";
import { Pace, Spread } from "./pace.ts";
import type { PushLimits } from "./push-limits.ts";
import type { ConflatedSource } from "./sources.ts";
import type { ChannelHost, Subscriber } from "./subscriber.ts";
import { type PushTimers, withinTime } from "./timers.ts";

/** Readings for all lanes may take this share of the interval; where they would take more, lanes share them. */
const READING_SHARE = 0.2;
/**
 * What a reading is taken to cost grows by so much at most from one to the next, and falls at once: one that a garbage collection
 * made long would make the lanes after it send what is old.
 */
const READ_GROWTH = 1.5;
const READ_GROWTH_LEAST_MS = 0.1;
/** A reading is shared for so many times as long as it took. */
const READ_REST = 4;

/**
 * Latest state wins. Each member remembers the state it last received, so a frame is the difference from exactly that, however
 * many changes it missed; members who share a state share the encoded text.
 *
 * Members stand in lanes, and each lane has its own interval: a thousand sends take some 10 ms, and were they one burst, the last of
 * them would be that much older than the first. A lane reads the state when its own turn comes.
 */
export class ConflatedChannel {
  readonly kind = "conflated";
  readonly #source: ConflatedSource;
  readonly #limits: PushLimits;
  readonly #timers: PushTimers;
  readonly #host: ChannelHost;
  readonly #members = new Map<Subscriber, Member>();
  readonly #lanes: Lane[] = [];
  readonly #spread: Spread;
  readonly #states: HeldStates;
  /** When the newest state was read. */
  #readAtMs = Number.NEGATIVE_INFINITY;
  /** What a reading is taken to cost. */
  #readTookMs = Number.POSITIVE_INFINITY;
  /** How often the state was said to have changed, in all and until it was read. */
  #touches = 0;
  #readTouches = 0;
  #opened: Promise<void> | undefined;
  #closed = false;

  constructor(source: ConflatedSource, limits: PushLimits, timers: PushTimers, host: ChannelHost) {
    this.#source = source;
    this.#limits = limits;
    this.#timers = timers;
    this.#host = host;
    this.#states = new HeldStates(limits.heldStatesMax);
    this.#spread = new Spread(limits.conflateMs, limits.laneDistanceMs);
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
    // A crowd that comes within one interval shares one state.
    const { newest, fresh } = this.#read(this.#limits.conflateMs, true);
    reply(this.#states.newestJson);
    if (subscriber.cancelled) return;
    const lane = this.#roomyLane();
    const member: Member = { subscriber, lane, held: newest };
    this.#members.set(subscriber, member);
    lane.members.add(member);
    if (!fresh) lane.pace.request();
  }

  detach(subscriber: Subscriber): void {
    const member = this.#members.get(subscriber);
    if (member === undefined) return;
    this.#members.delete(subscriber);
    const { lane } = member;
    lane.members.delete(member);
    if (lane.members.size > 0) return;
    lane.pace.stop();
    this.#lanes.splice(this.#lanes.indexOf(lane), 1);
    this.#spread.delete(lane.pace);
  }

  /** The state has changed, or a member that was behind has caught up. */
  touch(): void {
    this.#touches += 1;
    for (const { pace } of this.#lanes) pace.request();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { pace } of this.#lanes) pace.stop();
    this.#lanes.length = 0;
    this.#members.clear();
    this.#source.close?.();
  }

  /** The state, not read anew when it was read less than `maxAgeMs` ago: who gets it then is to be brought on from it. */
  #read(maxAgeMs: number, joining: boolean): { readonly newest: HeldState; readonly fresh: boolean } {
    const startedAtMs = this.#timers.now();
    const { newest } = this.#states;
    if (newest !== undefined && startedAtMs - this.#readAtMs < maxAgeMs) return { newest, fresh: false };
    const state = this.#source.current();
    this.#readAtMs = this.#timers.now();
    this.#readTookMs = Math.min(
      this.#readAtMs - startedAtMs,
      READ_GROWTH * this.#readTookMs + READ_GROWTH_LEAST_MS,
    );
    this.#readTouches = this.#touches;
    // Time alone changes a state too, but only who joins is told of that.
    const same = !joining && newest?.revision === state.revision;
    return { newest: same ? newest : this.#states.renew(state), fresh: true };
  }

  #roomyLane(): Lane {
    const roomy = this.#lanes.find(({ members }) => members.size < this.#limits.laneMembersMax);
    if (roomy !== undefined) return roomy;
    const deliver = () => this.#deliver(lane);
    const lane: Lane = {
      members: new Set<Member>(),
      pace: new Pace(this.#timers, this.#limits.conflateMs, deliver, this.#spread),
    };
    this.#lanes.push(lane);
    this.#spread.add(lane.pace);
    return lane;
  }

  #deliver(lane: Lane): void {
    const read = this.#tryRead();
    if (read === undefined) return;
    const { newest, fresh } = read;
    for (const member of lane.members) {
      const { subscriber, held } = member;
      if (this.#states.isNewest(held) || !subscriber.outbox.ready) continue;
      member.held = newest;
      subscriber.outbox.offer(this.#states.frameFrom(held, subscriber.name));
    }
    const changedSince = !fresh && this.#touches !== this.#readTouches;
    if (changedSince && lane.members.size > 0) lane.pace.request();
  }

  get #sharedMs(): number {
    const all = this.#lanes.length * this.#readTookMs;
    return all > READING_SHARE * this.#limits.conflateMs ? READ_REST * this.#readTookMs : 0;
  }

  #tryRead(): { readonly newest: HeldState; readonly fresh: boolean } | undefined {
    try {
      return this.#read(this.#sharedMs, false);
    } catch (error) {
      this.#host.onError(error, "reading the state of a conflated channel");
      this.#breakOff();
      return undefined;
    }
  }

  #breakOff(): void {
    const members = [...this.#members.keys()];
    this.close();
    this.#host.onBroken();
    for (const subscriber of members) subscriber.dropped(UNSUBSCRIBE_CODES.insufficient_state);
  }
}

interface Member {
  readonly subscriber: Subscriber;
  readonly lane: Lane;
  held: HeldState;
}

interface Lane {
  readonly members: Set<Member>;
  readonly pace: Pace;
}
