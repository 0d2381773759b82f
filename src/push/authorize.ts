import {
  type Channel,
  type ConnectRequest,
  EVERYTHING,
  type Grant,
  type PushError,
} from "../protocol/mod.ts";

/**
 * Below 3000 `code` is an error code of the reply (109 makes a client fetch a new token); from 3000 on it is a close code.
 * `reason` is shown to the client.
 */
export interface Rejected {
  readonly kind: "rejected";
  readonly code: number;
  readonly reason: string;
}

/** A rejection as the answer to a command. */
export function errorOf({ code, reason }: Rejected): PushError {
  return { code, message: reason === "" ? "rejected" : reason };
}

export type Authorization = { readonly kind: "accepted"; readonly grant: Grant } | Rejected;

/** What a subscription token allows: one channel, until then. */
export type ChannelAuthorization =
  | { readonly kind: "accepted"; readonly expiresAtMs: number | undefined }
  | Rejected;

type Awaitable<T> = T | Promise<T>;

/** Decides what the client of a connection may do. */
export interface Authorizer {
  /** From its connect command. */
  connect(request: ConnectRequest): Awaitable<Authorization>;
  /** From the token of a `refresh`; `held` is what it may do now. A token of another user is rejected. */
  refresh(token: string, held: Grant): Awaitable<Authorization>;
  /** From a subscription token (`subscribe`, `sub_refresh`): a channel beyond those of the connection's own token. */
  subscription(token: string, channel: Channel, held: Grant): Awaitable<ChannelAuthorization>;
}

/** A server without a secret asks nobody: everybody may do everything. */
export const acceptEverybody: Authorizer = {
  connect: () => ({ kind: "accepted", grant: EVERYTHING }),
  refresh: () => ({ kind: "accepted", grant: EVERYTHING }),
  subscription: () => ({ kind: "accepted", expiresAtMs: undefined }),
};
