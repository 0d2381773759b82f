import type { Server, ServerWebSocket } from "bun";

export interface FakeTrade {
  readonly a: number;
  readonly p: string;
  readonly q: string;
  readonly f: number;
  readonly l: number;
  readonly T: number;
  readonly m: boolean;
}

interface SocketData {
  readonly streams: readonly string[];
}

/** A few of Binance's answers on loopback, for one symbol, with a word in each of them for the test. */
export class FakeBinance {
  trades: FakeTrade[] = [];
  klines: unknown[] = [];
  /** Answers the next request instead of the fake, when it answers at all. */
  intercept: (url: URL) => Response | Promise<Response> | undefined = () => undefined;
  /** Changes a page before it is sent. */
  twist: (rows: FakeTrade[], url: URL) => unknown = (rows) => rows;
  onMessage: (socket: ServerWebSocket<SocketData>, message: string) => void = () => {};
  onConnect: (socket: ServerWebSocket<SocketData>) => void = () => {};
  refuseUpgrades = false;
  readonly requests: string[] = [];
  readonly sockets: ServerWebSocket<SocketData>[] = [];
  readonly symbol = "BTCUSDT";
  readonly #server: Server<SocketData>;

  constructor() {
    this.#server = Bun.serve<SocketData>({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request, server) => this.#answer(request, server),
      websocket: {
        data: { streams: [] },
        open: (socket) => {
          this.sockets.push(socket);
          this.onConnect(socket);
        },
        message: (socket, message) => this.onMessage(socket, String(message)),
        sendPings: false,
      },
    });
  }

  get restUrl(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  get wsUrl(): string {
    return `ws://127.0.0.1:${this.#server.port}`;
  }

  async stop(): Promise<void> {
    await this.#server.stop(true);
  }

  #answer(request: Request, server: Server<SocketData>): Response | Promise<Response> | undefined {
    const url = new URL(request.url);
    if (url.pathname === "/stream") {
      const streams = (url.searchParams.get("streams") ?? "").split("/");
      if (!this.refuseUpgrades && server.upgrade(request, { data: { streams } })) return undefined;
      return new Response("<html>502 Bad Gateway</html>", { status: 502 });
    }
    this.requests.push(url.pathname + url.search);
    return this.intercept(url) ?? this.#rest(url);
  }

  #rest(url: URL): Response {
    const query = (name: string) => {
      const text = url.searchParams.get(name);
      return text === null ? undefined : Number(text);
    };
    const limit = query("limit") ?? 500;
    const headers = { "x-mbx-used-weight-1m": String(this.requests.length) };
    if (url.searchParams.has("symbol") && url.searchParams.get("symbol") !== this.symbol)
      return Response.json({ code: -1121, msg: "Invalid symbol." }, { status: 400, headers });
    switch (url.pathname) {
      case "/api/v3/time":
        return Response.json({ serverTime: 1_700_000_000_000 }, { headers });
      case "/api/v3/exchangeInfo":
        return Response.json(exchangeInfo(this.symbol), { headers });
      case "/api/v3/klines": {
        const start = query("startTime") ?? 0;
        const end = query("endTime") ?? Number.POSITIVE_INFINITY;
        const rows = this.klines.filter((row) => {
          const open = Array.isArray(row) ? Number(row[0]) : 0;
          return open >= start && open <= end;
        });
        return Response.json(rows.slice(0, limit), { headers });
      }
      case "/api/v3/aggTrades": {
        const from = query("fromId");
        const start = query("startTime");
        const end = query("endTime");
        let rows = this.trades;
        if (from !== undefined) rows = rows.filter((row) => row.a >= from);
        else if (start !== undefined && end !== undefined)
          rows = rows.filter((row) => row.T >= start && row.T <= end);
        else rows = rows.slice(-limit);
        return Response.json(this.twist(rows.slice(0, limit), url), { headers });
      }
      default:
        return new Response("not found", { status: 404 });
    }
  }
}

export function exchangeInfo(symbol: string, limit = 6_000): unknown {
  return {
    timezone: "UTC",
    rateLimits: [
      { rateLimitType: "ORDERS", interval: "SECOND", intervalNum: 10, limit: 50 },
      { rateLimitType: "REQUEST_WEIGHT", interval: "MINUTE", intervalNum: 1, limit },
    ],
    symbols: [
      {
        symbol,
        status: "TRADING",
        filters: [
          { filterType: "PRICE_FILTER", minPrice: "0.01000000", tickSize: "0.01000000" },
          { filterType: "LOT_SIZE", minQty: "0.00001000", stepSize: "0.00001000" },
        ],
      },
    ],
  };
}

/** `count` trades with contiguous ids from `firstId`, `stepMs` apart, several of them sharing a millisecond when it is below 1. */
export function fakeTrades(count: number, startMs: number, stepMs: number, firstId = 1): FakeTrade[] {
  return Array.from({ length: count }, (_, i) => ({
    a: firstId + i,
    p: (100 + (i % 50) / 100).toFixed(8),
    q: (((i % 7) + 1) / 1_000).toFixed(8),
    f: (firstId + i) * 2,
    l: (firstId + i) * 2 + 1,
    T: Math.floor(startMs + i * stepMs),
    m: i % 3 === 0,
  }));
}

/** The aggTrade frame of a trade. */
export function frameOf(trade: FakeTrade, symbol = "BTCUSDT"): string {
  const data = { e: "aggTrade", E: trade.T + 1, s: symbol, ...trade, M: true };
  return JSON.stringify({ stream: `${symbol.toLowerCase()}@aggTrade`, data });
}
