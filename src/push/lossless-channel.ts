import { type CloseCode, publicationFrame, UNSUBSCRIBE_CODES } from "../protocol/mod.ts";
import type { EncodedEvent } from "./event-ring.ts";
import { HistoryReader } from "./history-reader.ts";
import { type Member, ProgressLane } from "./progress-lane.ts";
import type { PushLimits } from "./push-limits.ts";
import type { LosslessSource, StreamEvent, StreamPosition } from "./sources.ts";
import { StreamFollower } from "./stream-follower.ts";
import type { ChannelHost, Subscriber } from "./subscriber.ts";
import { type PushTimers, withinTime } from "./timers.ts";

/** Where a client wants to go on. */
export interface RecoverFrom {
  readonly offset: number;
  /** Empty: whatever epoch the channel has. */
  readonly epoch: string;
}

export interface Attached {
  /** The position before the first publication of this reply. */
  readonly position: StreamPosition;
  /** JSON texts of the publications since then; undefined when none were asked for. */
  readonly recovered: readonly string[] | undefined;
  /** JSON text of the source's snapshot. */
  readonly data: string | undefined;
}

export type AttachOutcome =
  | { readonly kind: "attached" }
  | { readonly kind: "cancelled" }
  /** The channel was given up meanwhile; trying again opens a new one. */
  | { readonly kind: "broken" }
  /** What the client asks for cannot be given whole; nothing was sent. */
  | { readonly kind: "unrecoverable"; readonly message: string };

export type ReadOutcome =
  | {
      readonly kind: "read";
      readonly position: StreamPosition;
      readonly publications: readonly string[];
    }
  | { readonly kind: "unrecoverable"; readonly message: string };

/**
 * Every event once and in order, to every member. Each member has a cursor into the ring of recent events: a publication moves the
 * ring, delivery moves the cursors, in slices of `sendsPerTurn` sends so that a crowd of members does not hold up the event loop.
 */
export class LosslessChannel {
  readonly kind = "lossless";
  readonly #source: LosslessSource;
  readonly #limits: PushLimits;
  readonly #timers: PushTimers;
  readonly #host: ChannelHost;
  readonly #stream: StreamFollower;
  readonly #history: HistoryReader;
  readonly #members = new Map<Subscriber, Member>();
  readonly #progress: ProgressLane;
  #cancelRest: (() => void) | undefined;
  #closed = false;

