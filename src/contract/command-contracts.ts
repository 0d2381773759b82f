import * as v from "valibot";
import {
  type ClientCommand,
  ConnectRequest,
  ConnectResult,
  HistoryRequest,
  HistoryResult,
  Lifetime,
  PingRequest,
  RefreshRequest,
  RpcRequest,
  RpcResult,
  SubRefreshRequest,
  SubscribeRequest,
  SubscribeResult,
  UnsubscribeRequest,
} from "../protocol/mod.ts";

/** Stands in examples for a token that is worth something. */
export const EXAMPLE_TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJkZXNrIn0.c2lnbmF0dXJl";

/** Methods of the protocol that are answered. */
export type PushMethod = Exclude<ClientCommand["kind"], "refused" | "pong" | "ignored">;

/** A command as it stands on the wire, and whether it is answered with an error. */
export interface CommandExample {
  readonly about: string;
  readonly request: unknown;
  /** The code of the error that it is answered with. Default: none, it succeeds. */
  readonly error?: number;
}

export interface CommandContract {
  readonly about: string;
  readonly request: v.GenericSchema;
  readonly result: v.GenericSchema;
  readonly examples: Readonly<Record<string, CommandExample>>;
}

const LEVELS_CHANNEL = "levels:binance:BTCUSDT";
const Empty = v.object({});

/** Every command of a client. */
export const COMMANDS: Readonly<Record<PushMethod, CommandContract>> = {
  connect: {
    about: "Comes first, once. A server with a secret takes a token.",
    request: ConnectRequest,
    result: ConnectResult,
    examples: {
      anonymous: { about: "Without a token.", request: {} },
      token: { about: "With a token.", request: { token: EXAMPLE_TOKEN } },
      named: { about: "With a name for the log.", request: { name: "desk", version: "1.0.0" } },
    },
  },
  subscribe: {
    about:
      "Joins a channel; its reply holds the state, or the position in the history. `recover` with the epoch and the offset of the last event gives what was missed, whole, or error 112.",
    request: SubscribeRequest,
    result: SubscribeResult,
    examples: {
      levels: { about: "The level set of the running session.", request: { channel: LEVELS_CHANNEL } },
      recover: {
        about: "Whatever happened after the first event, in whatever history there is.",
        request: { channel: "backfill", recover: true, epoch: "", offset: 1 },
      },
      unrecoverable: {
        about: "A history that is gone.",
        request: { channel: "backfill", recover: true, epoch: "00000000", offset: 1 },
        error: 112,
      },
      unknown: { about: "A channel that there is not.", request: { channel: "weather:berlin" }, error: 102 },
    },
  },
  unsubscribe: {
    about: "Leaves a channel; answered also for one that was not subscribed.",
    request: UnsubscribeRequest,
    result: Empty,
    examples: { levels: { about: "No more of it.", request: { channel: LEVELS_CHANNEL } } },
  },
  refresh: {
    about: "A new token for the connection, before the old one ends.",
    request: RefreshRequest,
    result: Lifetime,
    examples: { token: { about: "The next token.", request: { token: EXAMPLE_TOKEN } } },
  },
  sub_refresh: {
    about: "The same for a channel that was subscribed with a token of its own.",
    request: SubRefreshRequest,
    result: Lifetime,
    examples: {
      token: { about: "The next token.", request: { channel: LEVELS_CHANNEL, token: EXAMPLE_TOKEN } },
    },
  },
  history: {
    about:
      "Events of a lossless channel. `limit` 0 asks for the position only, -1 for all that one reply carries.",
    request: HistoryRequest,
    result: HistoryResult,
    examples: {
      position: { about: "Where it stands.", request: { channel: "backfill", limit: 0 } },
      oldest: {
        about: "The two oldest.",
        request: { channel: "backfill", limit: 2, since: { offset: 0, epoch: "" } },
      },
      conflated: { about: "A channel without a history.", request: { channel: LEVELS_CHANNEL }, error: 108 },
    },
  },
  rpc: {
    about:
      "Calls the HTTP interface over this connection: `levels`, `profile`, `backfill.start`, `backfill.control`. The data are the parameters and the body of the route, the answer is its answer.",
    request: RpcRequest,
    result: RpcResult,
    examples: {
      levels: {
        about: "`GET /levels`.",
        request: { method: "levels", data: { symbol: "binance:BTCUSDT" } },
      },
      control: {
        about: "A job that there is not.",
        request: {
          method: "backfill.control",
          data: { job_id: "00000000-0000-7000-8000-000000000000", command: "pause" },
        },
        error: 404,
      },
      unknown: { about: "A method that there is not.", request: { method: "sing" }, error: 104 },
    },
  },
  ping: {
    about: "Asks whether the server lives. (The server's own pings are empty objects.)",
    request: PingRequest,
    result: Empty,
    examples: { ping: { about: "Does it live?", request: {} } },
  },
};
