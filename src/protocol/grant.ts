import { type Channel, formatChannel } from "./channels.ts";

/** What a token can allow: `read` levels, jobs and channels; `backfill` also start and control jobs. */
export const SCOPES = ["read", "backfill"] as const;
export type Scope = (typeof SCOPES)[number];

/** What a client may do, as its token says. */
export interface Grant {
  /** The token's `sub`; empty for an anonymous client. */
  readonly user: string;
  readonly scopes: ReadonlySet<Scope>;
  /** The first moment at which it is worth nothing any more, ms since the epoch; undefined: it has no end. */
  readonly expiresAtMs: number | undefined;
  /** Canonical names of the channels that may be read; undefined: all of them. */
  readonly channels: ReadonlySet<string> | undefined;
}

/** The grant of everybody on a server without a secret, which listens on loopback only. */
export const EVERYTHING: Grant = {
  user: "",
  scopes: new Set(SCOPES),
  expiresAtMs: undefined,
  channels: undefined,
};

/** Whether a grant lets its holder read a channel. */
export function mayReadChannel({ scopes, channels }: Grant, channel: Channel): boolean {
  return scopes.has("read") && (channels === undefined || channels.has(formatChannel(channel)));
}
