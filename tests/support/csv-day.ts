import { readFileSync } from "node:fs";
import { VALUE_AREA_METHODS, type ValueAreaMethod } from "../../src/core/mod.ts";
import { type NaiveRow, naiveArea } from "../core/naive-area.ts";

/** A trade of an archive file as its text says it; price and size in 10^-8. */
export interface FileTrade {
  readonly id: number;
  readonly price: bigint;
  readonly size: bigint;
  readonly timeMs: number;
  /** The aggressor bought. */
  readonly buy: boolean;
}

/** What a window's trades come to, as decimal text without trailing zeros. */
export interface Reckoning {
  readonly trades: number;
  readonly volume: string;
  readonly vwap: string;
  readonly high: string;
  readonly low: string;
  readonly delta: string;
  /** By method: POC, VAH, VAL. */
  readonly areas: Readonly<Record<ValueAreaMethod, { poc: string; vah: string; val: string }>>;
}

const SCALE = 8;

/** Trades of a file in Binance's archive format: id, price, size, first, last, ms, buyer was maker. Nothing of src/ reads it. */
export function readFileTrades(path: string): FileTrade[] {
  return readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const [id, price = "", size = "", , , ms, maker = ""] = line.trim().split(",");
      return {
        id: Number(id),
        price: units(price),
        size: units(size),
        timeMs: Number(ms),
        buy: maker.toLowerCase() === "false",
      };
    });
}

/** Levels of some trades from scratch, with nothing but bigint and maps; `binUnits` in 10^-8. */
export function reckon(trades: readonly FileTrade[], binUnits: bigint): Reckoning {
  let quote = 0n;
  let volume = 0n;
  let delta = 0n;
  let high = trades[0]!.price;
  let low = high;
  const bins = new Map<bigint, bigint>();
  for (const { price, size, buy } of trades) {
    quote += price * size;
    volume += size;
    delta += buy ? size : -size;
    if (price > high) high = price;
    if (price < low) low = price;
    const bin = price / binUnits;
    bins.set(bin, (bins.get(bin) ?? 0n) + size);
  }
  // Σ price·size / Σ size to two digits more than the price has, half to even.
  const scaled = quote * 100n;
  const rest = (scaled % volume) * 2n;
  const whole = scaled / volume;
  const vwap = whole + (rest > volume || (rest === volume && whole % 2n === 1n) ? 1n : 0n);
  const rows = [...bins].map(([bin, sum]): NaiveRow => [Number(bin), sum]).sort(([a], [b]) => a - b);
  const edge = (bin: number) => decimalText(BigInt(bin) * binUnits, SCALE);
  const areaOf = (method: ValueAreaMethod) => {
    const area = naiveArea(rows, method)!;
    return { poc: edge(area.poc), vah: edge(area.vah), val: edge(area.val) };
  };
  const [ranked, oneRow, twoRow] = VALUE_AREA_METHODS.map(areaOf);
  return {
    trades: trades.length,
    volume: decimalText(volume, SCALE),
    vwap: decimalText(vwap, SCALE + 2),
    high: decimalText(high, SCALE),
    low: decimalText(low, SCALE),
    delta: decimalText(delta, SCALE),
    areas: { ranked: ranked!, one_row: oneRow!, two_row: twoRow! },
  };
}

/** Decimal text to units of 10^-8. */
function units(text: string): bigint {
  const [whole = "", fraction = ""] = text.split(".");
  return BigInt(whole + fraction.padEnd(SCALE, "0"));
}

function decimalText(value: bigint, scale: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, "0");
  const text = `${digits.slice(0, -scale)}.${digits.slice(-scale)}`.replace(/\.?0+$/, "");
  return value < 0n ? `-${text}` : text;
}
