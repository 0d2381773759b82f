import * as v from "valibot";
import { type DescribedRoute, type RouteContract, TAGS } from "../contract/mod.ts";
import type { Asset } from "./asset.ts";
import type { Route } from "./route.ts";

/** What the index at `/` tells of a route. */
export interface Endpoint {
  readonly method: string;
  readonly path: string;
  readonly about: string;
}

const CONNECT_TEXT = v.pipe(
  v.string(),
  v.description("a connect request as JSON, with the channels in `subs`"),
);
const CONNECT_EXAMPLE = { cf_connect: '{"subs":{"backfill":{}}}' };
const REFUSALS = {
  403: "A page whose origin is neither ours nor in ALLOWED_ORIGINS.",
  429: "The address has as many connections as it may have.",
  503: "The server is full or shutting down.",
};
const SOCKET_REFUSALS = { ...REFUSALS, 426: "What came is no WebSocket." };

/** What this server offers beside the routes of the app: whatever speaks on a socket. */
export const ELSEWHERE: readonly DescribedRoute[] = [
  {
    method: "GET",
    path: "/connection/websocket",
    about: "push: the Centrifugo client protocol v2 in JSON (also at /ws)",
    contract: {
      operation: "openPushConnection",
      tag: "push",
      refusals: SOCKET_REFUSALS,
      answer: { status: 101, about: "The connection is a WebSocket from here on." },
      examples: { open: { about: "A WebSocket." } },
    },
  },
  {
    method: "GET",
    path: "/connection/uni_websocket",
    about: 'push for who only listens (cf_connect={"subs":{"CHANNEL":{}}})',
    contract: {
      operation: "openOneWayPush",
      tag: "push",
      description:
        "Each message is one push; `docs/push-protocol.md` lists them. Without `cf_connect` the first message is the connect request. Other parameters are not looked at.",
      query: { entries: { cf_connect: v.optional(CONNECT_TEXT) } },
      refusals: SOCKET_REFUSALS,
      answer: { status: 101, about: "The connection is a WebSocket from here on." },
      examples: { open: { about: "A WebSocket.", query: CONNECT_EXAMPLE } },
    },
  },
  {
    method: "GET",
    path: "/connection/uni_sse",
    about: 'push as server-sent events (cf_connect={"subs":{"CHANNEL":{}}})',
    contract: {
      operation: "openPushEvents",
      tag: "push",
      description:
        "Each event is one push; `docs/push-protocol.md` lists them. Other parameters than this one are not looked at.",
      query: { entries: { cf_connect: CONNECT_TEXT } },
      refusals: { ...REFUSALS, 400: "There is no connect request, or it is not one." },
      answer: {
        status: 200,
        about: "Events until either side ends the connection.",
        mediaType: "text/event-stream",
      },
      examples: { open: { about: "Every transition of every job.", query: CONNECT_EXAMPLE } },
    },
  },
];

/** All that this server offers, with its contract: what `GET /` lists and `GET /openapi.json` describes. */
export function describedRoutes(routes: readonly Route[], assets: readonly Asset[]): DescribedRoute[] {
  const listed = assets.flatMap(({ path, contentType, about }) =>
    about === undefined ? [] : [{ method: "GET", path, about, contract: fileContract(path, contentType) }],
  );
  return [...ELSEWHERE, ...routes, ...listed];
}

export function endpointOf({ method, path, about }: DescribedRoute): Endpoint {
  return { method, path, about };
}

function fileContract(path: string, contentType: string): RouteContract {
  const words = path.split(/\W+/).filter((word) => word !== "");
  const name = words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join("");
  return {
    operation: `get${name}`,
    tag: "contracts",
    answer: { status: 200, about: TAGS.contracts, mediaType: contentType },
    examples: { read: { about: "The whole of it." } },
  };
}
