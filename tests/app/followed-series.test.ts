import { expect, test } from "bun:test";
import { openFollowed } from "../../src/app/followed-series.ts";
import { MS_PER_DAY, OperationFailure } from "../../src/core/mod.ts";
import { SeriesStore } from "../../src/store/mod.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { instrumentNamed } from "../support/trades.ts";

const DAY = 20_000;
const BTC = { venue: "binance", symbol: "BTCUSDT" };
const ETH = { venue: "binance", symbol: "ETHUSDT" };

class Bench {
  readonly clock = new FakeClock(DAY * MS_PER_DAY);
  readonly stop = new AbortController();
  readonly opened: string[] = [];
  readonly loaded: string[] = [];
  readonly logged: string[] = [];
  /** Failures of a symbol, the next one first. */
  readonly failures = new Map<string, OperationFailure[]>();

  follow(): Promise<SeriesStore[]> {
    const log = (level: string) => (fields: Record<string, unknown>, message: string) => {
      this.logged.push(`${level} ${fields["symbol"]} ${message}`);
    };
    return openFollowed(
      [BTC, ETH],
      {
        open: async ({ symbol }) => {
          this.opened.push(symbol);
          const failure = this.failures.get(symbol)?.shift();
          if (failure !== undefined) throw failure;
          return new SeriesStore({ seriesId: 1, instrument: instrumentNamed(symbol), binUnits: 5 });
        },
        hold: async (series) => {
          this.loaded.push(series.symbol);
        },
        clock: this.clock,
        random: () => 0.5,
        log: { warn: log("warn"), error: log("error") },
      },
      this.stop.signal,
    );
  }
}

const down = () => new OperationFailure("transient", "connect ECONNREFUSED");

test("openFollowed(), asks again until the venue answers, and only for what is missing", async () => {
  const bench = new Bench();
  bench.failures.set("BTCUSDT", [down(), down()]);
  const following = bench.follow();
  await bench.clock.run(120_000);
  expect((await following).map(({ symbol }) => symbol)).toEqual(["binance:BTCUSDT", "binance:ETHUSDT"]);
  expect(bench.opened).toEqual(["BTCUSDT", "ETHUSDT", "BTCUSDT", "BTCUSDT"]);
  expect(bench.loaded).toEqual(["binance:ETHUSDT", "binance:BTCUSDT"]);
  expect(bench.clock.pending).toBe(0);
});

test("openFollowed(), a symbol that is refused for good is left out and named", async () => {
  const bench = new Bench();
  bench.failures.set("BTCUSDT", [new OperationFailure("permanent", "BTCUSDT: no such symbol")]);
  expect((await bench.follow()).map(({ symbol }) => symbol)).toEqual(["binance:ETHUSDT"]);
  expect(bench.logged).toEqual(["error binance:BTCUSDT not followed live: BTCUSDT: no such symbol"]);
});

test("openFollowed(), ends with the process while the venue is down", async () => {
  const bench = new Bench();
  bench.failures.set("ETHUSDT", Array.from({ length: 100 }, down));
  const following = bench.follow();
  await bench.clock.run(10_000);
  bench.stop.abort();
  await following;
  expect(bench.clock.pending).toBe(0);
});
