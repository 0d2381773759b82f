import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Binance } from "../../../src/venues/mod.ts";
import { exchangeInfo, FakeBinance, fakeTrades } from "../support/fake-binance.ts";
import { machineClock, until } from "../support/manual-clock.ts";

const signal = new AbortController().signal;
let fake: FakeBinance;
beforeEach(() => {
  fake = new FakeBinance();
});
afterEach(() => fake.stop());

describe("Binance", () => {
  test("instrument() takes the weight limit from the same answer", async () => {
    const venue = new Binance({ restUrl: fake.restUrl, clock: machineClock });
    fake.intercept = () =>
      Response.json(exchangeInfo("BTCUSDT", 1_200), { headers: { "x-mbx-used-weight-1m": "20" } });
    await venue.instrument("BTCUSDT", { signal });
    expect(venue.usage).toEqual({
      requests: 1,
      usedWeight: 20,
      weightLimit: 1_200,
      waiting: 0,
      banMsLeft: 0,
    });
  });

  test("newestTrade() and newestPrice() answer undefined for a symbol that never traded", async () => {
    const venue = new Binance({ restUrl: `${fake.restUrl}/`, clock: machineClock });
    const instrument = await venue.instrument("BTCUSDT", { signal });
    expect(await venue.newestTrade(instrument, { signal })).toBeUndefined();
    expect(await venue.newestPrice(instrument, { signal })).toBeUndefined();
    fake.trades = fakeTrades(9, 1_700_000_000_000, 10).map((t) => ({ ...t, p: "0.12987000" }));
    expect(await venue.newestTrade(instrument, { signal })).toEqual({ id: 9, timeUs: 1_700_000_000_080_000 });
    expect(await venue.newestPrice(instrument, { signal })).toBe(12);
  });

  test("a feed of raw trades measures silence by raw ids", async () => {
    fake.trades = fakeTrades(5, 1_700_000_000_000, 10);
    const venue = new Binance({
      restUrl: fake.restUrl,
      wsUrl: fake.wsUrl,
      clock: machineClock,
      limits: { silenceMsMax: 30, graceMs: 5 },
    });
    const instrument = await venue.instrument("BTCUSDT", { signal });
    const told: string[] = [];
    const raw = { e: "trade", s: "BTCUSDT", t: 11, p: "1", q: "1", T: 1_700_000_000_000, m: true };
    fake.onConnect = (socket) => socket.send(JSON.stringify({ stream: "btcusdt@trade", data: raw }));
    const feed = venue.openFeed({
      instruments: [instrument],
      kind: "raw",
      listener: {
        up: () => told.push("up"),
        down: () => told.push("down"),
        trades: () => told.push("trade"),
      },
    });
    const asked = () => fake.requests.filter((r) => r.includes("limit=1")).length;
    await until(() => asked() > 2, "a few checks");
    expect(told).toEqual(["up", "trade"]);
    fake.trades = fakeTrades(6, 1_700_000_000_000, 10);
    await until(() => told.length > 2, "the fault");
    expect(told[2]).toBe("down");
    await feed.close();
  });
});
