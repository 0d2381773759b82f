import { type ParsedConnect, parseConnectRequest } from "../protocol/mod.ts";
import type { PushHub } from "../push/mod.ts";
import { AddressCounts } from "./address-counts.ts";
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
/** Characters of an address: an IPv6 one with its zone is shorter. */
const ADDRESS_CHARS_MAX = 64;
const EXAMPLE = `?${CONNECT_PARAMETER}={"subs":{"CHANNEL":{}}}`;

/** What a request for a push address comes to. */
export type Entry =
  /** It is none. */
  | { readonly kind: "elsewhere" }
  | { readonly kind: "answer"; readonly response: Response }
  /** It becomes a WebSocket; `connect` is what its address asked for. */
  | {
      readonly kind: "socket";
      readonly oneWay: boolean;
      readonly connect: ParsedConnect | undefined;
      /** Of the client. */
      readonly address: string;
    };

export interface PushDoorOptions {
  readonly push: PushHub;
  /** Origins of pages that may connect, beside our own. */
  readonly allowedOrigins: readonly string[];
  /** The header in which a proxy names the client's address; undefined: there is no proxy. */
  readonly addressHeader: string | undefined;
}

/** Decides about requests for push, before any connection is made. */
export class PushDoor {
  readonly #options: PushDoorOptions;
  readonly #addresses: AddressCounts;

  constructor(options: PushDoorOptions) {
    const { connectionsPerAddressMax, connectionsPerLoopbackMax } = options.push.limits;
    this.#options = options;
    this.#addresses = new AddressCounts({
      perAddressMax: connectionsPerAddressMax,
      perLoopbackMax: connectionsPerLoopbackMax,
    });
  }

  /** `socketAddress`: where the request comes from, as the socket has it. */
  open(request: Request, socketAddress: string): Entry {
    const { push, allowedOrigins } = this.#options;
    const url = new URL(request.url);
    const manner = MANNERS.get(url.pathname);
    if (manner === undefined) return { kind: "elsewhere" };
    if (!originAllowed(request, allowedOrigins)) return answer(403, "Origin not allowed", ORIGIN_HELP);
    if (!push.accepting) return FULL();
    const address = this.#addressOf(request, socketAddress);
    if (this.#addresses.full(address)) return this.#tooMany(address);
    const wanted = manner === "two_way" ? null : url.searchParams.get(CONNECT_PARAMETER);
    const connect = wanted === null ? undefined : withBearer(parseConnectRequest(wanted), request);
    if (manner === "event_stream") return this.#stream(request, connect, address);
    return { kind: "socket", oneWay: manner === "one_way_socket", connect, address };
  }

  /** Counts a connection; what it answers takes it back. */
  enter(address: string): () => void {
    return this.#addresses.add(address);
  }

  #stream(request: Request, connect: ParsedConnect | undefined, address: string): Entry {
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
    const leave = this.enter(address);
    const response = eventStream(this.#options.push, connect.request, corsHeaders(request), leave);
    if (response !== undefined) return { kind: "answer", response };
    leave();
    return FULL();
  }

  /** A proxy appends the address it saw, so the last one is the one to believe. */
  #addressOf(request: Request, socketAddress: string): string {
    const { addressHeader } = this.#options;
    const named = addressHeader === undefined ? null : request.headers.get(addressHeader);
    return named?.split(",").at(-1)?.trim().slice(0, ADDRESS_CHARS_MAX) || socketAddress;
  }

  #tooMany(address: string): Entry {
    const detail = `This address has ${this.#addresses.maxOf(address)} connections open, and may have no more.`;
    return answer(429, "Too many connections", detail);
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
