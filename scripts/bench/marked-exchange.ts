/**
 * The exchange of the push benchmarks: the simulated one with a symbol that trades a thousand times a second from its start on, which
 * knows when it sent each trade. The last four digits of a price are the trade's number, so that the level LAST names a trade; bins are coarser, so
 * that the profile is that of an ordinary market. Beside it symbols for backfills.
 *
 * `GET /sent` answers the times at which the last 10,000 trades were sent, by number: ms since the epoch as 64-bit floats. It ends with its
 * standard input.
 */
import { minuteOfMs, type TradeBatch } from "../../src/core/mod.ts";
import {
  createExchange,
  createGeneratedMarket,
  type Market,
  PRESETS,
  type SocketHandler,
  type SocketPlan,
} from "../../src/simulator/mod.ts";
import { epochMs, LIQUID_SYMBOL, MARKED_SYMBOL, MARKS, QUIET_SYMBOL } from "./marks.ts";

const TRADES_PER_MINUTE = 60_000;
const US_PER_MINUTE = 60_000_000;
/** Minutes kept once they are made. */
const MINUTES_KEPT = 2_000;
const MARK_DIGITS = 4;
/** How often live trades are sent, ms. */
const TICK_MS = 5;
/** Above what the backfills here cost. */
const WEIGHT_LIMIT = 10_000_000;

interface SocketData {
  readonly plan: SocketPlan;
  handler: SocketHandler | undefined;
}

/** A quiet market until this minute and a dense one along the same prices from it on; each trade's number stands in its price. */
function markedMarket(denseFrom: number): Market {
  const preset = PRESETS.demo;
  const quiet = createGeneratedMarket({ symbol: MARKED_SYMBOL, preset });
  const scales = { ...preset.scales, priceScale: preset.scales.priceScale + MARK_DIGITS };
  const firstDense = quiet.positionAt(denseFrom);
  const firstRaw = quiet.tradesOf(denseFrom - 1).lastId.at(-1)! + 1;
  const made = new Map<number, TradeBatch>();

  const dense = (minute: number): TradeBatch => {
    const model = quiet.tradesOf(minute);
    const nth = (minute - denseFrom) * TRADES_PER_MINUTE;
    const column = (of: (at: number) => number) =>
      Float64Array.from({ length: TRADES_PER_MINUTE }, (_, at) => of(at));
    const modelAt = (at: number) => Math.floor((at * model.length) / TRADES_PER_MINUTE);
    return {
      kind: model.kind,
      scales,
      length: TRADES_PER_MINUTE,
      id: column((at) => firstDense + nth + at),
      timeUs: column((at) => minute * US_PER_MINUTE + Math.floor((at * US_PER_MINUTE) / TRADES_PER_MINUTE)),
      price: column((at) => model.price[modelAt(at)]!),
      size: column((at) => model.size[modelAt(at)]!),
      firstId: column((at) => firstRaw + nth + at),
      lastId: column((at) => firstRaw + nth + at),
      buy: Uint8Array.from({ length: TRADES_PER_MINUTE }, (_, at) => model.buy[modelAt(at)]!),
    };
  };

  return {
    spec: { ...quiet.spec, scales },
    span: quiet.span,
    positionAt: (minute) =>
      minute <= denseFrom ? quiet.positionAt(minute) : firstDense + (minute - denseFrom) * TRADES_PER_MINUTE,
    minuteOfPosition: (position) =>
      position < firstDense
        ? quiet.minuteOfPosition(position)
        : denseFrom + Math.floor((position - firstDense) / TRADES_PER_MINUTE),
    positionOfId: (id) => Math.max(0, id),
    tradesOf(minute) {
      const known = made.get(minute);
      if (known !== undefined) return known;
      const batch = minute < denseFrom ? quiet.tradesOf(minute) : dense(minute);
      const price = batch.price.map((units, at) => units * MARKS + (batch.id[at]! % MARKS));
      const marked = { ...batch, scales, price };
      made.set(minute, marked);
      const [oldest] = made.keys();
      if (made.size > MINUTES_KEPT && oldest !== undefined) made.delete(oldest);
      return marked;
    },
  };
}

const sentMs = new Float64Array(MARKS);
const exchange = createExchange({
  markets: [
    markedMarket(minuteOfMs(Date.now())),
    createGeneratedMarket({ symbol: QUIET_SYMBOL, preset: PRESETS.thin }),
    createGeneratedMarket({ symbol: LIQUID_SYMBOL, preset: PRESETS.liquid }),
  ],
  clock: Date.now,
  weights: { limitPerMinute: WEIGHT_LIMIT },
  streams: { tickMs: TICK_MS },
});

const server = Bun.serve<SocketData>({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  fetch(request, running) {
    const url = new URL(request.url);
    if (url.pathname === "/sent") return new Response(sentMs.slice());
    if (request.headers.get("upgrade") === null) return exchange.handle(request);
    const handshake = exchange.handshake(url);
    if (handshake.kind === "refuse") return handshake.answer;
    const data = { plan: handshake.plan, handler: undefined };
    return running.upgrade(request, { data }) ? undefined : new Response("", { status: 400 });
  },
  websocket: {
    idleTimeout: 0,
    open(socket) {
      socket.data.handler = exchange.openSocket(socket.data.plan, {
        send(text) {
          const [, symbol, id] = /"s":"([A-Z]+)","a":(\d+)/.exec(text) ?? [];
          if (symbol === MARKED_SYMBOL) sentMs[Number(id) % MARKS] = epochMs();
          socket.send(text);
        },
        ping: () => void socket.ping(),
        close: (code, reason) => socket.close(code, reason),
        terminate: () => socket.terminate(),
        bufferedBytes: () => socket.getBufferedAmount(),
      });
    },
    message: ({ data }, message) => data.handler?.message(String(message)),
    pong: ({ data }) => data.handler?.pong(),
    close: ({ data }) => data.handler?.closed(),
  },
});
console.log(`ready ${server.port}`);
for await (const _ of process.stdin);
process.exit(0);
