import {
  CLOSE_CODES,
  type ClientCommand,
  type CloseCode,
  type ConnectRequest,
  closeCode,
  connectReply,
  errorReply,
  PING_FRAME,
  type PushError,
  parseCommands,
  pushError,
} from "../protocol/mod.ts";
import type { Authorizer } from "./authorize.ts";
import type { ChannelTable } from "./channel-table.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Outbox, type PushSocket } from "./outbox.ts";
import type { PushLimits } from "./push-limits.ts";
import { Subscriptions } from "./subscriptions.ts";
import { type PushTimers, withinTime } from "./timers.ts";

/** Characters in one message of a client. */
export const FRAME_CHARS_MAX = 65_536;

export interface SessionOptions {
  readonly clientId: string;
  readonly version: string;
  readonly defaultVenue: string;
  readonly table: ChannelTable;
  readonly authorizer: Authorizer;
  readonly limits: PushLimits;
  readonly timers: PushTimers;
  readonly onError: (error: unknown, doing: string) => void;
  /** Called once, when the session has ended from either side. */
  readonly onEnd: (session: PushSession) => void;
}

/**
 * One connection. The owner of the socket calls `message`, `drained` and `closed` as they happen; all three return at once.
 * Commands on one channel are answered in their order; commands on different channels do not wait for one another.
 */
export class PushSession {
  readonly #socket: PushSocket;
  readonly #options: SessionOptions;
  readonly #outbox: Outbox;
  readonly #subscriptions: Subscriptions;
  readonly #heartbeat: Heartbeat;
  readonly #cancelStale: () => void;
  /** What came while the connect command was being decided. */
  readonly #held: ClientCommand[] = [];
  /** The last command of each channel that has one under way. */
  readonly #lanes = new Map<string, Promise<void>>();
  #inFlight = 0;
  #state: "new" | "connecting" | "connected" | "closed" = "new";

