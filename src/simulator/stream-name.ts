/** What the simulator sends on a stream; anything else is accepted and stays silent, as the exchange does it. */
export type StreamKind = "aggTrade" | "trade" | "kline_1m" | "other";

export interface StreamName {
  /** As it was subscribed: `btcusdt@aggTrade`. */
  readonly name: string;
  readonly symbol: string;
  readonly kind: StreamKind;
}

const NAME = /^([a-z0-9_.-]{1,20})@([A-Za-z0-9_@]{1,30})$/;

/** The parts of a stream's name, or undefined when it is none. Symbols are lower case on this wire. */
export function parseStreamName(name: string): StreamName | undefined {
  const match = NAME.exec(name);
  if (match === null) return undefined;
  const kind = match[2]!;
  return {
    name,
    symbol: match[1]!.toUpperCase(),
    kind: kind === "aggTrade" || kind === "trade" || kind === "kline_1m" ? kind : "other",
  };
}

/** How a socket was opened. */
export interface SocketPlan {
  readonly path: string;
  /** Frames are wrapped in `{"stream":…,"data":…}`. */
  readonly combined: boolean;
  readonly streams: readonly StreamName[];
}

/** The plan in `/ws`, `/ws/<stream>…` or `/stream?streams=a/b`; undefined when the URL is no stream address. */
export function planSocket(url: URL): SocketPlan | undefined {
  const path = url.pathname;
  const combined = path === "/stream";
  if (!combined && path !== "/ws" && !path.startsWith("/ws/")) return undefined;
  const list = combined
    ? (url.searchParams.get("streams") ?? "")
    : decodeURIComponent(path.slice("/ws/".length));
  const streams: StreamName[] = [];
  for (const name of list.split("/").filter((part) => part !== "")) {
    const stream = parseStreamName(name);
    if (stream === undefined) return undefined;
    streams.push(stream);
  }
  return { path, combined, streams };
}
