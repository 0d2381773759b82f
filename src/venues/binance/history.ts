import {
  type Instrument,
  type MinuteRange,
  MS_PER_MINUTE,
  msOfMinute,
  OperationFailure,
  TradeBatchBuilder,
  US_PER_MS,
} from "../../core/mod.ts";
import type { CallOptions, IdRange, TradesOfRange } from "../venue.ts";
import { AggTradePage, type AggTradeRow } from "./messages.ts";
import { readDecimals, scalesOf, timeUsOf, tradeTextOf } from "./parse.ts";
import type { RestClient } from "./rest-client.ts";
import { AGG_TRADES_LIMIT, aggTradesByTime, aggTradesFromId, type Endpoint } from "./urls.ts";

/** The longest span asked for by time at once; the venue once refused more than an hour (−1127), ms. */
const SPAN_MS_MAX = 60 * MS_PER_MINUTE;
/** Holes in the ids that one call asks for again. */
const HOLES_ASKED_MAX = 100;

/**
 * The aggregate trades of one window: found by time, then followed by id until the first trade at or after its end, so
 * that contiguous ids prove that none is missing.
 */
export async function tradesOfRange(
  client: RestClient,
  instrument: Instrument,
  range: MinuteRange,
  options: CallOptions,
): Promise<TradesOfRange> {
  return new WindowReader(client, instrument, range, options).read();
}

class WindowReader {
  readonly #client: RestClient;
  readonly #symbol: string;
  readonly #range: MinuteRange;
  readonly #options: CallOptions;
  readonly #builder: TradeBatchBuilder;
  readonly #idGaps: IdRange[] = [];
  #dropped = 0;
  #duplicates = 0;
  #requests = 0;
  #holesAsked = 0;
  /** The id that follows the last one read; undefined until the window's first trade is found. */
  #next: number | undefined;
  /** The page by time was short: most likely the next trade lies behind the window, and one row will tell. */
  #probing = false;
  #ended = false;
  #endSeen = false;

  constructor(client: RestClient, instrument: Instrument, range: MinuteRange, options: CallOptions) {
    this.#client = client;
    this.#symbol = instrument.symbol;
    this.#range = range;
    this.#options = options;
    this.#builder = new TradeBatchBuilder("aggregate", scalesOf(instrument));
  }

