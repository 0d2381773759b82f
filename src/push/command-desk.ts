import {
  type ClientCommand,
  type PushError,
  pingReply,
  pushError,
  type RpcRequest,
  refreshReply,
} from "../protocol/mod.ts";
import type { Admission } from "./admission.ts";
import type { Lanes, Work } from "./lanes.ts";
import type { Outbox } from "./outbox.ts";
import type { RpcDesk } from "./rpc-desk.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** The lane of commands that concern the connection itself: a name that no channel has. */
const CONNECTION_LANE = "";

export interface CommandDeskOptions {
  readonly outbox: Outbox;
  readonly subscriptions: Subscriptions;
  readonly admission: Admission;
  readonly lanes: Lanes;
  readonly rpc: RpcDesk;
  readonly refuse: (id: number, error: PushError) => void;
  /** Whether the connection has ended, so that what waited in a lane is not begun. */
  readonly ended: () => boolean;
}

/** A command that a connected client is answered. */
export type DeskCommand = Exclude<ClientCommand, { kind: "pong" | "ignored" }>;

/** What each command of a connected client does. */
export class CommandDesk {
  readonly #options: CommandDeskOptions;

  constructor(options: CommandDeskOptions) {
    this.#options = options;
  }

  /** Returns at once; the answer follows, in order with the other commands on the same channel. */
  take(command: DeskCommand): void {
    const { subscriptions, admission, outbox, lanes, refuse } = this.#options;
    const { id } = command;
    switch (command.kind) {
      case "subscribe":
        this.#read(command.request.channel, id, () => subscriptions.subscribe(id, command.request));
        break;
      case "history":
        this.#read(command.request.channel, id, () => subscriptions.history(id, command.request));
        break;
      case "unsubscribe":
        this.#inLane(command.request.channel, id, () =>
          subscriptions.unsubscribe(id, command.request.channel),
        );
        break;
      case "sub_refresh":
        this.#inLane(command.request.channel, id, () =>
          admission.expired ? pushError("stale_token") : subscriptions.refresh(id, command.request),
        );
        break;
      case "refresh":
        this.#inLane(CONNECTION_LANE, id, () => this.#refresh(id, command.request.token));
        break;
      case "rpc":
        void lanes.run(id, `answering a call of ${command.request.method}`, () =>
          this.#call(id, command.request),
        );
        break;
      case "ping":
        outbox.send(pingReply(id));
        break;
      case "refused":
        refuse(id, command.error);
        break;
      case "connect":
        refuse(id, pushError("bad_request", "this connection is connected already"));
    }
  }

  async #refresh(id: number, token: string): Promise<PushError | undefined> {
    const { admission, outbox } = this.#options;
    const error = await admission.refresh(token);
    if (error === undefined) outbox.send(refreshReply(id, admission.lifetime));
    return error;
  }

  /** Calls concern no channel, so none waits for another. */
  async #call(id: number, request: RpcRequest): Promise<PushError | undefined> {
    const { admission, rpc } = this.#options;
    if (admission.expired || admission.grant === undefined) return pushError("token_expired");
    return rpc.call(id, request, admission.grant);
  }

  /** A command that reads something new: not with a grant that has ended. */
  #read(channel: string, id: number, work: Work): void {
    const { admission } = this.#options;
    this.#inLane(channel, id, () => (admission.expired ? pushError("token_expired") : work()));
  }

  #inLane(lane: string, id: number, work: Work): void {
    const { lanes, ended } = this.#options;
    const doing = lane === CONNECTION_LANE ? "refreshing a connection" : `answering a command on ${lane}`;
    lanes.runIn(lane, id, doing, () => (ended() ? undefined : work()));
  }
}
