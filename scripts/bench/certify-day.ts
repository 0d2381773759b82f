import { readFileSync } from "node:fs";
import { inflateRawSync } from "node:zlib";
import {
  type CertifyGrid,
  foldMinutes,
  type MinuteContribution,
  minuteOfUs,
  type SkeletonCandle,
  type TradeBatch,
  TradeBatchBuilder,
} from "../../src/core/mod.ts";

/** A finished day twice: what its trades come to, and what a venue's candles tell of it. */
export interface CertifyDay {
  readonly grid: CertifyGrid;
  readonly minutes: readonly MinuteContribution[];
  readonly candles: readonly SkeletonCandle[];
}

const XRPETH_FILE = "derived/XRPETH-aggTrades-2019-10-11.csv";
const XRPETH_SCALES = { priceScale: 8, sizeScale: 0 };
/** Of 10^-8: 1e-6. */
const XRPETH_BIN = 100;

/** Days of US equity ticks, `SYMBOL DATE` with the file they stand in. */
export const EQUITY_FILES: readonly (readonly [name: string, file: string])[] = ["ibm", "bac", "spy"].flatMap(
  (symbol) =>
    [7, 8, 9, 10, 11]
      .filter((day) => symbol !== "spy" || day < 10)
      .map((day) => `201310${String(day).padStart(2, "0")}`)
      .map((date) => [`${symbol} ${date}`, `equities/${symbol}/tick_${date}_trade.zip`] as const),
);
/** Prices stand in 10^-4: bins of 0.02, ticks of 0.01. */
const EQUITY_SCALES = { priceScale: 4, sizeScale: 0 };
const EQUITY_BIN = 200;
const EQUITY_TICK = 100;
const US_PER_MS = 1_000;

export const XRPETH_DAY = XRPETH_FILE;

/** The whole XRPETH day of 2019-10-11; a row of the file counts the raw trades it stands for. */
export function xrpethDay(path: string): CertifyDay {
  const builder = new TradeBatchBuilder("aggregate", XRPETH_SCALES);
  for (const line of readFileSync(path, "utf8").trim().split("\n")) {
    const [id, price = "", size = "", firstId, lastId, ms, maker] = line.split(",");
    builder.push({
      id: Number(id),
      timeUs: Number(ms) * US_PER_MS,
      price,
      size,
      firstId: Number(firstId),
      lastId: Number(lastId),
      buy: maker === "False",
    });
  }
  return certifyDay(builder.build(), { binUnits: XRPETH_BIN }, { sided: true });
}

/** A day of a Lean tick file: every tick that is not marked suspicious is a trade. Who bought is not known. */
export function equityDay(path: string): CertifyDay {
  const builder = new TradeBatchBuilder("raw", EQUITY_SCALES);
  let id = 0;
  for (const line of unzipped(path).trim().split("\n")) {
    const [ms, price, size = "", , , suspicious = ""] = line.trim().split(",");
    if (suspicious !== "0") continue;
    id++;
    builder.push({
      id,
      timeUs: Number(ms) * US_PER_MS,
      price: `${Number(price) / 10 ** EQUITY_SCALES.priceScale}`,
      size,
      firstId: id,
      lastId: id,
      buy: false,
    });
  }
  return certifyDay(builder.build(), { binUnits: EQUITY_BIN, tickUnits: EQUITY_TICK }, { sided: false });
}

/** A day from its trades: the candles are the fold of the same trades. `sided`: they tell what was bought. */
export function certifyDay(
  batch: TradeBatch,
  grid: CertifyGrid,
  { sided }: { readonly sided: boolean },
): CertifyDay {
  const { minutes } = foldMinutes(batch, grid.binUnits);
  const bought = new Map<number, bigint>();
  for (let i = 0; i < batch.length; i++) {
    if (batch.buy[i] !== 1) continue;
    const minute = minuteOfUs(batch.timeUs[i]!);
    bought.set(minute, (bought.get(minute) ?? 0n) + BigInt(batch.price[i]!) * BigInt(batch.size[i]!));
  }
  const candles = minutes.map(
    ({ minute, open, high, low, close, volume, quoteVolume, rawCount, buyVolume }): SkeletonCandle => ({
      minute,
      open,
      high,
      low,
      close,
      volume,
      quoteVolume,
      rawCount,
      ...(sided && { buyVolume, buyQuoteVolume: bought.get(minute) ?? 0n }),
    }),
  );
  return { grid, minutes, candles };
}

/** Text of the first file in a zip archive. */
function unzipped(path: string): string {
  const zip = readFileSync(path);
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  const entry = zip.readUInt32LE(end + 16);
  const size = zip.readUInt32LE(entry + 20);
  const local = zip.readUInt32LE(entry + 42);
  const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
  return inflateRawSync(zip.subarray(start, start + size)).toString("latin1");
}
