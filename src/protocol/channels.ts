import { BAR_INTERVALS, type BarInterval, parseDay, parseSymbolName, symbolName } from "../core/mod.ts";

/** Characters in a channel name. */
export const CHANNEL_CHARS_MAX = 255;

/** What a client may subscribe to. */
export type Channel =
  /** Every transition of every job. */
  | { readonly kind: "backfill" }
  /** One job: its transitions and its progress. */
  | { readonly kind: "job"; readonly jobId: string }
  /** The level set of a symbol: of the running session, or of the session (`YYYY-MM-DD`) that is named. */
  | { readonly kind: "levels"; readonly venue: string; readonly symbol: string; readonly session?: string }
  /** The volume profile of a symbol, of the running session or of a named one, with its levels. */
  | { readonly kind: "profile"; readonly venue: string; readonly symbol: string; readonly session?: string }
  /** The newest bars of a symbol. */
  | { readonly kind: "bars"; readonly venue: string; readonly symbol: string; readonly interval: BarInterval }
  /** What is missing of a symbol, or contradicts the venue's candles: found, filled, mismatch, resolved. */
  | { readonly kind: "gaps"; readonly venue: string; readonly symbol: string };

export type ParsedChannel =
  | { readonly kind: "channel"; readonly channel: Channel }
  | { readonly kind: "unknown"; readonly message: string };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const INTERVALS = BAR_INTERVALS.join("|");
const EXPECTED = `expected backfill, backfill:{job_id}, levels:{symbol}, profile:{symbol}, either of them with @{YYYY-MM-DD}, bars:{symbol}:{${INTERVALS}} or gaps:{symbol}, with symbol as VENUE:SYMBOL or SYMBOL`;

/**
 * The channel that a name means; a bare symbol belongs to `defaultVenue`. Several names can mean one channel
 * (`levels:btcusdt`, `levels:binance:BTCUSDT`); {@link formatChannel} gives the one it is kept under.
 */
export function parseChannel(name: string, defaultVenue: string): ParsedChannel {
  if (name.length > CHANNEL_CHARS_MAX)
    return unknown(`the name has ${name.length} characters, at most ${CHANNEL_CHARS_MAX} are allowed`);
  if (name === "backfill") return { kind: "channel", channel: { kind: "backfill" } };
  const colon = name.indexOf(":");
  const namespace = colon < 0 ? name : name.slice(0, colon);
  const rest = colon < 0 ? "" : name.slice(colon + 1);
  if (namespace === "backfill") {
    if (!UUID.test(rest)) return unknown(`"${rest}" in "${name}" is no job id (a UUID)`);
    return { kind: "channel", channel: { kind: "job", jobId: rest.toLowerCase() } };
  }
  if (namespace === "levels" || namespace === "profile")
    return parseOfSession(namespace, name, rest, defaultVenue);
  if (namespace === "bars") return parseBars(name, rest, defaultVenue);
  if (namespace === "gaps") {
    const symbol = parseSymbolName(rest, defaultVenue);
    if (symbol === undefined) return unknown(`"${name}" names no symbol; ${EXPECTED}`);
    return { kind: "channel", channel: { kind: "gaps", ...symbol } };
  }
  return unknown(`"${name}" is none of ours; ${EXPECTED}`);
}

/** The canonical name of a channel; every function that takes a channel's name on the server side means this one. */
export function formatChannel(channel: Channel): string {
  switch (channel.kind) {
    case "backfill":
      return "backfill";
    case "job":
      return `backfill:${channel.jobId}`;
    case "gaps":
      return `gaps:${symbolName(channel)}`;
    case "bars":
      return `bars:${symbolName(channel)}:${channel.interval}`;
    case "levels":
    case "profile":
      return `${channel.kind}:${symbolName(channel)}${channel.session === undefined ? "" : `@${channel.session}`}`;
  }
}

function parseOfSession(
  kind: "levels" | "profile",
  name: string,
  rest: string,
  defaultVenue: string,
): ParsedChannel {
  const at = rest.indexOf("@");
  const session = at < 0 ? undefined : rest.slice(at + 1);
  const symbol = parseSymbolName(at < 0 ? rest : rest.slice(0, at), defaultVenue);
  if (symbol === undefined) return unknown(`"${name}" names no symbol; ${EXPECTED}`);
  if (session === undefined) return { kind: "channel", channel: { kind, ...symbol } };
  if (parseDay(session) === undefined) return unknown(`"${session}" in "${name}" is no day (YYYY-MM-DD)`);
  return { kind: "channel", channel: { kind, ...symbol, session } };
}

function parseBars(name: string, rest: string, defaultVenue: string): ParsedChannel {
  const colon = rest.lastIndexOf(":");
  const text = rest.slice(colon + 1);
  const interval = BAR_INTERVALS.find((each) => each === text);
  if (interval === undefined) return unknown(`"${name}" names no interval; ${EXPECTED}`);
  const symbol = colon < 0 ? undefined : parseSymbolName(rest.slice(0, colon), defaultVenue);
  if (symbol === undefined) return unknown(`"${name}" names no symbol; ${EXPECTED}`);
  return { kind: "channel", channel: { kind: "bars", ...symbol, interval } };
}

function unknown(message: string): ParsedChannel {
  return { kind: "unknown", message };
}
