import {
  type Instrument,
  type MinuteRange,
  MS_PER_MINUTE,
  minuteOfMs,
  msOfMinute,
  OperationFailure,
  US_PER_MS,
} from "../../core/mod.ts";
import type { CallOptions, CandlesOfRange } from "../venue.ts";
import { KlinePage, type KlineRow } from "./messages.ts";
import { candlesOf, timeUsOf } from "./parse.ts";
import type { RestClient } from "./rest-client.ts";
import { klinesEndpoint } from "./urls.ts";

/** The venue's 1-minute candles of a window, page by page, ascending, each minute once. */
export async function candlesOfRange(
  client: RestClient,
  instrument: Instrument,
  range: MinuteRange,
  options: CallOptions,
): Promise<CandlesOfRange> {
  const kept = new Map<number, KlineRow>();
  const endMs = msOfMinute(range.hi);
  let fromMs = msOfMinute(range.lo);
  while (fromMs < endMs) {
    const endpoint = klinesEndpoint(instrument.symbol, fromMs, endMs - 1);
    const rows = await client.get(endpoint, KlinePage, options);
    if (rows.length === 0) break;
    let lastMinute = -1;
    for (const row of rows) {
      const minute = minuteOf(row);
      lastMinute = Math.max(lastMinute, minute);
      if (minute >= range.lo && minute < range.hi) kept.set(minute, row);
    }
    const nextMs = msOfMinute(lastMinute + 1);
    if (nextMs <= fromMs)
      throw new OperationFailure(
        "transient",
        `GET ${endpoint.path}: expected candles from ${fromMs} on, found ${rows.length} of which the last opens at ${nextMs - MS_PER_MINUTE}`,
      );
    fromMs = nextMs;
  }
  const ascending = [...kept].sort(([a], [b]) => a - b).map(([, row]) => row);
  return candlesOf(ascending, instrument);
}

function minuteOf(row: KlineRow): number {
  return minuteOfMs(Math.floor(timeUsOf(row[0]) / US_PER_MS));
}
