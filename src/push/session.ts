import {
  CLOSE_CODE_MIN,
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
} from "../protocol/mod.ts";
import { Admission } from "./admission.ts";
import type { Authorizer } from "./authorize.ts";
import type { ChannelTable } from "./channel-table.ts";
import { CommandDesk } from "./command-desk.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Lanes } from "./lanes.ts";
import { Outbox, type PushSocket } from "./outbox.ts";
import type { PushLimits } from "./push-limits.ts";
import { RpcDesk, type RpcHandler } from "./rpc-desk.ts";
import { Subscriptions } from "./subscriptions.ts";
import type { PushTimers } from "./timers.ts";

/** Characters in one message of a client. */
export const FRAME_CHARS_MAX = 65_536;

export interface SessionOptions {
  readonly clientId: string;
  readonly version: string;
  readonly defaultVenue: string;
  readonly table: ChannelTable;
  readonly authorizer: Authorizer;
  /** Answers calls; absent: none are offered. */
  readonly rpc: RpcHandler | undefined;
  readonly limits: PushLimits;
  readonly timers: PushTimers;
  /** The clock that tokens are dated by, ms since the epoch. */
  readonly nowMs: () => number;
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
  readonly #admission: Admission;
  readonly #heartbeat: Heartbeat;
  readonly #lanes: Lanes;
  readonly #rpc: RpcDesk;
  readonly #desk: CommandDesk;
  readonly #cancelStale: () => void;
  /** What came while the connect command was being decided. */
  readonly #held: ClientCommand[] = [];
  #state: "new" | "connecting" | "connected" | "closed" = "new";

  constructor(socket: PushSocket, options: SessionOptions) {
    const { limits, timers, nowMs, table, authorizer, defaultVenue, onError } = options;
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
      authorizer,
      defaultVenue,
      limits,
      timers,
      nowMs,
    });
    this.#admission = new Admission({
      authorizer,
      limits,
      timers,
      nowMs,
      onGrant: (grant) => this.#subscriptions.restrict(grant),
      onLapsed: () => this.close(CLOSE_CODES.expired),
    });
    this.#heartbeat = new Heartbeat({
      timers,
      pingMs: limits.pingMs,
      pongMs: limits.pongMs,
      ping: () => this.#outbox.send(PING_FRAME),
      onDead: () => this.close(CLOSE_CODES.no_pong),
    });
    this.#lanes = new Lanes({ onError, refuse: (id, error) => this.#refuse(id, error) });
    this.#rpc = new RpcDesk({ handler: options.rpc, outbox: this.#outbox, limits, timers });
    this.#desk = new CommandDesk({
      outbox: this.#outbox,
      subscriptions: this.#subscriptions,
      admission: this.#admission,
      lanes: this.#lanes,
      rpc: this.#rpc,
      refuse: (id, error) => this.#refuse(id, error),
      ended: () => this.#isClosed,
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
    this.#admission.stop();
    this.#heartbeat.stop();
    this.#rpc.stop();
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
    const waiting = this.#held.length + this.#lanes.inFlight;
    if (this.#state === "closed" || command.kind === "ignored") return;
    if (command.kind === "pong") this.#heartbeat.pong();
    else if (waiting >= this.#options.limits.commandsInFlightMax)
      this.close(closeCode("too_many_requests", `${waiting} commands wait for an answer`));
    else if (this.#state === "connecting") this.#held.push(command);
    else if (this.#state === "connected") this.#desk.take(command);
    else if (command.kind === "connect") this.#connect(command.id, command.request);
    else if (command.kind === "refused") this.#refuse(command.id, command.error);
    else
      this.close(
        closeCode("bad_request", `${command.kind} came first, expected {"id":1,"connect":{}} before it`),
      );
  }

  #connect(id: number, request: ConnectRequest): void {
    this.#state = "connecting";
    const { limits, clientId, version } = this.#options;
    void this.#lanes.run(id, "authorizing a connection", async () => {
      let admitted = false;
      try {
        const error = await this.#admission.connect(request);
        if (this.#isClosed || error !== undefined) return error;
        admitted = true;
      } finally {
        if (!admitted) this.#backToNew();
      }
      this.#state = "connected";
      this.#cancelStale();
      const ping = Math.ceil(limits.pingMs / 1_000);
      const lifetime = this.#admission.lifetime;
      this.#outbox.send(connectReply(id, { client: clientId, version, ping, pong: true, ...lifetime }));
      this.#heartbeat.start();
      for (const held of this.#held.splice(0)) this.#accept(held);
      return undefined;
    });
  }

  /** Not admitted: the client may try once more. */
  #backToNew(): void {
    if (!this.#isClosed) this.#state = "new";
    this.#held.length = 0;
  }

  get #isClosed(): boolean {
    return this.#state === "closed";
  }

  /** Answers with an error; from 3000 on its code closes the connection instead. */
  #refuse(id: number, error: PushError): void {
    if (error.code < CLOSE_CODE_MIN) this.#outbox.send(errorReply(id, error));
    else this.close({ code: error.code, reason: error.message });
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
