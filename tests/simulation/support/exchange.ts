import {
  type Instrument,
  type MinuteRange,
  msOfMinute,
  OperationFailure,
  rescaleBatch,
  type Scales,
  sliceBatch,
  type TradeBatch,
} from "../../../src/core/mod.ts";
import type { CallOptions, TradesOfRange, Venue } from "../../../src/venues/mod.ts";
import { batchOfTrades, type MadeTrade, SCALES } from "../../support/trades.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { World } from "./world.ts";

/** A symbol whose name begins so trades in finer steps now and then than it said. */
const FINER_PREFIX = "FINE";
const FINER: Scales = { priceScale: 3, sizeScale: 4 };
const FINER_EVERY_MINUTES = 17;
const TRADES_PER_MINUTE_MAX = 3;
/** Ids of one minute's trades begin at the minute times this. */
const IDS_PER_MINUTE = 8;

/** What a chunk says that the venue refused for good. */
export const REFUSED_FOR_GOOD = "the venue knows no such trades";

const CALL_MAX_MS = 400;
const SLOW_CALL_MAX_MS = 40_000;
const RETRY_AFTER_MAX_MS = 30_000;

/** What really happened on the exchange, the same for every seed. */
export class Exchange {
  readonly #batches = new Map<string, TradeBatch>();

  /** Every trade of the minutes; in finer scales where one of them needs them. */
  tradesOf(symbol: string, range: MinuteRange): TradeBatch {
    const key = `${symbol} ${range.lo}-${range.hi}`;
    const known = this.#batches.get(key);
    if (known !== undefined) return known;
    const trades: MadeTrade[] = [];
    let finer = false;
    for (let minute = range.lo; minute < range.hi; minute++) {
      finer ||= symbol.startsWith(FINER_PREFIX) && minute % FINER_EVERY_MINUTES === 0;
      trades.push(...tradesOfMinute(symbol, minute));
    }
    const coarse = batchOfTrades(trades);
    const batch = finer ? rescaleBatch(coarse, FINER) : coarse;
    this.#batches.set(key, batch);
    return batch;
  }
}

function tradesOfMinute(symbol: string, minute: number): MadeTrade[] {
  const mixed =
    Math.imul(minute + symbol.length * 7_919 + symbol.charCodeAt(symbol.length - 1), 0x9e3779b1) >>> 0;
  const count = mixed % (TRADES_PER_MINUTE_MAX + 1);
  return Array.from({ length: count }, (_, n) => ({
    id: minute * IDS_PER_MINUTE + n,
    timeMs: msOfMinute(minute) + n * 15_000 + (mixed % 15_000),
    price: 10_000 + ((mixed >>> (n + 3)) % 500),
    size: 1 + ((mixed >>> (n + 5)) % 1_000),
    buy: ((mixed >>> n) & 1) === 1,
  }));
}

/** The exchange as one process reaches it. */
export class SimulatedVenue implements Venue {
  readonly name = "binance";
  readonly market = "spot";
  readonly #world: World;
  readonly #process: SimulatedProcess;
  readonly #parallel: number;
  #underWay = 0;

  /** `parallel`: calls that the process may have under way at once. */
  constructor(world: World, process: SimulatedProcess, parallel: number) {
    this.#world = world;
    this.#process = process;
    this.#parallel = parallel;
  }

  async trades(instrument: Instrument, range: MinuteRange, { signal }: CallOptions): Promise<TradesOfRange> {
    const world = this.#world;
    if (signal.aborted) throw new OperationFailure("aborted", "aborted before it was sent");
    world.mayFetch(this.#process, instrument.symbol, range);
    const end = world.monitor.fetchBegins(this.#process, instrument.symbol, range);
    this.#underWay += 1;
    if (this.#underWay > this.#parallel)
      world.monitor.violation(
        `${this.#process.name} has ${this.#underWay} calls under way of ${this.#parallel}`,
      );
    try {
      await this.#answer(signal);
      world.monitor.fetchAnswered(this.#process, instrument.symbol, range);
    } finally {
      this.#underWay -= 1;
      end();
    }
    const { faults } = world;
    if (world.chance(faults.venueForGood)) throw new OperationFailure("permanent", REFUSED_FOR_GOOD);
    if (world.chance(faults.venue)) this.#fail();
    const batch = world.exchange.tradesOf(instrument.symbol, range);
    const whole = { batch, dropped: 0, duplicates: 0, idGaps: [], requests: 1 };
    if (batch.length === 0 || !world.chance(faults.venue / 5)) return whole;
    // It left out its last trade, and says so.
    const last = batch.id[batch.length - 1]!;
    return {
      ...whole,
      batch: sliceBatch(batch, 0, batch.length - 1),
      idGaps: [{ from: last, to: last + 1 }],
    };
  }

  /** Waits for the answer; ends at once when it is not wanted any more. */
  async #answer(signal: AbortSignal): Promise<void> {
    const world = this.#world;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const most = world.chance(world.faults.venueSlow) ? SLOW_CALL_MAX_MS : CALL_MAX_MS;
    const cancel = world.scheduler.after(world.between(1, most), () => this.#process.deliver(resolve));
    const stop = () => {
      cancel();
      reject(new OperationFailure("aborted", "aborted under way"));
    };
    signal.addEventListener("abort", stop);
    // A composed signal that somebody listens to is kept for ever.
    await promise.finally(() => signal.removeEventListener("abort", stop));
  }

  #fail(): never {
    const world = this.#world;
    const retryAfterMs = world.between(100, RETRY_AFTER_MAX_MS);
    const kinds = [
      () => new OperationFailure("transient", "502"),
      () => new OperationFailure("throttled", "429", { retryAfterMs }),
      () => new OperationFailure("banned", "418", { retryAfterMs }),
      () => new OperationFailure("aborted", "the venue's client is closing"),
      () => new TypeError("an answer that is no answer"),
    ];
    throw kinds[world.between(0, kinds.length)]!();
  }

  instrument = () => neverAsked("instrument");
  serverTimeMs = () => neverAsked("serverTimeMs");
  candles = () => neverAsked("candles");
  newestTrade = () => neverAsked("newestTrade");
  newestPrice = () => neverAsked("newestPrice");
  openFeed = () => neverAsked("openFeed");
}

export function instrumentOfSeries(symbol: string): Instrument {
  return { venue: "binance", market: "spot", symbol, ...SCALES, tickUnits: 1, lotUnits: 1 };
}

/** For what a backfill of trades has no use of. */
export function neverAsked(what: string): never {
  throw new Error(`a backfill of trades does not ask for ${what}`);
}
