import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { failureOf } from "../../../src/core/mod.ts";
import { type SimulatorServer, startSimulatorServer } from "../../../src/runtime/simulator-server.ts";
import {
  createGeneratedMarket,
  type FaultRuleInput,
  type Market,
  PRESETS,
} from "../../../src/simulator/mod.ts";
import { Binance, type BinanceOptions } from "../../../src/venues/mod.ts";
import { candleSourceContract } from "../candle-source.contract.ts";
import { machineClock, until } from "../support/manual-clock.ts";
import { venueContract } from "../venue.contract.ts";

const signal = new AbortController().signal;

function marketAndRange() {
  const market = createGeneratedMarket({ symbol: "BTCUSDT", preset: PRESETS.liquid, seed: 7 });
  const hi = Math.floor(Date.now() / 60_000) - 5;
  const range = { lo: hi - 4, hi };
  return { market, range };
}

function idsOf(market: Market, range: { lo: number; hi: number }): number[] {
  const ids: number[] = [];
  for (let minute = range.lo; minute < range.hi; minute++) ids.push(...market.tradesOf(minute).id);
  return ids;
}

function venueOf(server: SimulatorServer, options: Partial<BinanceOptions> = {}): Binance {
  const { restUrl, wsUrl } = server;
  return new Binance({ restUrl, wsUrl, clock: machineClock, random: () => 0, attempts: 1, ...options });
}

venueContract("Binance on the simulated exchange", async () => {
  const { market, range } = marketAndRange();
  const server = startSimulatorServer({ markets: [market] });
  return {
    venue: venueOf(server),
    symbol: "BTCUSDT",
    range,
    truth: idsOf(market, range),
    // It prints by itself.
    trade: () => () => {},
    cut: () => server.exchange.streams.act("drop"),
    stop: () => server.stop(),
  };
});

candleSourceContract("Binance on the simulated exchange", async () => {
  const market = createGeneratedMarket({ symbol: "BTCUSDT", preset: PRESETS.thin, seed: 7 });
  const server = startSimulatorServer({ markets: [market] });
  const lo = Math.floor(Date.parse("2024-03-04T00:00:00Z") / 60_000);
  return {
    source: venueOf(server),
    symbol: "BTCUSDT",
    range: { lo, hi: lo + 10_080 },
    stop: () => server.stop(),
  };
});

test("candleHistory(), a week opens on Monday", async () => {
  const market = createGeneratedMarket({ symbol: "BTCUSDT", preset: { ...PRESETS.thin, tradesPerDay: 50 } });
  const server = startSimulatorServer({ markets: [market] });
  const lo = Math.floor(Date.parse("2024-02-29T00:00:00Z") / 60_000);
  const weeks = await venueOf(server).candleHistory("BTCUSDT", "1w", { lo, hi: lo + 20 * 1_440 }, { signal });
  expect(weeks.candles.map(({ openMs }) => new Date(openMs).toISOString().slice(0, 10))).toEqual([
    "2024-03-04",
    "2024-03-11",
    "2024-03-18",
  ]);
  await server.stop();
});

describe("Binance and the simulator's faults", () => {
  const { market, range } = marketAndRange();
  let server: SimulatorServer;
  beforeEach(() => {
    server = startSimulatorServer({ markets: [market] });
  });
  afterEach(() => server.stop());

  const HARMLESS: FaultRuleInput[] = [
    { kind: "malformed", body: "truncated", every: 3 },
    { kind: "malformed", body: "null", every: 3 },
    { kind: "malformed", body: "wrong_types", every: 3 },
    { kind: "malformed", body: "html", every: 3 },
    { kind: "malformed", body: "empty", every: 3 },
    { kind: "http_error", status: 502, every: 3 },
    { kind: "reset", every: 3 },
    { kind: "hang", every: 3 },
    { kind: "latency", ms: 3 },
    { kind: "reorder", target: "rest" },
    { kind: "duplicate", target: "rest" },
    { kind: "missing", target: "rest", every: 2 },
  ];

  for (const fault of HARMLESS) {
    test(`trades() is whole in spite of ${JSON.stringify(fault)}`, async () => {
      const venue = venueOf(server, { attempts: 5, timeoutMs: 300 });
      const instrument = await venue.instrument("BTCUSDT", { signal });
      server.exchange.faults.add({ ...fault, path: "/api/v3/aggTrades" });
      const { batch, idGaps } = await venue.trades(instrument, range, { signal });
      expect([...batch.id]).toEqual(idsOf(market, range));
      expect(idGaps).toEqual([]);
    });
  }

  test("trades() reports ids that never show up", async () => {
    const venue = venueOf(server);
    const instrument = await venue.instrument("BTCUSDT", { signal });
    const ids = idsOf(market, range);
    const from = ids[700]!;
    server.exchange.faults.add({ kind: "id_gap", target: "rest", from_id: from, to_id: from + 5 });
    const { batch, idGaps } = await venue.trades(instrument, range, { signal });
    expect([...batch.id]).toEqual(ids.filter((id) => id < from || id >= from + 5));
    expect(idGaps).toEqual([{ from, to: from + 5 }]);
  });

  const REFUSALS: [fault: FaultRuleInput, kind: string][] = [
    [{ kind: "throttle", retry_after_s: 120 }, "throttled"],
    [{ kind: "ban", retry_after_s: 600 }, "banned"],
    [{ kind: "http_error", status: 403 }, "throttled"],
    [{ kind: "http_error", status: 451 }, "permanent"],
    [{ kind: "http_error", status: 503 }, "transient"],
  ];

  for (const [fault, kind] of REFUSALS) {
    test(`trades() fails ${kind} on ${JSON.stringify(fault)}`, async () => {
      const venue = venueOf(server);
      const instrument = await venue.instrument("BTCUSDT", { signal });
      server.exchange.faults.add(fault);
      const thrown: unknown = await venue.trades(instrument, range, { signal }).catch((e: unknown) => e);
      expect(failureOf(thrown).kind).toBe(kind as never);
    });
  }

  test("openFeed() finds a silent subscription by asking, and reconnects", async () => {
    const told: string[] = [];
    server.exchange.faults.add({ kind: "silent", count: 1 });
    const venue = venueOf(server, { limits: { silenceMsMax: 300, graceMs: 50, overlapMs: 50 } });
    const instrument = await venue.instrument("BTCUSDT", { signal });
    const feed = venue.openFeed({
      instruments: [instrument],
      kind: "aggregate",
      listener: {
        up: () => told.push("up"),
        down: (_, reason) => told.push(reason),
        trades: () => told.push("trade"),
      },
    });
    try {
      await until(() => told.includes("trade"), "trades of the second connection");
      expect(told.slice(0, 4)).toEqual(["up", "silent subscription", "up", "trade"]);
    } finally {
      await feed.close();
    }
  });

  test("openFeed() gives up a half-open connection", async () => {
    const told: string[] = [];
    server.exchange.faults.add({ kind: "half_open", count: 1 });
    const venue = venueOf(server, { limits: { idleMsMax: 1_000 } });
    const instrument = await venue.instrument("BTCUSDT", { signal });
    const feed = venue.openFeed({
      instruments: [instrument],
      kind: "raw",
      listener: {
        up: () => told.push("up"),
        down: (_, reason) => told.push(reason.slice(0, 9)),
        trades: () => told.push("trade"),
      },
    });
    try {
      await until(() => told.includes("trade"), "trades of the second connection");
      expect(told.slice(0, 3)).toEqual(["up", "half-open", "up"]);
    } finally {
      await feed.close();
    }
  });
});
