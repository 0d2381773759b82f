import {
  CLOSE_CODE_MIN,
  CLOSE_CODES,
  type ClientCommand,
  type CloseCode,
  type ConnectRequest,
  closeCode,
  errorReply,
  fittingReason,
  PING_FRAME,
  type PushError,
  pushError,
  resubscribes,
  UNSUBSCRIBE_CODES,
  unsubscribeFrame,
} from "../protocol/mod.ts";
import { Admission } from "./admission.ts";
import type { Authorizer } from "./authorize.ts";
import type { ChannelTable } from "./channel-table.ts";
import { CommandBudget } from "./command-budget.ts";
import { CommandDesk } from "./command-desk.ts";
import { Greeting } from "./greeting.ts";
import { Heartbeat } from "./heartbeat.ts";
import { readConnectMessage, readMessage } from "./inbound.ts";
import { Lanes } from "./lanes.ts";
import { Outbox, type PushSocket } from "./outbox.ts";
import type { PushLimits } from "./push-limits.ts";
import { RpcDesk, type RpcHandler } from "./rpc-desk.ts";
import { Subscriptions } from "./subscriptions.ts";
import type { PushTimers } from "./timers.ts";

export interface SessionOptions {
  /** Whether the client only listens: its one message is a connect request, and it answers no ping of ours. */
  readonly oneWay: boolean;
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
  /** Its client was let in. */
  readonly onConnected: (session: PushSession) => void;
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
  readonly #budget: CommandBudget;
  readonly #greeting: Greeting;
  readonly #lanes: Lanes;
  readonly #rpc: RpcDesk;
  readonly #desk: CommandDesk;
  readonly #cancelStale: () => void;
  /** What came while the connect command was being decided. */
  readonly #held: ClientCommand[] = [];
  #state: "new" | "connecting" | "connected" | "closed" = "new";

  constructor(socket: PushSocket, options: SessionOptions) {
    const { limits, timers, nowMs, table, authorizer, defaultVenue, onError, oneWay } = options;
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
      onDropped: (channel, reason) => this.#unsubscribed(channel, reason),
      onError,
    });
    this.#admission = new Admission({
      authorizer,
      limits,
      timers,
      nowMs,
      // A client that only listens cannot come with a new token.
      graceMs: oneWay ? 0 : limits.expiredGraceMs,
      onGrant: (grant) => this.#subscriptions.restrict(grant),
      onLapsed: () => this.close(CLOSE_CODES.expired),
    });
    this.#heartbeat = new Heartbeat({
      timers,
      pingMs: limits.pingMs,
      pongMs: oneWay && socket.ping === undefined ? undefined : limits.pongMs,
      ping: () => {
        this.#outbox.send(PING_FRAME);
        socket.ping?.();
      },
      onDead: () => this.close(CLOSE_CODES.no_pong),
    });
    this.#budget = new CommandBudget(limits, timers);
    this.#greeting = new Greeting({
      outbox: this.#outbox,
      subscriptions: this.#subscriptions,
      admission: this.#admission,
      oneWay,
      about: {
        client: options.clientId,
        version: options.version,
        ping: Math.ceil(limits.pingMs / 1_000),
      },
      charsMax: limits.recoverCharsMax,
      onAdmitted: () => {
        this.#cancelStale();
        if (!this.#isClosed) options.onConnected(this);
        return !this.#isClosed;
      },
      refuseSubscription: (channel, error) => this.#refuseSubscription(channel, error),
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
    const { oneWay, limits } = this.#options;
    if (this.#isClosed) return;
    const unheard = oneWay && this.#state !== "new";
    const inbound = oneWay ? readConnectMessage(unheard ? "{}" : text, limits) : readMessage(text, limits);
    if (inbound.kind === "fault") this.close(inbound.close);
    else if (!this.#budget.take(inbound.commands.length)) {
      const { commandsPerSecond, commandsBurst } = limits;
      const allowed = `at most ${commandsPerSecond} commands a second, ${commandsBurst} at once`;
      this.close(closeCode("too_many_requests", allowed));
    } else if (!unheard) for (const command of inbound.commands) this.#accept(command);
  }

  /** A connect request that came by another way than a message. */
  connect(request: ConnectRequest): void {
    this.#accept({ kind: "connect", id: 1, request });
  }

  /** The transport's own ping was answered. */
  ponged(): void {
    if (this.#options.oneWay) this.#heartbeat.pong();
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
    void this.#lanes.run(id, "authorizing a connection", async () => {
      try {
        const error = await this.#greeting.greet(id, request);
        if (this.#isClosed || error !== undefined) return error;
        this.#state = "connected";
      } finally {
        if (this.#state === "connecting") this.#backToNew();
      }
      this.#heartbeat.start();
      for (const held of this.#held.splice(0)) this.#accept(held);
      return undefined;
    });
  }

  /** Not admitted: the client may try once more. */
  #backToNew(): void {
    this.#state = "new";
    this.#held.length = 0;
  }

  get #isClosed(): boolean {
    return this.#state === "closed";
  }

  /** Answers with an error; from 3000 on its code closes the connection instead, and so does every one where nothing was asked. */
  #refuse(id: number, error: PushError): void {
    if (error.code >= CLOSE_CODE_MIN) this.close({ code: error.code, reason: fittingReason(error.message) });
    else if (this.#options.oneWay) this.close(closeOf(error));
    else this.#outbox.send(errorReply(id, error));
  }

  #refuseSubscription(channel: string, error: PushError): void {
    if (error.code >= CLOSE_CODE_MIN) this.#refuse(0, error);
    else {
      const { code } = error.temporary ? UNSUBSCRIBE_CODES.later : UNSUBSCRIBE_CODES.refused;
      this.#unsubscribed(channel, { code, reason: error.message });
    }
  }

  /** A client that only listens cannot subscribe again: where that would help, it is made to connect again. */
  #unsubscribed(channel: string, reason: CloseCode): void {
    if (this.#options.oneWay && resubscribes(reason.code))
      this.close(closeCode("insufficient_state", `${channel}: ${reason.reason}`));
    else this.#outbox.send(unsubscribeFrame(channel, reason));
  }
}

/** The end of a connection whose client cannot be answered with an error. */
function closeOf(error: PushError): CloseCode {
  if (error.code === pushError("token_expired").code) return CLOSE_CODES.expired;
  if (error.temporary) return closeCode("server_error", error.message);
  const denied = error.code === pushError("permission_denied").code;
  return closeCode(denied ? "permission_denied" : "invalid_token", error.message);
}
