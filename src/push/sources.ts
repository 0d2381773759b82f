import type { Channel } from "../protocol/mod.ts";

/** Where a stream stands: `offset` of its last event (0 before the first), `epoch` names its history. */
export interface StreamPosition {
  readonly epoch: string;
  readonly offset: number;
}

/** One event of a lossless channel; `data` is anything JSON can write. */
export interface StreamEvent {
  readonly offset: number;
  readonly data: unknown;
}

/** Events with contiguous offsets, kept by the source; what is published through the hub is what it has committed. */
export interface LosslessSource {
  readonly kind: "lossless";
  /** The position now. Everything published later has a higher offset. */
  position(): Promise<StreamPosition> | StreamPosition;
  /** Events with `offset > since`, ascending, at most `limit`; fewer when it has no more of them. */
  history(since: number, limit: number): Promise<readonly StreamEvent[]> | readonly StreamEvent[];
  /** State that a subscriber gets with the reply, at least as new as the position asked just before. */
  snapshot?(): Promise<unknown> | unknown;
}

/** The whole of a conflated channel at one moment. Never altered after it was handed out. */
export interface ConflatedState {
  /** Rises with every change. */
  readonly revision: number;
  /** Absolute values; plain data that JSON can write. */
  readonly fields: object;
  /** One more field: an object of so many members that its source keeps track of which of them change. */
  readonly large?: LargeField;
}

/**
 * A field whose members are neither compared nor written by the channel. Asked only while its state is the newest of the source; a
 * member may be newer than its state, for values are absolute and the next frame tells it again.
 */
export interface LargeField {
  readonly name: string;
  /** JSON text of the whole object. */
  whole(): string;
  /**
   * JSON text of the members that changed since the state of a revision, those that are gone as null; undefined when that is too
   * long ago to be told.
   */
  since(revision: number): string | undefined;
}

/** A channel of which only the latest state matters. */
export interface ConflatedSource {
  readonly kind: "conflated";
  /** Makes `current` answerable (load a past session); called once, before the first `current`. */
  open?(): Promise<void> | void;
  /**
   * The state now. Called only while somebody listens, at most once per interval and lane of members (`laneMembersMax`); must not
   * block.
   */
  current(): ConflatedState;
  /** The last subscriber has left; another `open` may follow on a newly resolved source. */
  close?(): void;
}

export type ChannelSource = LosslessSource | ConflatedSource;

export type Resolution =
  | { readonly kind: "source"; readonly source: ChannelSource }
  /** Well formed, but there is no such thing (a symbol we do not follow, a job nobody made). */
  | { readonly kind: "unknown"; readonly message: string }
  /** It will be there, but is not yet: the client is told to try again. */
  | { readonly kind: "later"; readonly message: string };

/** The app's table of channels. */
export type ChannelResolver = (channel: Channel) => Promise<Resolution> | Resolution;
