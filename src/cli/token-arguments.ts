import type { TokenFacts } from "../auth/mod.ts";
import { parseChannel, parseGrantedChannel, SCOPES } from "../protocol/mod.ts";
import { COMMON, parseWords, takeAtMost } from "./arguments.ts";
import { UsageError } from "./context.ts";

export const TOKEN_USAGE = `bun run token --sub USER [--scope read,backfill] [--channels C,C…] [--expires 1h]
bun run token --sub USER --channel C [--expires 1h]     a subscription token, for one channel

Signs a token with TOKEN_HMAC_SECRET and prints it. Without --scope it may read; without --channels it may read all.
--expires: a number of s, m, h or d; 366d at most. Exit: 0 done, 1 there is no secret, 2 usage.`;

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };
const LIFETIME_SECONDS_MAX = 366 * 86_400;

export type TokenArguments =
  | { readonly kind: "help" }
  | { readonly kind: "sign"; readonly facts: Omit<TokenFacts, "audience" | "issuer"> };

/** Reads the words after `bun run token`; a bare symbol in a channel belongs to `defaultVenue`. Throws {@link UsageError}. */
export function parseTokenArguments(argv: readonly string[], defaultVenue: string): TokenArguments {
  const { values, positionals } = parseWords(argv, {
    help: COMMON.help,
    sub: { type: "string" },
    scope: { type: "string" },
    channels: { type: "string" },
    channel: { type: "string" },
    expires: { type: "string" },
  });
  if (values.help === true) return { kind: "help" };
  takeAtMost(positionals, 0, "expected options alone");
  const { sub, channel } = values;
  if (sub === undefined || sub === "") throw new UsageError("expected --sub USER, got none");
  const lifetimeSeconds = secondsOf(values.expires ?? "1h");
  if (channel === undefined) {
    const scopes = values.scope === undefined ? undefined : scopesOf(values.scope);
    const channels = values.channels === undefined ? undefined : channelsOf(values.channels, defaultVenue);
    return { kind: "sign", facts: { user: sub, scopes, channels, lifetimeSeconds } };
  }
  if (values.scope !== undefined || values.channels !== undefined)
    throw new UsageError("--channel takes no --scope and no --channels: it is a token for one channel");
  if (parseChannel(channel, defaultVenue).kind === "unknown")
    throw new UsageError(`--channel: expected a channel such as levels:BTCUSDT, got "${channel}"`);
  return { kind: "sign", facts: { user: sub, channel, lifetimeSeconds } };
}

function scopesOf(text: string): string[] {
  const scopes = words(text);
  const unknown = scopes.find((word) => !SCOPES.some((scope) => scope === word));
  if (unknown === undefined) return scopes;
  throw new UsageError(`--scope: expected some of ${SCOPES.join(", ")}, got "${unknown}"`);
}

function channelsOf(text: string, defaultVenue: string): string[] {
  const channels = words(text);
  const unknown = channels.find((channel) => parseGrantedChannel(channel, defaultVenue).kind === "refused");
  if (unknown === undefined) return channels;
  throw new UsageError(
    `--channels: expected channels such as levels:BTCUSDT, levels:binance:* or backfill:*, got "${unknown}"`,
  );
}

function words(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== "");
}

function secondsOf(text: string): number {
  const match = /^(\d{1,8})([smhd])$/.exec(text);
  const seconds = Number(match?.[1]) * (UNITS[match?.[2] ?? ""] ?? Number.NaN);
  if (seconds >= 1 && seconds <= LIFETIME_SECONDS_MAX) return seconds;
  throw new UsageError(`--expires: expected a time such as 30m, 1h or 7d, 366d at most, got "${text}"`);
}
