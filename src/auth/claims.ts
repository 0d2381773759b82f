import * as v from "valibot";
import {
  CHANNEL_CHARS_MAX,
  formatChannel,
  type Grant,
  parseChannel,
  parseGrantedChannel,
  SCOPES,
  type Scope,
} from "../protocol/mod.ts";

/** Characters of a user's name. */
const USER_CHARS_MAX = 256;
/** Channels and patterns in one token. */
const CHANNELS_MAX = 100;
const SCOPE_CHARS_MAX = 1_024;
/** Seconds since the epoch in a JWT: up to the year 9999. */
const SECONDS_MAX = 253_402_300_799;
/**
 * How far another machine's clock may stand from ours, seconds: a token is taken for so long after its `exp` and before its `nbf` and
 * `iat`.
 */
export const CLOCK_SKEW_SECONDS = 10;

const User = v.pipe(v.string(), v.minLength(1), v.maxLength(USER_CHARS_MAX));
const Seconds = v.pipe(v.number(), v.minValue(0), v.maxValue(SECONDS_MAX));
const ChannelText = v.pipe(v.string(), v.maxLength(CHANNEL_CHARS_MAX));
const ScopeText = v.pipe(v.string(), v.maxLength(SCOPE_CHARS_MAX));

/** Claims that every token has; others are tolerated, for issuers add their own. */
const Common = { sub: User, exp: Seconds, iat: v.optional(Seconds), nbf: v.optional(Seconds) };

const ConnectionClaims = v.object({
  ...Common,
  scope: v.optional(
    v.union([
      v.pipe(
        ScopeText,
        v.transform((text) => text.split(" ")),
      ),
      v.pipe(v.array(ScopeText), v.maxLength(CHANNELS_MAX)),
    ]),
  ),
  channels: v.optional(v.pipe(v.array(ChannelText), v.maxLength(CHANNELS_MAX))),
  /** A token for one channel is not one for a connection: without this it would be one for all channels. */
  channel: v.optional(v.never()),
});

const SubscriptionClaims = v.object({ ...Common, channel: ChannelText });

export type ReadClaims<T> =
  | { readonly kind: "read"; readonly value: T }
  | { readonly kind: "faulty"; readonly reason: string };

/** What the claims of a token grant its holder. `claims` are of a token that has been verified. */
export function readGrant(
  claims: unknown,
  { defaultVenue, nowMs }: { readonly defaultVenue: string; readonly nowMs: number },
): ReadClaims<Grant> {
  const parsed = v.safeParse(ConnectionClaims, claims);
  if (!parsed.success) return faulty(parsed.issues);
  const { sub, exp, iat, scope = ["read"], channels } = parsed.output;
  if (isAhead(iat, nowMs)) return { kind: "faulty", reason: "the claim iat lies in the future" };
  const granted = channels?.map((text) => parseGrantedChannel(text, defaultVenue));
  const bad = granted?.findIndex(({ kind }) => kind === "refused") ?? -1;
  if (bad >= 0) return { kind: "faulty", reason: `the claim channels.${bad} is no channel of this server` };
  return {
    kind: "read",
    value: {
      user: sub,
      scopes: new Set(scope.filter(isScope)),
      expiresAtMs: expiryOf(exp),
      channels:
        granted && new Set(granted.flatMap((each) => (each.kind === "granted" ? [each.channel] : []))),
    },
  };
}

export interface GrantedSubscription {
  readonly user: string;
  /** The canonical name of the channel. */
  readonly channel: string;
  readonly expiresAtMs: number;
}

/** What the claims of a subscription token grant: one channel. `claims` are of a token that has been verified. */
export function readSubscription(
  claims: unknown,
  { defaultVenue, nowMs }: { readonly defaultVenue: string; readonly nowMs: number },
): ReadClaims<GrantedSubscription> {
  const parsed = v.safeParse(SubscriptionClaims, claims);
  if (!parsed.success) return faulty(parsed.issues);
  const { sub, exp, iat, channel: text } = parsed.output;
  if (isAhead(iat, nowMs)) return { kind: "faulty", reason: "the claim iat lies in the future" };
  const named = parseChannel(text, defaultVenue);
  if (named.kind === "unknown")
    return { kind: "faulty", reason: "the claim channel is no channel of this server" };
  const value = { user: sub, channel: formatChannel(named.channel), expiresAtMs: expiryOf(exp) };
  return { kind: "read", value };
}

function isScope(word: string): word is Scope {
  return SCOPES.some((scope) => scope === word);
}

function expiryOf(exp: number): number {
  return Math.ceil((exp + CLOCK_SKEW_SECONDS) * 1_000);
}

function isAhead(iat: number | undefined, nowMs: number): boolean {
  return iat !== undefined && iat * 1_000 > nowMs + CLOCK_SKEW_SECONDS * 1_000;
}

/** Names the claim and nothing of its content. */
function faulty(issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]]): {
  kind: "faulty";
  reason: string;
} {
  const [issue] = issues;
  const path = v.getDotPath(issue) ?? "";
  return {
    kind: "faulty",
    reason:
      path === "channel" && issue.type === "never"
        ? "a token for one channel is not one for a connection"
        : `the claim ${path} is missing or has a wrong form`,
  };
}
