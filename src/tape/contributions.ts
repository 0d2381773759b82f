import {
  formatMinute,
  formatUnits,
  invariant,
  type MinuteContribution,
  type MinuteContributions,
  type MinuteRange,
  type Scales,
} from "../core/mod.ts";
import { bigintAt, DECIMAL_WIDTH, numberAt, readIntegers } from "./columns.ts";
import type { Engine, Session } from "./engine.ts";
import { Pace } from "./pace.ts";
import { idsOverlap, inspect, readError, type ScanRequest, scanSql, sourcesWithin } from "./scan.ts";
import { narrowSquareSum, narrowUnitsBelow, wideSquareSums } from "./square-sums.ts";
import type { TapeCallOptions, TapeSource } from "./tape-file.ts";

/**
 * Width that a price takes before it is multiplied, so that the product has 38 digits: DuckDB would compute
 * DECIMAL(18) × DECIMAL(18) in 64 bits and overflow.
 */
const PRODUCT_WIDTH = 38 - DECIMAL_WIDTH;

export interface ContributionsRequest {
  /** Only these minutes are taken; a file may hold others that were replaced later. */
  readonly ranges: readonly MinuteRange[];
  /** At least as fine as those of every file. */
  readonly scales: Scales;
  /** Bin size, price units at `scales`. */
  readonly binUnits: number;
}

type Bins = Pick<MinuteContribution, "bins" | "binVolumes" | "binBuyVolumes">;

/**
 * What the minutes of some files contribute: the same, bit for bit, as folding their trades. Sums are decimals of up to
 * 38 digits in DuckDB, so no float touches them. Opening and closing prices are those of the lowest and highest id.
 *
 * Throws {@link TapeError} (`read`, `format`, `timeout`, `aborted`, …), {@link InvariantError} when a trade stands in two of the
 * files, when the scales are coarser than a file's, or when a minute's volume is beyond 2^53 − 1 size units.
 */
export async function contributionsOf(
  engine: Engine,
  dir: string,
  files: readonly TapeSource[],
  { ranges, scales, binUnits }: ContributionsRequest,
  { signal }: TapeCallOptions = {},
): Promise<MinuteContributions> {
  invariant(
    Number.isSafeInteger(binUnits) && binUnits > 0,
    `expected a bin size in whole price units, got ${binUnits}`,
  );
  const sources = sourcesWithin(files, ranges);
  const request: ScanRequest = { dir, sources, ranges, scales };
  const scan = scanSql(request);
  if (scan === undefined) return { scales, binUnits, minutes: [] };
  try {
    return await engine.with(signal, async (session) => {
      await inspect(session, request);
      const bins = await readBins(session, scan, scales, binUnits);
      const minutes = await readMinutes(session, scan, scales, bins, idsOverlap(sources));
      return { scales, binUnits, minutes };
    });
  } catch (cause) {
    throw readError(cause, sources);
  }
}

/** Bins of every minute. 1 M trades in 1,440 minutes × 300 bins come as 211 chunks. */
async function readBins(
  session: Session,
  scan: string,
  scales: Scales,
  binUnits: number,
): Promise<Map<number, Bins>> {
  // Decimal remainder: price − price % bin is the bin's lower edge, in exact integers inside DuckDB.
  const bin = `${formatUnits(binUnits, scales.priceScale)}::DECIMAL(${DECIMAL_WIDTH}, ${scales.priceScale})`;
  const sql = `SELECT epoch_us(time) // 60000000 AS minute, price - price % ${bin} AS edge,
      sum(size)::DECIMAL(${DECIMAL_WIDTH}, ${scales.sizeScale}),
      coalesce(sum(size) FILTER (buy), 0)::DECIMAL(${DECIMAL_WIDTH}, ${scales.sizeScale})
    FROM ${scan} GROUP BY ALL ORDER BY minute, edge`;
  const found = new Map<number, Bins>();
  const pace = new Pace(session.giveWay);
  let minute = Number.NaN;
  let open: readonly [bins: number[], volumes: number[], buyVolumes: number[]] = [[], [], []];
  const finish = (): void => {
    if (open[0].length === 0) return;
    const [bins, volumes, buyVolumes] = open;
    found.set(minute, {
      bins: Float64Array.from(bins),
      binVolumes: Float64Array.from(volumes),
      binBuyVolumes: Float64Array.from(buyVolumes),
    });
  };
  for await (const chunk of session.chunks(sql)) {
    const rows = chunk.rowCount;
    const [minutes, edges, volumes, buyVolumes] = Array.from({ length: 4 }, () => new Float64Array(rows));
    readIntegers(chunk, 0, minutes!, 0);
    readIntegers(chunk, 1, edges!, 0);
    readIntegers(chunk, 2, volumes!, 0);
    readIntegers(chunk, 3, buyVolumes!, 0);
    for (let i = 0; i < rows; i++) {
      if (minutes![i] !== minute) {
        finish();
        minute = minutes![i]!;
        open = [[], [], []];
      }
      open[0].push(edges![i]! / binUnits);
      open[1].push(volumes![i]!);
      open[2].push(buyVolumes![i]!);
    }
    if (pace.due) await pace.rest();
  }
  finish();
  return found;
}

async function readMinutes(
  session: Session,
  scan: string,
  scales: Scales,
  binsOf: ReadonlyMap<number, Bins>,
  countIds: boolean,
): Promise<MinuteContribution[]> {
  const sql = `SELECT epoch_us(time) // 60000000 AS minute, arg_min(price, id), max(price), min(price), arg_max(price, id),
      sum(size), sum(size) FILTER (buy), sum(price::DECIMAL(${PRODUCT_WIDTH}, ${scales.priceScale}) * size), count(*), sum(last_id - first_id + 1),
      min(id), max(id), epoch_us(min(time)), epoch_us(max(time)), ${countIds ? "count(DISTINCT id)" : "count(*)"},
      ${narrowSquareSum(scales)}
    FROM ${scan} GROUP BY minute ORDER BY minute`;
  const narrowBelow = narrowUnitsBelow(scales);
  const minutes: MinuteContribution[] = [];
  const wide: number[] = [];
  const pace = new Pace(session.giveWay);
  for await (const chunk of session.chunks(sql)) {
    for (let row = 0; row < chunk.rowCount; row++) {
      const at = (column: number): number => numberAt(chunk, column, row);
      const minute = at(0);
      const count = at(8);
      invariant(at(14) === count, `minute ${formatMinute(minute)} has a trade in two files of the tape`);
      const bins = binsOf.get(minute);
      invariant(bins !== undefined, `minute ${formatMinute(minute)} has trades and no bins`);
      if (at(2) >= narrowBelow) wide.push(minutes.length);
      minutes.push({
        minute,
        open: at(1),
        high: at(2),
        low: at(3),
        close: at(4),
        volume: at(5),
        buyVolume: at(6),
        quoteVolume: bigintAt(chunk, 7, row),
        squareVolume: bigintAt(chunk, 15, row),
        count,
        rawCount: at(9),
        firstId: at(10),
        lastId: at(11),
        firstTimeUs: at(12),
        lastTimeUs: at(13),
        ...bins,
      });
      if (row % 64 === 0 && pace.due) await pace.rest();
    }
  }
  if (wide.length === 0) return minutes;
  const squares = await wideSquareSums(session, scan, scales);
  for (const at of wide) {
    const minute = minutes[at]!;
    const squareVolume = squares.get(minute.minute);
    invariant(squareVolume !== undefined, `minute ${formatMinute(minute.minute)} has no sum of squares`);
    minutes[at] = { ...minute, squareVolume };
  }
  return minutes;
}
