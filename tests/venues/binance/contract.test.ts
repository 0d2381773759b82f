import { Binance } from "../../../src/venues/mod.ts";
import { FakeBinance, type FakeTrade, fakeTrades, frameOf } from "../support/fake-binance.ts";
import { machineClock } from "../support/manual-clock.ts";
import { venueContract } from "../venue.contract.ts";

const MINUTE = 60_000;
const START = 1_700_000_040_000;

/** The candle of a minute of fake trades, in the venue's own words. */
function klineOf(trades: readonly FakeTrade[]): unknown[] {
  const openTime = Math.floor(trades[0]!.T / MINUTE) * MINUTE;
  const prices = trades.map((t) => Number(t.p));
  const sum = (of: (trade: FakeTrade) => number) =>
    trades.reduce((total, trade) => total + of(trade), 0).toFixed(8);
  return [
    openTime,
    trades[0]!.p,
    Math.max(...prices).toFixed(8),
    Math.min(...prices).toFixed(8),
    trades.at(-1)!.p,
    sum((t) => Number(t.q)),
    openTime + MINUTE - 1,
    sum((t) => Number(t.p) * Number(t.q)),
    trades.reduce((total, t) => total + t.l - t.f + 1, 0),
    sum((t) => (t.m ? 0 : Number(t.q))),
    sum((t) => (t.m ? 0 : Number(t.p) * Number(t.q))),
    "0",
  ];
}

venueContract("Binance on a fake", async () => {
  const fake = new FakeBinance();
  fake.trades = fakeTrades(2_600, START, 230, 77);
  const minutes = Map.groupBy(fake.trades, (trade) => Math.floor(trade.T / MINUTE));
  fake.klines = [...minutes.values()].map(klineOf);
  const range = { lo: START / MINUTE, hi: START / MINUTE + 9 };
  let next = 10_000;
  return {
    venue: new Binance({
      restUrl: fake.restUrl,
      wsUrl: fake.wsUrl,
      clock: machineClock,
      random: () => 0,
      attempts: 1,
    }),
    symbol: fake.symbol,
    range,
    truth: fake.trades.filter((t) => t.T < range.hi * MINUTE).map((t) => t.a),
    trade() {
      const timer = setInterval(() => {
        const [trade] = fakeTrades(1, START, 1, next++);
        for (const socket of fake.sockets) socket.send(frameOf(trade!));
      }, 2);
      return () => clearInterval(timer);
    },
    cut: () => {
      for (const socket of fake.sockets.splice(0)) socket.terminate();
    },
    stop: () => fake.stop(),
  };
});
