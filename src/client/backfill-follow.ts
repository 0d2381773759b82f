import type { JobAnswer } from "../protocol/mod.ts";
import { jobHasEnded } from "../protocol/mod.ts";
import { EventPosition } from "./event-position.ts";
import { type BackfillUpdate, JobMerge, withChange } from "./job-merge.ts";
import type { ChannelReader, PushConnection, Subscribed } from "./push-connection.ts";
import type { ReadOnly } from "./read-only.ts";
import { SharedChannel } from "./shared-channel.ts";
import { TapelineError } from "./tapeline-error.ts";
import type { TopicBook } from "./topic-book.ts";
import {
  type Follower,
  type FollowOptions,
  type ListenOptions,
  type Topic,
  throwUncaught,
  topicInbox,
} from "./topic-inbox.ts";
import { withinTime } from "./waits.ts";

/** Updates that may wait for one reader: a job has about ten transitions, and of progress only the newest waits. */
export const UPDATES_WAITING_MAX = 1_000;

/** The channel of one job, that any number of followers share. */
export class JobTopic implements ChannelReader, Topic<BackfillUpdate> {
  readonly name: string;
  readonly #readJob: () => Promise<ReadOnly<JobAnswer>>;
  readonly #channel: SharedChannel<BackfillUpdate>;
  readonly #position = new EventPosition();
  #merge = new JobMerge();
  /** It has ended, and its last state is being read. */
  #finishing = false;

  /** `readJob` asks the server for the job as it stands; `forget` is called when nobody follows any more. */
  constructor(
    name: string,
    connection: PushConnection,
    readJob: () => Promise<ReadOnly<JobAnswer>>,
    forget: () => void,
  ) {
    this.name = name;
    this.#readJob = readJob;
    this.#channel = new SharedChannel(connection, this, () => {
      this.#merge = new JobMerge();
      this.#position.offset = undefined;
      this.#finishing = false;
      forget();
    });
  }

  get state(): ReadOnly<JobAnswer> | undefined {
    return this.#merge.job;
  }

  follow(follower: Follower<BackfillUpdate>): () => void {
    const job = this.#merge.job;
    const known =
      job === undefined || this.#finishing
        ? undefined
        : withChange(job, { kind: "snapshot", startedOver: false });
    return this.#channel.follow(follower, known);
  }

  subscribed({ data, offset, recovered }: Subscribed): void {
    this.#take(() => {
      if (recovered && this.#position.offset !== undefined) return this.#merge.recovered(data);
      this.#position.offset = offset;
      return this.#merge.snapshot(data);
    });
  }

  publication(data: unknown, offset: number | undefined): void {
    const place = this.#position.take(offset);
    if (place === "hole") this.#channel.restart();
    if (place !== "next") return;
    this.#take(() => this.#merge.frame(data));
  }

  failed(error: TapelineError): void {
    for (const follower of this.#channel.dismiss()) follower.fail(error);
  }

  #take(read: () => BackfillUpdate | undefined): void {
    const update = this.#channel.understood(read);
    if (update === undefined) return;
    const { change, status } = update;
    if (!jobHasEnded(status) || change.kind === "progress") this.#channel.tell(update);
    else if (change.kind === "snapshot") this.#end(update);
    else void this.#finish(update);
  }

  /** A transition does not carry the counters: the last word on a job that has ended is read once more. */
  async #finish(update: BackfillUpdate): Promise<void> {
    // Nothing of this job is to come any more but this.
    this.#finishing = true;
    this.#channel.unsubscribe();
    const merge = this.#merge;
    const read = await this.#readJob().catch(() => undefined);
    // Everybody has left meanwhile.
    if (this.#merge !== merge) return;
    this.#end((read === undefined ? undefined : merge.final(read, update.change)) ?? update);
  }

  #end(update: BackfillUpdate): void {
    this.#channel.tell(update);
    for (const follower of this.#channel.dismiss()) follower.end();
  }
}

/**
 * One job, followed until it has ended: first the job as it stands, then each transition exactly once and in order, and progress
 * between them, of which a slow loop gets the newest. Missed transitions are recovered after a lost connection; where they cannot
 * be, the job is read anew and `change.startedOver` says so.
 */
export class BackfillFollow implements AsyncIterable<BackfillUpdate> {
  readonly #name: string;
  readonly #topics: TopicBook<JobTopic>;
  readonly #options: FollowOptions;

  constructor(name: string, topics: TopicBook<JobTopic>, options: FollowOptions) {
    this.#name = name;
    this.#topics = topics;
    this.#options = options;
  }

  /** The job as it stands, while somebody follows it; undefined before the first answer. */
  get state(): ReadOnly<JobAnswer> | undefined {
    return this.#topics.find(this.#name)?.state;
  }

  /** Calls `listener` with each update until the job has ended, the signal aborts or the answered function is called. */
  on(
    listener: (update: BackfillUpdate) => void,
    { onError = throwUnlessClosed, onEnd }: ListenOptions & { readonly onEnd?: () => void } = {},
  ): () => void {
    const updates = this[Symbol.asyncIterator]();
    let stopped = false;
    const read = async () => {
      for await (const update of updates)
        try {
          listener(update);
        } catch (thrown) {
          throwUncaught(thrown);
        }
      if (!stopped) onEnd?.();
    };
    // Who aborts knows.
    read().catch((error) => this.#options.signal?.aborted || onError(error));
    return () => {
      stopped = true;
      void updates.return?.();
    };
  }

  /** The job once it has ended, well or not. */
  ended({ timeoutMs }: { readonly timeoutMs: number }): Promise<BackfillUpdate> {
    return withinTime(`the end of ${this.#name}`, timeoutMs, this.#options.signal, async (either) => {
      let last: BackfillUpdate | undefined;
      for await (const update of topicInbox(this.#topics.of(this.#name), placeUpdate, {
        signal: either,
        timeoutMs,
      }))
        last = update;
      if (last === undefined) throw new TapelineError("closed", "the client was closed");
      return last;
    });
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<BackfillUpdate, undefined> {
    return topicInbox(this.#topics.of(this.#name), placeUpdate, this.#options);
  }
}

function throwUnlessClosed(error: unknown): void {
  if (!(error instanceof TapelineError) || error.kind !== "closed") throwUncaught(error);
}

/** Progress takes the place of older progress; everything else waits its turn. */
export function placeUpdate(waiting: BackfillUpdate[], update: BackfillUpdate): void {
  if (update.change.kind === "progress" && waiting.at(-1)?.change.kind === "progress") waiting.pop();
  else if (waiting.length >= UPDATES_WAITING_MAX)
    throw new TapelineError("overflow", `${waiting.length} updates of job ${update.job_id} wait to be read`);
  waiting.push(update);
}
