import * as v from "valibot";
import { Push, ServerFrame } from "../../src/protocol/mod.ts";
import {
  PushHub,
  type PushHubOptions,
  type PushSession,
  type PushSocket,
  type PushTimers,
} from "../../src/push/mod.ts";

/** A clock that moves only when it is told to, and runs timers in the order of their times. */
export class FakeTimers implements PushTimers {
  #now = 0;
  #order = 0;
  readonly #queue = new Map<number, { readonly atMs: number; readonly run: () => void }>();

  now(): number {
    return this.#now;
  }

  after(delayMs: number, run: () => void): () => void {
    const id = this.#order++;
    this.#queue.set(id, { atMs: this.#now + delayMs, run });
    return () => void this.#queue.delete(id);
  }

  get pending(): number {
    return this.#queue.size;
  }

  /** Lets promises settle, moves the clock, runs what is due; promises settle between the timers too. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settle();
    for (;;) {
      const [next] = [...this.#queue]
        .filter(([, { atMs }]) => atMs <= until)
        .sort((a, b) => a[1].atMs - b[1].atMs || a[0] - b[0]);
      if (next === undefined) break;
      this.#queue.delete(next[0]);
      this.#now = Math.max(this.#now, next[1].atMs);
      next[1].run();
      await settle();
    }
    this.#now = until;
  }
}

/** Lets every promise that can settle do so. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await Promise.resolve();
}

/** A socket whose reader can be stopped. */
export class FakeSocket implements PushSocket {
  readonly frames: string[] = [];
  closed: { readonly code: number; readonly reason: string } | undefined;
  reading = true;
  dropping = false;
  ping: (() => void) | undefined;
  #kept: string[] = [];

  send(frame: string): number {
    if (this.closed !== undefined || this.dropping) return 0;
    if (this.reading) {
      this.frames.push(frame);
      return frame.length;
    }
    this.#kept.push(frame);
    return -1;
  }

  bufferedBytes(): number {
    return this.#kept.reduce((sum, frame) => sum + frame.length, 0);
  }

  close(code: number, reason: string): void {
    this.closed = { code, reason };
  }

  /** The reader takes everything that was kept. */
  take(): void {
    this.reading = true;
    this.frames.push(...this.#kept.splice(0));
  }

  /** What arrived since the last call at a client that only listens. */
  pushes(): Push[] {
    return this.frames.splice(0).map((frame) => v.parse(v.strictObject(Push.entries), JSON.parse(frame)));
  }

  /** What arrived since the last call. */
  received(): ServerFrame[] {
    return this.frames
      .splice(0)
      .flatMap((message) => message.split("\n"))
      .map((line) => v.parse(ServerFrame, JSON.parse(line)));
  }
}

export interface Peer {
  readonly socket: FakeSocket;
  readonly session: PushSession;
  send(...commands: object[]): void;
}

export function makeHub(options: Partial<PushHubOptions> & Pick<PushHubOptions, "resolve">): {
  readonly hub: PushHub;
  readonly timers: FakeTimers;
  readonly errors: string[];
  peer(): Peer;
  /** A peer that has connected and reads. */
  connected(): Promise<Peer>;
  /** A peer that only listens; `ping`: its transport answers pings. */
  listener(ping?: () => void): Peer;
} {
  const timers = new FakeTimers();
  const errors: string[] = [];
  let ids = 0;
  const hub = new PushHub({
    timers,
    nowMs: () => timers.now(),
    defaultVenue: "binance",
    newClientId: () => `client-${++ids}`,
    version: "test",
    onError: (error, doing) => errors.push(`${doing}: ${error instanceof Error ? error.message : error}`),
    ...options,
  });
  const peer = (
    accept: (socket: FakeSocket) => PushSession | undefined = (socket) => hub.accept(socket),
  ): Peer => {
    const socket = new FakeSocket();
    const session = accept(socket);
    if (session === undefined) throw new Error("the hub accepted no connection");
    return {
      socket,
      session,
      send: (...commands) => session.message(commands.map((command) => JSON.stringify(command)).join("\n")),
    };
  };
  const connected = async (): Promise<Peer> => {
    const made = peer();
    made.send({ id: 1, connect: {} });
    await settle();
    made.socket.received();
    return made;
  };
  const listener = (ping?: () => void) =>
    peer((socket) => {
      socket.ping = ping;
      return hub.acceptOneWay(socket);
    });
  return { hub, timers, errors, peer: () => peer(), connected, listener };
}

/** Publications among frames. */
export function publications(
  frames: readonly ServerFrame[],
): { readonly data: unknown; readonly offset?: number | undefined }[] {
  return frames.flatMap((frame) => (frame.push?.pub === undefined ? [] : [frame.push.pub]));
}

export const JOB = "01890a5d-ac96-774b-bcce-b302099a8057";