  constructor(socket: PushSocket, options: SessionOptions) {
    const { limits, timers, table, defaultVenue } = options;
    this.#socket = socket;
    this.#options = options;
    this.#outbox = new Outbox(socket, {
      timers,
      bytesMax: limits.outboxBytesMax,
      ageMaxMs: limits.outboxAgeMaxMs,
      onOverflow: () => this.close(CLOSE_CODES.slow),
      onReady: () => this.#subscriptions.ready(),
    });
    this.#subscriptions = new Subscriptions({
      table,
      outbox: this.#outbox,
      defaultVenue,
      subscriptionsMax: limits.subscriptionsMax,
      eventsMax: limits.recoverEventsMax,
    });
    this.#heartbeat = new Heartbeat({
      timers,
      pingMs: limits.pingMs,
      pongMs: limits.pongMs,
      ping: () => this.#outbox.send(PING_FRAME),
      onDead: () => this.close(CLOSE_CODES.no_pong),
    });
    this.#cancelStale = timers.after(limits.connectMs, () =>
      this.close(closeCode("stale", "no connect command came")),
    );
  }

  /** Bytes that wait for this connection. */
  get outboxBytes(): number {
    return this.#outbox.bytes;
  }

  get subscriptionCount(): number {
    return this.#subscriptions.size;
  }

  /** A message of the client; `undefined` for a binary one, which the JSON protocol does not have. */
  message(text: string | undefined): void {
    if (this.#state === "closed") return;
    const parsed = readMessage(text);
    if (parsed.kind === "fault") this.close(parsed.close);
    else for (const command of parsed.commands) this.#accept(command);
  }

  /** The socket has taken up some of what it kept. */
  drained(): void {
    this.#outbox.drained();
  }

  /** The socket is gone. */
  closed(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#cancelStale();
    this.#heartbeat.stop();
    this.#held.length = 0;
    this.#subscriptions.close();
    this.#outbox.close();
    this.#options.onEnd(this);
  }

  /** Ends the connection from our side. */
  close({ code, reason }: CloseCode): void {
    if (this.#state === "closed") return;
    this.closed();
    this.#socket.close(code, reason);
  }

  #accept(command: ClientCommand): void {
    const waiting = this.#held.length + this.#inFlight;
    if (this.#state === "closed" || command.kind === "ignored") return;
    if (command.kind === "pong") this.#heartbeat.pong();
    else if (waiting >= this.#options.limits.commandsInFlightMax)
      this.close(closeCode("too_many_requests", `${waiting} commands wait for an answer`));
    else if (this.#state === "connecting") this.#held.push(command);
    else if (this.#state === "connected") this.#dispatch(command);
    else if (command.kind === "connect") this.#connect(command.id, command.request);
    else if (command.kind === "refused") this.#outbox.send(errorReply(command.id, command.error));
    else this.close(closeCode("bad_request", `${command.kind} came before connect`));
  }

  #connect(id: number, request: ConnectRequest): void {
    this.#state = "connecting";
    const { timers, limits, authorizer, clientId, version } = this.#options;
    this.#run(id, "authorizing a connection", async () => {
      const answer = await withinTime(timers, limits.sourceMs, "authorizing a connection", () =>
        authorizer.connect(request),
      ).catch((error: unknown) => {
        this.#state = this.#state === "closed" ? "closed" : "new";
        this.#held.length = 0;
        throw error;
      });
      if (this.#state === "closed") return undefined;
      if (answer.kind === "rejected") {
        this.#state = "new";
        this.#held.length = 0;
        if (answer.code < 3000) return { code: answer.code, message: answer.reason };
        this.close({ code: answer.code, reason: answer.reason || "rejected" });
        return undefined;
      }
      this.#subscriptions.restrict(answer.grant);
      this.#state = "connected";
      this.#cancelStale();
      const ping = Math.ceil(limits.pingMs / 1_000);
      this.#outbox.send(connectReply(id, { client: clientId, version, ping, pong: true }));
      this.#heartbeat.start();
      for (const held of this.#held.splice(0)) this.#accept(held);
      return undefined;
    });
  }

  #dispatch(command: Exclude<ClientCommand, { kind: "pong" | "ignored" }>): void {
    const subscriptions = this.#subscriptions;
    const { id } = command;
    switch (command.kind) {
      case "subscribe":
        this.#inLane(command.request.channel, id, () => subscriptions.subscribe(id, command.request));
        break;
      case "history":
        this.#inLane(command.request.channel, id, () => subscriptions.history(id, command.request));
        break;
      case "unsubscribe":
        this.#inLane(command.request.channel, id, () =>
          subscriptions.unsubscribe(id, command.request.channel),
        );
        break;
      case "refused":
        this.#outbox.send(errorReply(id, command.error));
        break;
      case "connect":
        this.#outbox.send(errorReply(id, pushError("bad_request", "this connection is connected already")));
    }
  }

  /** Runs after the commands that came before it on the same channel. */
  #inLane(channel: string, id: number, work: () => Promise<PushError | undefined> | undefined): void {
    const before = this.#lanes.get(channel);
    const run = this.#run(id, `answering a command on ${channel}`, async () => {
      await before;
      return this.#state === "closed" ? undefined : work();
    });
    this.#lanes.set(channel, run);
    void run.then(() => {
      if (this.#lanes.get(channel) === run) this.#lanes.delete(channel);
    });
  }

  /** Never rejects: what fails is reported, and the client gets error 100, which tells it to try again. */
  async #run(id: number, doing: string, work: () => Promise<PushError | undefined>): Promise<void> {
    this.#inFlight += 1;
    try {
      const error = await work();
      if (error !== undefined) this.#outbox.send(errorReply(id, error));
    } catch (error) {
      this.#options.onError(error, doing);
      this.#outbox.send(errorReply(id, pushError("internal")));
    } finally {
      this.#inFlight -= 1;
    }
  }
}

type ReadMessage =
  | { readonly kind: "commands"; readonly commands: readonly ClientCommand[] }
  | { readonly kind: "fault"; readonly close: CloseCode };

function readMessage(text: string | undefined): ReadMessage {
  if (text === undefined)
    return {
      kind: "fault",
      close: closeCode("inappropriate_protocol", "a binary message, expected JSON text"),
    };
  if (text.length > FRAME_CHARS_MAX) {
    const found = `a message of ${text.length} characters, at most ${FRAME_CHARS_MAX}`;
    return { kind: "fault", close: closeCode("bad_request", found) };
  }
  const parsed = parseCommands(text);
  return parsed.kind === "malformed"
    ? { kind: "fault", close: closeCode("bad_request", parsed.reason) }
    : parsed;
}
