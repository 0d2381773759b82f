import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { failureOf, formatUnits, parseUnits } from "../../../src/core/mod.ts";
import { ExchangeInfo } from "../../../src/venues/binance/messages.ts";
import { instrumentOf, timeUsOf, weightLimitOf } from "../../../src/venues/binance/parse.ts";
import { exchangeInfo } from "../support/fake-binance.ts";
import { recordedLines, recordedTest } from "../support/recordings.ts";

function infoWith(filters: unknown[], status = "TRADING") {
  return v.parse(ExchangeInfo, { rateLimits: [], symbols: [{ symbol: "AB", status, filters }] });
}
const step = { filterType: "LOT_SIZE", stepSize: "0.00100000" };

describe("instrumentOf()", () => {
  test("takes its scales from the steps", () => {
    const info = v.parse(ExchangeInfo, exchangeInfo("BTCUSDT", 1_200));
    expect(instrumentOf(info, "BTCUSDT")).toEqual({
      venue: "binance",
      market: "spot",
      symbol: "BTCUSDT",
      priceScale: 2,
      sizeScale: 5,
      tickUnits: 1,
      lotUnits: 1,
    });
    expect(weightLimitOf(info)).toBe(1_200);
  });

  test("keeps a step that is no power of ten, and whole steps", () => {
    const filters = [
      { filterType: "PRICE_FILTER", tickSize: "0.05000000" },
      { filterType: "LOT_SIZE", stepSize: "10.00000000" },
    ];
    const { priceScale, tickUnits, sizeScale, lotUnits } = instrumentOf(infoWith(filters, "BREAK"), "AB");
    expect([priceScale, tickUnits, sizeScale, lotUnits]).toEqual([2, 5, 0, 10]);
  });

  test("takes eight digits where a step is switched off", () => {
    const info = infoWith([{ filterType: "PRICE_FILTER", tickSize: "0.00000000" }, step]);
    expect(instrumentOf(info, "AB")).toMatchObject({ priceScale: 8, tickUnits: 1 });
  });

  test("fails permanent without the symbol or a step, transient for a step that is no decimal", () => {
    const kindOf = (run: () => unknown) => {
      try {
        run();
      } catch (thrown) {
        return failureOf(thrown).kind;
      }
      return "none";
    };
    expect(kindOf(() => instrumentOf(infoWith([step]), "XY"))).toBe("permanent");
    expect(kindOf(() => instrumentOf(infoWith([step]), "AB"))).toBe("permanent");
    const broken = infoWith([{ filterType: "PRICE_FILTER", tickSize: "tiny" }, step]);
    expect(kindOf(() => instrumentOf(broken, "AB"))).toBe("transient");
  });

  recordedTest("reads every symbol of the recorded exchangeInfo, trading or not", () => {
    const [line = ""] = recordedLines("ws_cryptofeed/BINANCE.0.gz");
    const info = v.parse(ExchangeInfo, JSON.parse(line.slice(line.indexOf("{"))));
    expect(weightLimitOf(info)).toBe(1_200);
    const statuses = new Set(info.symbols.map((symbol) => symbol.status));
    expect([...statuses].sort()).toEqual(["BREAK", "TRADING"]);
    for (const { symbol, filters } of info.symbols) {
      const instrument = instrumentOf(info, symbol);
      const tickSize = filters.find((filter) => filter.filterType === "PRICE_FILTER")?.tickSize ?? "";
      const text = formatUnits(instrument.tickUnits, instrument.priceScale);
      expect(parseUnits(text, 8)).toBe(parseUnits(tickSize, 8));
    }
    expect(instrumentOf(info, "ETHBTC")).toMatchObject({
      priceScale: 6,
      sizeScale: 4,
      tickUnits: 1,
      lotUnits: 1,
    });
    expect(instrumentOf(info, "BTCUSDT")).toMatchObject({ priceScale: 2, sizeScale: 5 });
  });
});

test("timeUsOf() tells milliseconds from microseconds by magnitude", () => {
  expect(timeUsOf(1_723_161_255_342)).toBe(1_723_161_255_342_000);
  expect(timeUsOf(1_735_689_600_000_123)).toBe(1_735_689_600_000_123);
});
