import type { Server } from "bun";
import {
  createExchange,
  type Exchange,
  type ExchangeOptions,
  type SocketHandler,
  type SocketPlan,
} from "../simulator/mod.ts";

export interface SimulatorServerOptions extends Omit<ExchangeOptions, "clock"> {
  /** Default: the machine's clock. */
  readonly clock?: () => number;
  /** 0 (default) takes a free one. */
  readonly port?: number;
}

/** A running simulated exchange. Whoever started it stops it. */
export interface SimulatorServer {
  /** What belongs in `BINANCE_REST_URL`. */
  readonly restUrl: string;
  /** What belongs in `BINANCE_WS_URL`. */
  readonly wsUrl: string;
  readonly exchange: Exchange;
  stop(): Promise<void>;
}

/** It has no authentication and obeys whoever asks, so it listens to this machine alone. */
const LOOPBACK = "127.0.0.1";
const FRAME_BYTES_MAX = 1_048_576;

interface SocketData {
  readonly plan: SocketPlan;
  handler: SocketHandler | undefined;
}

/** Serves a simulated exchange on loopback, REST and WebSocket on one port. Throws when the port is taken. */
export function startSimulatorServer(options: SimulatorServerOptions): SimulatorServer {
  const exchange = createExchange({ ...options, clock: options.clock ?? Date.now });
  const server = serve(exchange, options.port ?? 0);
  const address = `${LOOPBACK}:${server.port}`;
  return {
    restUrl: `http://${address}`,
    wsUrl: `ws://${address}`,
    exchange,
    async stop() {
      exchange.close();
      await server.stop(true);
    },
  };
}

function serve(exchange: Exchange, port: number): Server<SocketData> {
  return Bun.serve<SocketData>({
    hostname: LOOPBACK,
    port,
    // A hanging answer is one of the faults; the exchange ends it, not a timer of the server.
    idleTimeout: 0,
    development: false,
    fetch(request, running) {
      if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") return exchange.handle(request);
      const handshake = exchange.handshake(new URL(request.url));
      if (handshake.kind === "refuse") return handshake.answer;
      if (running.upgrade(request, { data: { plan: handshake.plan, handler: undefined } })) return undefined;
      return new Response("", { status: 400 });
    },
    websocket: {
      idleTimeout: 0,
      sendPings: false,
      perMessageDeflate: false,
      maxPayloadLength: FRAME_BYTES_MAX,
      open(socket) {
        socket.data.handler = exchange.openSocket(socket.data.plan, {
          send: (text) => {
            socket.send(text);
          },
          ping: () => {
            socket.ping();
          },
          close: (code, reason) => socket.close(code, reason),
          terminate: () => socket.terminate(),
          bufferedBytes: () => socket.getBufferedAmount(),
        });
      },
      message(socket, message) {
        socket.data.handler?.message(typeof message === "string" ? message : message.toString("utf8"));
      },
      pong(socket) {
        socket.data.handler?.pong();
      },
      close(socket) {
        socket.data.handler?.closed();
      },
    },
  });
}
