import { symbolName } from "../core/mod.ts";
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
  /** What may be read: canonical names of channels, and beginnings of such names with a `*` behind; undefined: all channels. */
  readonly channels: ReadonlySet<string> | undefined;
}

/** What a token turned out to be. `reason` is ASCII and quotes nothing of the token's. */
export type TokenVerdict =
  | { readonly kind: "granted"; readonly grant: Grant }
  /** Its holder should fetch a new one. */
  | { readonly kind: "expired"; readonly reason: string }
  | { readonly kind: "invalid"; readonly reason: string }
  /** It cannot be told now: the keys are not at hand. */
  | { readonly kind: "unavailable"; readonly reason: string };

/** The grant of everybody on a server without a secret, which listens on loopback only. */
export const EVERYTHING: Grant = {
  user: "",
  scopes: new Set(SCOPES),
  expiresAtMs: undefined,
  channels: undefined,
};

/** Whether a grant lets its holder read a channel. */
export function mayReadChannel(grant: Grant, channel: Channel): boolean {
  return grant.scopes.has("read") && coversChannel(grant, channel);
}

/** Whether a channel is among those of a grant, whatever its holder may do with them. */
export function coversChannel({ channels }: Grant, channel: Channel): boolean {
  if (channels === undefined) return true;
  const name = formatChannel(channel);
  if (channels.has(name)) return true;
  for (const each of channels) if (each.endsWith("*") && name.startsWith(each.slice(0, -1))) return true;
  return false;
}

/**
 * Whether a grant covers a symbol, for answers that are about a symbol and no channel: it has a channel of the symbol, or a pattern that
 * such a channel fits. Names of channels of symbols read `NAMESPACE:VENUE:SYMBOL`, with `@…` or `:…` behind.
 */
export function coversSymbol(
  { channels }: Grant,
  of: { readonly venue: string; readonly symbol: string },
): boolean {
  if (channels === undefined) return true;
  const symbol = symbolName(of);
  for (const each of channels) {
    const { namespace, rest } = splitName(each);
    if (namespace === "backfill") continue;
    const isPattern = rest.endsWith("*");
    if (isPattern && symbol.startsWith(rest.slice(0, -1))) return true;
    if (rest.startsWith(symbol) && ["", "@", ":"].includes(rest.charAt(symbol.length))) return true;
  }
  return false;
}

function splitName(name: string): { namespace: string; rest: string } {
  const colon = name.indexOf(":");
  return colon < 0
    ? { namespace: name, rest: "" }
    : { namespace: name.slice(0, colon), rest: name.slice(colon + 1) };
}