  async read(): Promise<TradesOfRange> {
    await this.#findFirst();
    while (this.#next !== undefined && !this.#ended) await this.#followIds(this.#next);
    return {
      batch: this.#builder.build(),
      dropped: this.#dropped,
      duplicates: this.#duplicates,
      idGaps: this.#idGaps,
      requests: this.#requests,
      ...(this.#endSeen ? {} : { openEnd: true }),
    };
  }

  /** Asks by time, span by span, until a span holds trades. */
  async #findFirst(): Promise<void> {
    const endMs = msOfMinute(this.#range.hi);
    for (let fromMs = msOfMinute(this.#range.lo); fromMs < endMs; fromMs += SPAN_MS_MAX) {
      const untilMs = Math.min(fromMs + SPAN_MS_MAX, endMs);
      const page = await this.#page(aggTradesByTime(this.#symbol, fromMs, untilMs - 1));
      this.#probing = page.length < AGG_TRADES_LIMIT && untilMs === endMs;
      const rows = this.#ascending(page, 0);
      const [first] = rows;
      if (first === undefined) continue;
      const whole = await this.#withBeginning(rows, first.a);
      await this.#take(whole, whole[0]?.a ?? first.a);
      return;
    }
  }

  /**
   * Proves by the trade before them that `rows`, found by time, begin where the window does; a page that left out its
   * first rows is completed. A trade before that does not exist is a hole of the window before.
   */
  async #withBeginning(rows: readonly AggTradeRow[], firstId: number): Promise<readonly AggTradeRow[]> {
    let whole = rows;
    for (let first = firstId; first > 0; first = whole[0]?.a ?? 0) {
      const [previous] = await this.#page(aggTradesFromId(this.#symbol, first - 1, 1));
      if (previous?.a !== first - 1 || !this.#hasBegun(previous)) break;
      const page = await this.#page(aggTradesFromId(this.#symbol, Math.max(0, first - AGG_TRADES_LIMIT)));
      const before = page.filter((row) => row.a < first - 1 && this.#hasBegun(row));
      whole = [...this.#ascending([...before, previous], 0), ...whole];
    }
    return whole;
  }

  #hasBegun(row: AggTradeRow): boolean {
    return timeUsOf(row.T) >= msOfMinute(this.#range.lo) * US_PER_MS;
  }

  /** The next page by id. A page without rows is the end of the tape. */
  async #followIds(next: number): Promise<void> {
    const endpoint = aggTradesFromId(this.#symbol, next, this.#probing ? 1 : AGG_TRADES_LIMIT);
    this.#probing = false;
    const page = await this.#page(endpoint);
    if (page.length === 0) {
      this.#ended = true;
      return;
    }
    const rows = this.#ascending(page, next);
    if (rows.length === 0)
      throw new OperationFailure(
        "transient",
        `GET ${endpoint.path}: expected ids from ${next} on, found ${page.length} rows of which the last has id ${page.at(-1)?.a}`,
      );
    await this.#take(rows, next);
  }

  /** Adds a page, after asking once more for the ids that are missing from it, `expected` being its first. */
  async #take(rows: readonly AggTradeRow[], expected: number): Promise<void> {
    let next = expected;
    for (const row of rows) {
      if (row.a > next) await this.#fill({ from: next, to: row.a });
      this.#add(row);
      next = row.a + 1;
    }
    this.#next = next;
  }

  /** Asks once for the rows of a hole; what is still missing then is reported. */
  async #fill(hole: IdRange): Promise<void> {
    let next = hole.from;
    while (next < hole.to && this.#holesAsked < HOLES_ASKED_MAX) {
      this.#holesAsked++;
      const limit = Math.min(AGG_TRADES_LIMIT, hole.to - next);
      const page = await this.#page(aggTradesFromId(this.#symbol, next, limit));
      const rows = this.#ascending(page, next).filter((row) => row.a < hole.to);
      if (rows.length === 0) break;
      for (const row of rows) {
        if (row.a > next) this.#report({ from: next, to: row.a });
        this.#add(row);
        next = row.a + 1;
      }
    }
    if (next < hole.to) this.#report({ from: next, to: hole.to });
  }

  /** Ids beyond the window's end are no gap of the window. */
  #report(gap: IdRange): void {
    if (!this.#ended) this.#idGaps.push(gap);
  }

  /** Adds a trade of the window; the first one at or after its end makes this page the last. */
  #add(row: AggTradeRow): void {
    const timeUs = timeUsOf(row.T);
    if (timeUs >= msOfMinute(this.#range.hi) * US_PER_MS) {
      this.#ended = true;
      this.#endSeen = true;
    } else if (this.#hasBegun(row)) {
      const what = `trade ${row.a} of ${this.#symbol}`;
      if (!readDecimals(what, () => this.#builder.push(tradeTextOf(row)))) this.#dropped++;
    }
  }

  /** Rows in id order, each id once, none below `from`; the others are counted as duplicates. */
  #ascending(page: readonly AggTradeRow[], from: number): AggTradeRow[] {
    const sorted = [...page].sort((a, b) => a.a - b.a);
    const kept = sorted.filter((row, i) => row.a >= from && row.a !== sorted[i - 1]?.a);
    this.#duplicates += page.length - kept.length;
    return kept;
  }

  async #page(endpoint: Endpoint): Promise<AggTradeRow[]> {
    this.#requests++;
    return this.#client.get(endpoint, AggTradePage, this.#options);
  }
}
