import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import {
  autoBinUnits,
  deriveLevels,
  foldMinutes,
  foldWindow,
  formatDecimal,
  parseDay,
  TradeBatchBuilder,
  utcSession,
  VALUE_AREA_METHODS,
} from "../../src/core/mod.ts";
import { testWithData } from "../support/shared-data.ts";
import { type NaiveRow, naiveArea } from "./naive-area.ts";

/** A day of Binance aggregate trades, XRPETH, 5,929 of them: id, price, size, first, last, ms, buyer was maker, best match. */
const DAY_FILE = "derived/XRPETH-aggTrades-2019-10-11.csv";
const CANDLE_FILE = "derived/XRP_ETH-1m-2019-10-11.csv";
const SCALE = 8;
const BINS = { auto: undefined, "1e-6": 100 } as const;

function linesOf(path: string): string[][] {
  return readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line) => line.trim().split(","));
}

/** Decimal text to an integer of 10^-8, in bigint. */
function units(text: string): bigint {
  const [whole = "", fraction = ""] = text.split(".");
  return BigInt(whole + fraction.padEnd(SCALE, "0"));
}

function decimalText(value: bigint, scale: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, "0");
  const text = `${digits.slice(0, -scale)}.${digits.slice(-scale)}`.replace(/\.?0+$/, "");
  return value < 0n ? `-${text}` : text;
}

/** The day's numbers from the text of the file, with nothing but bigint and maps. */
function reference(lines: readonly string[][], binUnits: bigint) {
  let quote = 0n;
  let volume = 0n;
  let delta = 0n;
  let high = 0n;
  let low = 10n ** 30n;
  const bins = new Map<bigint, bigint>();
  for (const [, priceText = "", sizeText = "", , , , maker] of lines) {
    const price = units(priceText);
    const size = units(sizeText);
    quote += price * size;
    volume += size;
    delta += maker === "True" ? -size : size;
    if (price > high) high = price;
    if (price < low) low = price;
    bins.set(price / binUnits, (bins.get(price / binUnits) ?? 0n) + size);
  }
  const scaled = quote * 100n;
  const rest = scaled % volume;
  let vwap = scaled / volume;
  if (rest * 2n > volume || (rest * 2n === volume && vwap % 2n === 1n)) vwap++;
  const rows = [...bins].map(([bin, sum]): NaiveRow => [Number(bin), sum]).sort(([a], [b]) => a - b);
  return { volume, delta, high, low, vwap, rows };
}

function batchOfFile(lines: readonly string[][]) {
  const builder = new TradeBatchBuilder("aggregate", { priceScale: 0, sizeScale: 0 });
  for (const [id, price = "", size = "", firstId, lastId, ms, maker] of lines)
    builder.push({
      id: Number(id),
      timeUs: Number(ms) * 1_000,
      price,
      size,
      firstId: Number(firstId),
      lastId: Number(lastId),
      buy: maker === "False",
    });
  return builder.build();
}

for (const [name, fixed] of Object.entries(BINS)) {
  for (const method of VALUE_AREA_METHODS) {
    testWithData(
      [DAY_FILE],
      `deriveLevels(), equals a from-scratch computation of a day: bins ${name}, ${method}`,
      ([path = ""]) => {
        const lines = linesOf(path);
        const batch = batchOfFile(lines);
        expect([batch.length, batch.scales.priceScale]).toEqual([5_929, SCALE]);
        const binUnits = fixed ?? autoBinUnits(batch.price[0]!, 1);
        const { minutes, scales } = foldMinutes(batch, binUnits);
        const whole = { expectedMinutes: 1_440, coveredMinutes: 1_440, missing: [] };
        const session = utcSession(parseDay("2019-10-11")!);
        const none = { fold: foldWindow([]), coverage: { ...whole, coveredMinutes: 0 }, whole: false };
        expect(minutes.every((m) => session.range.lo <= m.minute && m.minute < session.range.hi)).toBe(true);
        const { levels, tradeCount, volume } = deriveLevels(
          {
            symbol: "binance:XRPETH",
            session,
            asOfMs: 0,
            nowMinute: session.range.hi,
            revision: 1,
            scales,
            binUnits,
            current: { fold: foldWindow(minutes), coverage: whole, whole: true },
            previous: none,
            openingRange: none,
            initialBalance: none,
          },
          { method },
        );
        const expected = reference(lines, BigInt(binUnits));
        const area = naiveArea(expected.rows, method)!;
        const edge = (bin: number) => decimalText(BigInt(bin) * BigInt(binUnits), SCALE);
        const text = ({ VWAP, POC, VAH, VAL, HIGH, LOW, CD }: typeof levels) =>
          [VWAP, POC, VAH, VAL, HIGH, LOW, CD].map((value) => formatDecimal(value!));
        expect(text(levels)).toEqual([
          decimalText(expected.vwap, SCALE + 2),
          edge(area.poc),
          edge(area.vah),
          edge(area.val),
          decimalText(expected.high, SCALE),
          decimalText(expected.low, SCALE),
          decimalText(expected.delta, SCALE),
        ]);
        expect([tradeCount, formatDecimal(volume)]).toEqual([5_929, decimalText(expected.volume, SCALE)]);
      },
    );
  }
}

testWithData(
  [DAY_FILE, CANDLE_FILE],
  "foldMinutes(), gives the exchange's own candles",
  ([path = "", candles = ""]) => {
    const { minutes } = foldMinutes(batchOfFile(linesOf(path)), 1);
    const ours = minutes.map((m) => [m.minute * 60_000, m.open, m.high, m.low, m.close, m.volume]);
    const theirs = linesOf(candles)
      .slice(1)
      .map(([ms, open = "", high = "", low = "", close = "", volume]) => [
        Number(ms),
        ...[open, high, low, close].map((price) => Number(units(price))),
        Number(volume),
      ]);
    expect(theirs.length).toBe(1_022);
    expect(ours).toEqual(theirs);
  },
);
