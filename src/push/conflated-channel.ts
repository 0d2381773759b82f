import { UNSUBSCRIBE_CODES } from "../protocol/mod.ts";
import { type HeldState, HeldStates } from "./held-states.ts";
import { Pace, Stagger } from "./pace.ts";
import type { PushLimits } from "./push-limits.ts";
import type { ConflatedSource } from "./sources.ts";
import type { ChannelHost, Subscriber } from "./subscriber.ts";
import { type PushTimers, withinTime } from "./timers.ts";

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
  readonly #stagger: Stagger;
  readonly #states: HeldStates;
  /** When the newest state was read. */
  #readAtMs = Number.NEGATIVE_INFINITY;
  #opened: Promise<void> | undefined;
  #closed = false;

  constructor(source: ConflatedSource, limits: PushLimits, timers: PushTimers, host: ChannelHost) {
    this.#source = source;
    this.#limits = limits;
    this.#timers = timers;
    this.#host = host;
    this.#states = new HeldStates(limits.heldStatesMax);
    // So many lanes that they do not fit into the interval stand closer.
    this.#stagger = new Stagger(() =>
      Math.min(limits.laneDistanceMs, limits.conflateMs / this.#lanes.length),
    );
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
    const { newest, fresh } = this.#recent();
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
  }

  /** The state has changed, or a member that was behind has caught up. */
  touch(): void {
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

  /** For those who join: a crowd that comes within one interval shares one state, and is brought on from it afterwards. */
  #recent(): { readonly newest: HeldState; readonly fresh: boolean } {
    const nowMs = this.#timers.now();
    const { newest } = this.#states;
    if (newest !== undefined && nowMs - this.#readAtMs < this.#limits.conflateMs)
      return { newest, fresh: false };
    const renewed = this.#states.renew(this.#source.current());
    this.#readAtMs = nowMs;
    return { newest: renewed, fresh: true };
  }

  #roomyLane(): Lane {
    const roomy = this.#lanes.find(({ members }) => members.size < this.#limits.laneMembersMax);
    if (roomy !== undefined) return roomy;
    const members = new Set<Member>();
    const deliver = () => this.#deliver(members);
    const lane = {
      members,
      pace: new Pace(this.#timers, this.#limits.conflateMs, deliver, this.#stagger),
    };
    this.#lanes.push(lane);
    return lane;
  }

  #deliver(members: ReadonlySet<Member>): void {
    const newest = this.#read();
    if (newest === undefined) return;
    for (const member of members) {
      const { subscriber, held } = member;
      if (this.#states.isNewest(held) || !subscriber.outbox.ready) continue;
      member.held = newest;
      subscriber.outbox.offer(this.#states.frameFrom(held, subscriber.name));
    }
  }

  #read(): HeldState | undefined {
    try {
      const state = this.#source.current();
      const { newest } = this.#states;
      if (newest?.revision === state.revision) return newest;
      this.#readAtMs = this.#timers.now();
      return this.#states.renew(state);
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
