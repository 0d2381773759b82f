import { type Instrument, MS_PER_MINUTE, OperationFailure, type TradeBatch } from "../../src/core/mod.ts";
import { LiveIngest, type LiveSegment } from "../../src/live/mod.ts";
import { ProfileStore, type SeriesStore } from "../../src/store/mod.ts";
import type {
  CallOptions,
  FeedListener,
  FeedOptions,
  TradeFeed,
  TradePosition,
  Venue,
} from "../../src/venues/mod.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { batchOfTrades, instrumentNamed, type MadeTrade } from "../support/trades.ts";

export const FIRST_MINUTE = 28_000_000;
export const START_MS = FIRST_MINUTE * MS_PER_MINUTE;

/** A venue that streams what it is told to, and answers its newest trade. */
export class FakeVenue implements Venue {
  readonly name = "binance";
  readonly market = "spot";
  listener: FeedListener | undefined;
  closed = false;
  newestAsked = 0;
  newestOf: (options: CallOptions) => Promise<TradePosition | undefined> = async () => undefined;

  openFeed({ listener }: FeedOptions): TradeFeed {
    this.listener = listener;
    return {
      counters: { frames: 0, trades: 0, ignored: 0, faulty: 0, dropped: 0, connects: 1 },
      close: async () => {
        this.closed = true;
      },
    };
  }

  newestTrade(_instrument: Instrument, options: CallOptions): Promise<TradePosition | undefined> {
    this.newestAsked++;
    return this.newestOf(options);
  }

  newestPrice(): Promise<never> {
    return unasked("newestPrice");
  }
  instrument(): Promise<never> {
    return unasked("instrument");
  }
  serverTimeMs(): Promise<never> {
    return unasked("serverTimeMs");
  }
  candles(): Promise<never> {
    return unasked("candles");
  }
  trades(): Promise<never> {
    return unasked("trades");
  }
}

async function unasked(call: string): Promise<never> {
  throw new OperationFailure("permanent", `the live stream has no use for ${call}()`);
}

/** How the next commits answer; the last entry answers all that follow. */
export type CommitAnswer = "committed" | "conflict" | "fail" | Promise<"committed" | "fail">;

/** A live ingest between fakes, one series on it, and everything it did. */
export class LiveBench {
  readonly clock = new FakeClock(START_MS);
  readonly venue = new FakeVenue();
  readonly profiles = new ProfileStore();
  readonly series: SeriesStore;
  readonly commits: LiveSegment[] = [];
  readonly written: LiveSegment[] = [];
  readonly refetched: number[] = [];
  readonly warnings: string[] = [];
  readonly ingest: LiveIngest;
  answers: CommitAnswer[] = ["committed"];
  announced = 0;
  #nextId = 1;

  constructor() {
    this.series = this.profiles.open({ seriesId: 1, instrument: instrumentNamed("BTCUSDT"), binUnits: 5 });
    this.profiles.subscribe(() => this.announced++);
    this.ingest = new LiveIngest({
      venue: this.venue,
      store: this.profiles,
      clock: this.clock,
      kind: "aggregate",
      commit: (segment) => this.#commit(segment),
      refetch: (_series, minute) => this.refetched.push(minute),
      log: { info: () => undefined, warn: (_fields, message) => this.warnings.push(message) },
    });
    this.ingest.start([this.series]);
    this.venue.listener?.up("BTCUSDT");
  }

  /** Streams one trade of now, with the next id. */
  trade(size = 10, timeMs = this.clock.nowMs()): void {
    this.stream([{ id: this.#nextId++, timeMs, price: 100, size, buy: true }]);
  }

  stream(trades: readonly MadeTrade[]): void {
    const batch: TradeBatch = batchOfTrades(trades);
    this.venue.listener?.trades("BTCUSDT", batch);
  }

  /** Trades at seconds 10 and 50 of each of the next minutes. */
  async tradeMinutes(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      await this.clock.run(10_000);
      this.trade();
      await this.clock.run(40_000);
      this.trade();
      await this.clock.run(10_000);
    }
  }

  async #commit(segment: LiveSegment): Promise<"committed" | "conflict"> {
    this.commits.push(segment);
    const answer = await (this.answers.length > 1 ? this.answers.shift() : this.answers[0]);
    if (answer === "fail") throw new Error("the database is gone");
    if (answer !== "conflict") this.written.push(segment);
    return answer ?? "committed";
  }
}
