import type { Channel, ConnectRequest } from "../protocol/mod.ts";

export type Authorization =
  | {
      readonly kind: "accepted";
      /** Empty for an anonymous client. */
      readonly user: string;
      /** Whether the client may read a channel; absent: every channel. */
      readonly mayRead?: (channel: Channel) => boolean;
    }
  /**
   * Below 3000 `code` is an error code of the reply (109 makes a client fetch a new token); from 3000 on it is a close code.
   * `reason` is shown to the client.
   */
  | { readonly kind: "rejected"; readonly code: number; readonly reason: string };

/** Decides about a connection from its connect command. */
export type Authorize = (request: ConnectRequest) => Promise<Authorization> | Authorization;

/** Everybody may read everything. */
export const acceptEverybody: Authorize = () => ({ kind: "accepted", user: "" });
