import { closeCode, givenRequestId, REQUEST_ID_HEADER } from "../protocol/mod.ts";
import type { PushHub, PushSession } from "../push/mod.ts";
import { type DoorOptions, refusedAtTheDoor } from "./door.ts";
import { type Entry, PushDoor, upgradeRequired } from "./push-door.ts";

/** Bytes that a character may need in UTF-8. */
const CHAR_BYTES = 3;
/** Above all that an outbox hands over, so that Bun never drops a frame by itself. */
const BACKPRESSURE_OUTBOXES = 4;
/** Above ping plus pong, so that the protocol notices first; it also ends sockets whose reader never takes the close frame. */
const IDLE_AFTER_PONG_MS = 27_000;
/** Above the longest wait that a request may ask for, and the deadline of its answer on top (60 + 30). */
const REQUEST_IDLE_SECONDS = 100;
/** Patience with running requests at the end, ms. */
const STOP_MS = 2_000;

/** What is known of a WebSocket before its first message. */
type Socket = Extract<Entry, { readonly kind: "socket" }>;

export interface ListenOptions extends DoorOptions {
  readonly hostname: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Answers every request that is no socket (Hono's `app.fetch`). */
  readonly fetch: (request: Request) => Response | Promise<Response>;
  readonly push: PushHub;
  /** The header in which a proxy names the client's address, in lower case; absent: there is no proxy. */
  readonly addressHeader?: string | undefined;
  /** Seconds after which a silent HTTP connection is closed. Default 100. */
  readonly idleTimeout?: number;
}

export interface WebServer {
  readonly url: string;
  readonly port: number;
  /** HTTP requests that are being answered. */
  readonly pendingRequests: number;
  /** Takes no new connections, waits for running requests for at most `graceMs`, then ends everything. Close the hub first. */
  stop(graceMs?: number): Promise<void>;
}

/** Serves HTTP and the push protocol on one port. Throws when the address is taken or not ours. */
export function listen(options: ListenOptions): WebServer {
  const { push, allowedOrigins = [], addressHeader } = options;
  const { limits } = push;
  const door = new PushDoor({ push, allowedOrigins, addressHeader });
  const sessions = new Map<Bun.ServerWebSocket<Socket>, PushSession>();
  const server = Bun.serve<Socket>({
    hostname: options.hostname,
    port: options.port,
    idleTimeout: options.idleTimeout ?? REQUEST_IDLE_SECONDS,
    fetch(request, bun) {
      const refused = refusedAtTheDoor(request, options);
      if (refused !== undefined) return named(refused, request);
      const entry = door.open(request, bun.requestIP(request)?.address ?? "");
      if (entry.kind === "elsewhere") return options.fetch(request);
      if (entry.kind === "answer") return named(entry.response, request);
      return bun.upgrade(request, { data: entry }) ? undefined : named(upgradeRequired(), request);
    },
    websocket: {
      perMessageDeflate: false,
      maxPayloadLength: CHAR_BYTES * limits.frameCharsMax,
      backpressureLimit: BACKPRESSURE_OUTBOXES * limits.outboxBytesMax,
      idleTimeout: Math.ceil((limits.pingMs + limits.pongMs + IDLE_AFTER_PONG_MS) / 1_000),
      sendPings: false,
      open(socket) {
        const session = accept(push, socket, door.enter(socket.data.address));
        if (session === undefined) socket.close(1013, "try again later");
        else sessions.set(socket, session);
      },
      message: (socket, message) =>
        sessions.get(socket)?.message(typeof message === "string" ? message : undefined),
      pong: (socket) => sessions.get(socket)?.ponged(),
      drain: (socket) => sessions.get(socket)?.drained(),
      close(socket) {
        sessions.get(socket)?.closed();
        sessions.delete(socket);
      },
    },
  });
  return {
    url: server.url.origin,
    port: server.port ?? options.port,
    get pendingRequests() {
      return server.pendingRequests;
    },
    async stop(graceMs = STOP_MS) {
      const late = Promise.withResolvers<void>();
      const timer = setTimeout(late.resolve, graceMs);
      await Promise.race([server.stop(false), late.promise]);
      clearTimeout(timer);
      await server.stop(true);
    },
  };
}

/** An answer that the app has not given, with the name of its request as those have it. */
function named(response: Response, request: Request): Response {
  response.headers.set(REQUEST_ID_HEADER, givenRequestId(request.headers) ?? crypto.randomUUID());
  return response;
}

function accept(
  push: PushHub,
  socket: Bun.ServerWebSocket<Socket>,
  leave: () => void,
): PushSession | undefined {
  const { oneWay, connect } = socket.data;
  const port = {
    send: (frame: string) => socket.sendText(frame),
    bufferedBytes: () => socket.getBufferedAmount(),
    close: (code: number, reason: string) => socket.close(code, reason),
  };
  const session = oneWay
    ? push.acceptOneWay({ ...port, ping: () => void socket.ping() }, leave)
    : push.accept(port, leave);
  if (session === undefined) leave();
  if (connect?.kind === "connect") session?.connect(connect.request);
  else if (connect !== undefined) session?.close(closeCode("bad_request", connect.reason));
  return session;
}
