import { Inbox, type InboxOptions } from "./inbox.ts";
import { TapelineError } from "./tapeline-error.ts";

export interface FollowOptions {
  /** Ends loops and waits with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Longest wait of a loop for what comes first, ms. Default 30,000. After that it waits for as long as nothing changes. */
  readonly timeoutMs?: number | undefined;
}

/** Longest wait for what comes first, ms. */
export const FIRST_TIMEOUT_MS = 30_000;

/** Who is told of a topic. After `fail` or `end` nothing more comes. */
export interface Follower<T> {
  put(value: T): void;
  fail(error: unknown): void;
  end(): void;
}

/** What any number of followers share. */
export interface Topic<T> {
  readonly name: string;
  /** The answered function leaves. */
  follow(follower: Follower<T>): () => void;
}

/** Follows a topic into an inbox, as long as the inbox is read. */
export function topicInbox<T>(
  topic: Topic<T>,
  place: InboxOptions<T>["place"],
  { signal, timeoutMs = FIRST_TIMEOUT_MS }: FollowOptions,
): Inbox<T> {
  let leave = () => {};
  let timer: ReturnType<typeof setTimeout> | undefined;
  const inbox = new Inbox<T>({
    place,
    signal,
    onEnd: () => {
      clearTimeout(timer);
      leave();
    },
  });
  if (signal?.aborted === true) return inbox;
  if (timeoutMs !== Number.POSITIVE_INFINITY)
    timer = setTimeout(() => {
      inbox.fail(new TapelineError("timeout", `${topic.name}: waited ${timeoutMs} ms and heard nothing`));
    }, timeoutMs);
  leave = topic.follow({
    put: (value) => {
      clearTimeout(timer);
      inbox.put(value);
    },
    fail: (error) => inbox.fail(error),
    end: () => inbox.end(),
  });
  return inbox;
}

export interface ListenOptions {
  /** Told once when nothing more will come. Without it the error is thrown as an uncaught one. */
  readonly onError?: (error: unknown) => void;
}

/** As an event target does with what its listeners throw. */
export function throwUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

/** Calls `listener` with what followers of a topic are told, until the signal aborts or the answered function is called. */
export function listen<T>(
  topic: () => Topic<T>,
  listener: (value: T) => void,
  onError: (error: unknown) => void,
  signal: AbortSignal | undefined,
): () => void {
  let over = signal?.aborted === true;
  if (over) return () => undefined;
  const end = () => {
    over = true;
    signal?.removeEventListener("abort", end);
    stop();
  };
  const stop = topic().follow({
    put: (value) => queueMicrotask(() => over || listener(value)),
    fail: (error) => {
      end();
      onError(error);
    },
    end: () => end(),
  });
  signal?.addEventListener("abort", end, { once: true });
  return end;
}
