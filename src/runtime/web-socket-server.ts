import { closeCode } from "../protocol/mod.ts";
import { FRAME_CHARS_MAX, PUSH_LIMITS, type PushHub, type PushSession } from "../push/mod.ts";
import { type DoorOptions, refusedAtTheDoor } from "./door.ts";
import { type Entry, PushDoor, upgradeRequired } from "./push-door.ts";

/** Bytes of a frame of a client: UTF-8 may need three for a character. */
const PAYLOAD_BYTES_MAX = 3 * FRAME_CHARS_MAX;
/** Above all that an outbox hands over, so that Bun never drops a frame by itself. */
const BACKPRESSURE_BYTES_MAX = 4 * PUSH_LIMITS.outboxBytesMax;
/** Above ping plus pong, so that the protocol notices first; it also ends sockets whose reader never takes the close frame. */
const SOCKET_IDLE_SECONDS = 60;
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
  const { push, allowedOrigins = [] } = options;
  const door = new PushDoor({ push, allowedOrigins });
  const sessions = new Map<Bun.ServerWebSocket<Socket>, PushSession>();
  const server = Bun.serve<Socket>({
    hostname: options.hostname,
    port: options.port,
    idleTimeout: options.idleTimeout ?? REQUEST_IDLE_SECONDS,
    fetch(request, bun) {
      const refused = refusedAtTheDoor(request, options);
      if (refused !== undefined) return refused;
      const entry = door.open(request);
      if (entry.kind === "elsewhere") return options.fetch(request);
      if (entry.kind === "answer") return entry.response;
      return bun.upgrade(request, { data: entry }) ? undefined : upgradeRequired();
    },
    websocket: {
      perMessageDeflate: false,
      maxPayloadLength: PAYLOAD_BYTES_MAX,
      backpressureLimit: BACKPRESSURE_BYTES_MAX,
      idleTimeout: SOCKET_IDLE_SECONDS,
      sendPings: false,
      open(socket) {
        const session = accept(push, socket);
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

function accept(push: PushHub, socket: Bun.ServerWebSocket<Socket>): PushSession | undefined {
  const { oneWay, connect } = socket.data;
  const port = {
    send: (frame: string) => socket.send(frame),
    bufferedBytes: () => socket.getBufferedAmount(),
    close: (code: number, reason: string) => socket.close(code, reason),
  };
  if (!oneWay) return push.accept(port);
  const session = push.acceptOneWay({ ...port, ping: () => void socket.ping() });
  if (connect?.kind === "connect") session?.connect(connect.request);
  else if (connect !== undefined) session?.close(closeCode("bad_request", connect.reason));
  return session;
}
