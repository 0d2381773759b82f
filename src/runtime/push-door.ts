import { type ParsedConnect, parseConnectRequest } from "../protocol/mod.ts";
import type { PushHub } from "../push/mod.ts";
import { eventStream } from "./event-stream.ts";
import { originAllowed } from "./origin.ts";
import { plainProblem } from "./plain-problem.ts";

/** How a client speaks: over a WebSocket both ways, or only listening, over a WebSocket or an event stream. */
type Manner = "two_way" | "one_way_socket" | "event_stream";

/** Where the push protocol is spoken. */
const MANNERS: ReadonlyMap<string, Manner> = new Map([
  ["/connection/websocket", "two_way"],
  ["/ws", "two_way"],
  ["/connection/uni_websocket", "one_way_socket"],
  ["/connection/uni_sse", "event_stream"],
]);

/** The parameter of an address that holds a connect request. */
const CONNECT_PARAMETER = "cf_connect";
const EXAMPLE = `?${CONNECT_PARAMETER}={"subs":{"CHANNEL":{}}}`;

/** What a request for a push address comes to. */
export type Entry =
  /** It is none. */
  | { readonly kind: "elsewhere" }
  | { readonly kind: "answer"; readonly response: Response }
  /** It becomes a WebSocket; `connect` is what its address asked for. */
  | { readonly kind: "socket"; readonly oneWay: boolean; readonly connect: ParsedConnect | undefined };

export interface PushDoorOptions {
  readonly push: PushHub;
  /** Origins of pages that may connect, beside our own. */
  readonly allowedOrigins: readonly string[];
}

/** Decides about requests for push, before any connection is made. */
export class PushDoor {
  readonly #options: PushDoorOptions;

  constructor(options: PushDoorOptions) {
    this.#options = options;
  }

  open(request: Request): Entry {
    const { push, allowedOrigins } = this.#options;
    const url = new URL(request.url);
    const manner = MANNERS.get(url.pathname);
    if (manner === undefined) return { kind: "elsewhere" };
    if (!originAllowed(request, allowedOrigins)) return answer(403, "Origin not allowed", ORIGIN_HELP);
    if (!push.accepting) return FULL();
    const wanted = manner === "two_way" ? null : url.searchParams.get(CONNECT_PARAMETER);
    const connect = wanted === null ? undefined : withBearer(parseConnectRequest(wanted), request);
    if (manner !== "event_stream") return { kind: "socket", oneWay: manner === "one_way_socket", connect };
    return this.#stream(request, connect);
  }

  #stream(request: Request, connect: ParsedConnect | undefined): Entry {
    if (request.method !== "GET")
      return answer(405, "The method is not allowed here", `${request.method} came, expected GET.`, {
        allow: "GET",
      });
    if (connect === undefined)
      return answer(
        400,
        "The request's address is not valid",
        `There is no ${CONNECT_PARAMETER}, expected ${EXAMPLE}`,
      );
    if (connect.kind === "malformed")
      return answer(400, "The request's address is not valid", `${CONNECT_PARAMETER}: ${connect.reason}`);
    const response = eventStream(this.#options.push, connect.request, corsHeaders(request));
    return response === undefined ? FULL() : { kind: "answer", response };
  }
}

/** The answer where a WebSocket was expected and none came. */
export function upgradeRequired(): Response {
  return plainProblem(426, "Upgrade required", "This address speaks WebSocket only.", {
    upgrade: "websocket",
  });
}

const ORIGIN_HELP = "The page that asks is neither ours nor listed in ALLOWED_ORIGINS.";
const FULL = () => answer(503, "No more connections", "The server is full or shutting down.");

/** A client that can set headers keeps its token out of the address. */
function withBearer(connect: ParsedConnect, request: Request): ParsedConnect {
  if (connect.kind === "malformed" || connect.request.token !== "") return connect;
  const bearer = /^Bearer +(\S+) *$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  return bearer === undefined ? connect : { kind: "connect", request: { ...connect.request, token: bearer } };
}

/** The origin is allowed by now: a page of it may read the answer. */
function corsHeaders(request: Request): Record<string, string> {
  const origin = request.headers.get("origin");
  return origin === null ? {} : { "access-control-allow-origin": origin, vary: "origin" };
}

function answer(...args: Parameters<typeof plainProblem>): Entry {
  return { kind: "answer", response: plainProblem(...args) };
}
