import {
  formatMinute,
  invariant,
  MINUTES_PER_DAY,
  type MinuteRange,
  minuteOfUs,
  type TradeBatch,
  US_PER_MINUTE,
} from "../core/mod.ts";
import { type GiveWay, Pace } from "./pace.ts";

/** Rows between two looks at the clock. */
const ROWS_PER_STEP = 8_192;

/** The trades of one UTC day (or of a part of it), in id order, as rows of a batch. */
export interface DayPart {
  readonly day: number;
  readonly length: number;
  /** The row of the batch that is the part's i-th trade. */
  readonly rowAt: (i: number) => number;
  readonly firstTimeUs: number;
  readonly lastTimeUs: number;
}

interface Gathering {
  readonly day: number;
  rows: Uint32Array;
  length: number;
  firstTimeUs: number;
  lastTimeUs: number;
}

/**
 * Splits a batch into its UTC days, and days of more than `rowsMax` trades into parts, ascending. Trades near midnight
 * may stand in another order by id than by time; each goes to the day of its time and keeps its place by id.
 *
 * Throws {@link InvariantError} unless ids ascend without repeating, every time lies in `range`, and every number is a
 * safe integer with price and size above zero: nothing else may enter the tape.
 */
export async function splitDays(
  batch: TradeBatch,
  range: MinuteRange,
  rowsMax: number,
  giveWay: GiveWay,
): Promise<DayPart[]> {
  const open = new Map<number, Gathering>();
  const full: Gathering[] = [];
  const pace = new Pace(giveWay);
  let last = -1;
  let current: Gathering | undefined;
  const lo = range.lo * US_PER_MINUTE;
  const hi = range.hi * US_PER_MINUTE;
  for (let row = 0; row < batch.length; row++) {
    const id = batch.id[row]!;
    const time = batch.timeUs[row]!;
    if (!(id > last)) throwOrder(row, id, last);
    last = id;
    if (!(time >= lo && time < hi)) throwRange(id, time, range);
    if (!isTrade(batch, row)) throwTrade(batch, row);
    const day = Math.floor(minuteOfUs(time) / MINUTES_PER_DAY);
    if (current?.day !== day || current.length === rowsMax) {
      current = open.get(day);
      if (current !== undefined && current.length === rowsMax) {
        full.push(current);
        current = undefined;
      }
      if (current === undefined) {
        const rows = new Uint32Array(Math.min(rowsMax, batch.length - row));
        current = { day, rows, length: 0, firstTimeUs: time, lastTimeUs: time };
        open.set(day, current);
      }
    }
    current.rows[current.length++] = row;
    if (time < current.firstTimeUs) current.firstTimeUs = time;
    if (time > current.lastTimeUs) current.lastTimeUs = time;
    if (row % ROWS_PER_STEP === 0 && pace.due) await pace.rest();
  }
  return [...full, ...open.values()]
    .sort((a, b) => a.day - b.day || a.rows[0]! - b.rows[0]!)
    .map(({ day, rows, length, firstTimeUs, lastTimeUs }) => ({
      day,
      length,
      rowAt: (i) => rows[i]!,
      firstTimeUs,
      lastTimeUs,
    }));
}

function isTrade(batch: TradeBatch, row: number): boolean {
  const price = batch.price[row]!;
  const size = batch.size[row]!;
  const first = batch.firstId[row]!;
  const last = batch.lastId[row]!;
  return (
    Number.isSafeInteger(batch.id[row]!) &&
    Number.isSafeInteger(batch.timeUs[row]!) &&
    Number.isSafeInteger(price) &&
    Number.isSafeInteger(size) &&
    Number.isSafeInteger(last) &&
    Number.isSafeInteger(first) &&
    price > 0 &&
    size > 0 &&
    first >= 0 &&
    last >= first
  );
}

function throwOrder(row: number, id: number, last: number): never {
  invariant(false, `a batch for the tape must be sorted by unique ids: row ${row} has ${id} after ${last}`);
}

function throwRange(id: number, timeUs: number, range: MinuteRange): never {
  invariant(
    false,
    `trade ${id} at ${timeUs} µs lies outside of its range ${formatMinute(range.lo)}/${formatMinute(range.hi)}`,
  );
}

function throwTrade(batch: TradeBatch, row: number): never {
  invariant(
    false,
    `trade ${batch.id[row]} is no trade: price ${batch.price[row]}, size ${batch.size[row]}, raw ids ${batch.firstId[row]}–${batch.lastId[row]}`,
  );
}