  constructor(source: LosslessSource, limits: PushLimits, timers: PushTimers, host: ChannelHost) {
    this.#source = source;
    this.#limits = limits;
    this.#timers = timers;
    this.#host = host;
    this.#stream = new StreamFollower({
      source,
      limits,
      timers,
      onAdvance: () => {
        this.#progress.clear();
        this.#deliver();
      },
      onBroken: (error) => this.#breakOff(error),
    });
    this.#history = new HistoryReader(source, limits, timers);
    this.#progress = new ProgressLane(this.#members, () => this.#stream.ring.last, limits, timers);
  }

  get size(): number {
    return this.#members.size;
  }

  get opened(): boolean {
    return this.#stream.opened;
  }

  /**
   * Takes a subscriber in and, in the same step, calls `reply`: what is published from then on follows the reply, what was
   * published before is in it. Rejects when the source fails or is too slow.
   */
  async attach(
    subscriber: Subscriber,
    recover: RecoverFrom | undefined,
    reply: (attached: Attached) => void,
  ): Promise<AttachOutcome> {
    await this.#stream.open();
    const data = await this.#snapshot();
    // One step, no await in it: ring, reply and membership.
    const join = (offset: number, recovered: readonly EncodedEvent[] | undefined): AttachOutcome => {
      if (subscriber.cancelled) return { kind: "cancelled" };
      if (this.#closed) return { kind: "broken" };
      const publications = recovered?.map((event) => event.publication);
      reply({ position: { epoch: this.#stream.epoch, offset }, recovered: publications, data });
      if (!subscriber.cancelled)
        this.#members.set(subscriber, { cursor: this.#stream.ring.last, progress: undefined });
      this.#progress.touch();
      return { kind: "attached" };
    };
    return recover === undefined
      ? join(this.#stream.ring.last, undefined)
      : await this.#recover(recover, join);
  }

  detach(subscriber: Subscriber): void {
    this.#members.delete(subscriber);
  }

  /** A committed event. A repeated one is ignored; one that comes too early waits until the missing ones are read. */
  publish(event: StreamEvent): void {
    this.#stream.publish(event);
  }

  /** The latest progress; an event published later takes its place. */
  progress(data: unknown): void {
    if (!this.#closed && this.#members.size > 0) this.#progress.show(data);
  }

  /** A member that was behind has caught up. */
  touch(): void {
    if (!this.#closed) this.#progress.touch();
  }

  /**
   * For the history command: at most `limit` publications after `since` (absent: from the oldest kept), and the position. In
   * reverse those before `since` (absent: the newest), newest first. Fewer when one reply carries no more.
   */
  async read(since: RecoverFrom | undefined, limit: number, reverse = false): Promise<ReadOutcome> {
    await this.#stream.open();
    const { ring, epoch } = this.#stream;
    const position = { epoch, offset: ring.last };
    const fault = since === undefined ? undefined : this.#positionFault(since, reverse ? 1 : 0);
    if (fault !== undefined) return { kind: "unrecoverable", message: fault };
    const wanted = Math.min(limit, position.offset - (since?.offset ?? 0));
    const page = reverse
      ? await this.#history.readBack(since === undefined ? ring.last : since.offset - 1, limit, ring)
      : await this.#history.read(since?.offset, wanted, ring);
    if (page.kind === "unrecoverable") return page;
    return { kind: "read", position, publications: this.#fitting(page.events) };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stream.stop();
    this.#progress.stop();
    this.#cancelRest?.();
    this.#members.clear();
  }

  async #snapshot(): Promise<string | undefined> {
    if (this.#source.snapshot === undefined) return undefined;
    const snapshot = this.#source.snapshot.bind(this.#source);
    return JSON.stringify(
      await withinTime(this.#timers, this.#limits.sourceMs, "reading a channel's snapshot", snapshot),
    );
  }

  /** The first publications that one reply has room for; at least one. */
  #fitting(events: readonly EncodedEvent[]): string[] {
    const publications: string[] = [];
    let chars = 0;
    for (const { publication } of events) {
      chars += publication.length;
      if (chars > this.#limits.recoverCharsMax && publications.length > 0) break;
      publications.push(publication);
    }
    return publications;
  }

  /** `ahead`: how far beyond the last event the offset may lie. */
  #positionFault(from: RecoverFrom, ahead = 0): string | undefined {
    const { ring, epoch } = this.#stream;
    if (from.epoch !== "" && from.epoch !== epoch)
      return `asked for epoch ${from.epoch}, the channel's history is now ${epoch}`;
    return from.offset > ring.last + ahead
      ? `asked for what follows offset ${from.offset}, the last event is ${ring.last}`
      : undefined;
  }

  /** Joins with everything after the wanted offset: from history up to where the ring begins, then from the ring. */
  async #recover(
    from: RecoverFrom,
    join: (offset: number, recovered: readonly EncodedEvent[]) => AttachOutcome,
  ): Promise<AttachOutcome> {
    const { ring } = this.#stream;
    // The client may have heard from another process what this one has not been told yet.
    if (from.offset > ring.last) await this.#stream.refresh();
    const fault = this.#positionFault(from);
    if (fault !== undefined) return { kind: "unrecoverable", message: fault };
    const older: EncodedEvent[] = [];
    let reached = from.offset;
    // The ring moves on while history is read, so it is asked again until the two meet.
    while (true) {
      const missed = ring.last - from.offset;
      if (missed > this.#limits.recoverEventsMax || charsOf(older) > this.#limits.recoverCharsMax)
        return tooMuch(missed);
      if (reached >= ring.floor) {
        const recovered = [...older, ...ring.after(reached)];
        const fits = charsOf(recovered) <= this.#limits.recoverCharsMax;
        return fits ? join(from.offset, recovered) : tooMuch(missed);
      }
      const page = await this.#history.read(reached, ring.floor - reached, ring);
      if (page.kind === "unrecoverable") return page;
      older.push(...page.events);
      reached += page.events.length;
    }
  }

  #deliver(): void {
    this.#cancelRest?.();
    const rest = this.#members.entries();
    this.#deliverSlice(new FrameCache(), rest, rest.next());
  }

  /** `rest` goes on where the last slice ended, with `first`; a live iterator, so members may come and go meanwhile. */
  #deliverSlice(frames: FrameCache, rest: Iterator<[Subscriber, Member]>, first: Step): void {
    const { ring } = this.#stream;
    this.#cancelRest = undefined;
    let sends = 0;
    for (let at = first; at.done !== true; at = rest.next()) {
      const [subscriber, member] = at.value;
      const here = at;
      // It may have left between two slices, and be a member anew with another cursor.
      if (this.#members.get(subscriber) !== member) continue;
      if (member.cursor < ring.floor) this.#drop(subscriber, UNSUBSCRIBE_CODES.insufficient_state);
      else
        for (; member.cursor < ring.last; sends++) {
          if (sends === this.#limits.sendsPerTurn) {
            this.#cancelRest = this.#timers.after(0, () => this.#deliverSlice(frames, rest, here));
            return;
          }
          member.cursor += 1;
          subscriber.outbox.send(frames.of(subscriber.name, ring.at(member.cursor)));
        }
    }
  }

  #drop(subscriber: Subscriber, reason: CloseCode): void {
    this.#members.delete(subscriber);
    subscriber.dropped(reason);
  }

  /** Every member is told to come again and recover, and the next one opens a new channel. */
  #breakOff(error: unknown): void {
    if (this.#closed) return;
    this.#host.onError(error, "following a lossless channel");
    const members = [...this.#members.keys()];
    this.close();
    this.#host.onBroken();
    for (const subscriber of members) subscriber.dropped(UNSUBSCRIBE_CODES.insufficient_state);
  }
}

type Step = IteratorResult<[Subscriber, Member], unknown>;

/** Frames of one delivery: encoded once for each event and name. */
class FrameCache {
  readonly #frames = new Map<string, string>();

  of(name: string, event: EncodedEvent): string {
    const key = `${event.offset} ${name}`;
    const cached = this.#frames.get(key);
    if (cached !== undefined) return cached;
    const frame = publicationFrame(name, event.publication);
    this.#frames.set(key, frame);
    return frame;
  }
}

function charsOf(events: readonly EncodedEvent[]): number {
  return events.reduce((sum, event) => sum + event.publication.length, 0);
}

function tooMuch(missed: number): AttachOutcome {
  return {
    kind: "unrecoverable",
    message: `${missed} events have passed since, more than one recovery carries`,
  };
}
