import { CHANNEL_CHARS_MAX, formatChannel, parseChannel } from "./channels.ts";

export type GrantedChannel =
  /** As it stands in a grant: a canonical name, or the beginning of such names with a `*` behind. */
  { readonly kind: "granted"; readonly channel: string } | { readonly kind: "refused" };

/** `backfill:*`, `levels:*`, `levels:binance:*`, `levels:binance:BTC*`, `levels:binance:BTCUSDT@*`. */
const PATTERN =
  /^([a-z_]{1,32}):(?:([a-z][a-z0-9_-]{0,31}):([A-Za-z0-9][A-Za-z0-9._-]{0,39})?([@:][\w-]*)?)?\*$/;

/** What a channel, or a pattern of channels, means in a token; written as a client writes channels. */
export function parseGrantedChannel(text: string, defaultVenue: string): GrantedChannel {
  if (text.length > CHANNEL_CHARS_MAX) return { kind: "refused" };
  if (!text.endsWith("*")) {
    const parsed = parseChannel(text, defaultVenue);
    return parsed.kind === "unknown"
      ? { kind: "refused" }
      : { kind: "granted", channel: formatChannel(parsed.channel) };
  }
  const match = PATTERN.exec(text);
  if (match === null) return { kind: "refused" };
  const [, namespace, venue, symbol = "", suffix = ""] = match;
  if (suffix !== "" && symbol === "") return { kind: "refused" };
  const rest = venue === undefined ? "" : `${venue}:${symbol.toUpperCase()}${suffix}`;
  return { kind: "granted", channel: `${namespace}:${rest}*` };
}
