import { expect, test } from "bun:test";
import fc from "fast-check";
import { dayRange, formatDay, type TradeBatch } from "../../src/core/mod.ts";
import { createGeneratedMarket, type Market, PRESETS, type PresetName } from "../../src/simulator/mod.ts";

const market = (preset: PresetName, seed = 1, symbol = "BTCUSDT") =>
  createGeneratedMarket({ symbol, preset: PRESETS[preset], seed });
const rows = (batch: TradeBatch) => ({
  ...batch,
  id: [...batch.id],
  price: [...batch.price],
  size: [...batch.size],
});
const presets = fc.constantFrom<PresetName>("liquid", "demo", "thin");
/** 2018-01-01 to 2034-06-13. */
const minutes = fc.integer({ min: 25_246_080, max: 33_900_000 });

test("createGeneratedMarket() answers a minute entered at random as one reached in order", () => {
  const inOrder = market("demo");
  const first = 29_450_000;
  const sequential = Array.from({ length: 60 }, (_, i) => rows(inOrder.tradesOf(first + i)));
  for (const offset of [59, 0, 31, 7]) {
    expect(rows(market("demo").tradesOf(first + offset))).toEqual(sequential[offset]!);
  }
});

test("createGeneratedMarket() differs by seed and by symbol", () => {
  const minute = 29_450_123;
  const one = rows(market("demo").tradesOf(minute));
  expect(rows(market("demo", 2).tradesOf(minute))).not.toEqual(one);
  expect(rows(market("demo", 1, "ETHUSDT").tradesOf(minute))).not.toEqual(one);
});

test("createGeneratedMarket() continues ids, raw ids and time across minutes and days", () => {
  fc.assert(
    fc.property(presets, minutes, fc.boolean(), (preset, at, atMidnight) => {
      const tape = market(preset);
      const start = atMidnight ? Math.floor(at / 1_440) * 1_440 - 3 : at;
      let id = tape.positionAt(start);
      let raw: number | undefined;
      let timeUs = start * 60_000_000;
      for (let minute = start; minute < start + 6; minute++) {
        const batch = tape.tradesOf(minute);
        expect(batch.length).toBe(tape.positionAt(minute + 1) - tape.positionAt(minute));
        for (let row = 0; row < batch.length; row++) {
          if (batch.id[row] !== id || (raw ?? batch.firstId[row]) !== batch.firstId[row])
            throw new Error(`hole at ${id}`);
          if (batch.timeUs[row]! < timeUs || batch.timeUs[row]! >= (minute + 1) * 60_000_000)
            throw new Error(`trade ${id} lies outside of its minute or before the trade ahead of it`);
          if (batch.size[row]! < batch.lastId[row]! - batch.firstId[row]! + 1)
            throw new Error(`trade ${id} is too small`);
          id++;
          raw = batch.lastId[row]! + 1;
          timeUs = batch.timeUs[row]!;
        }
      }
    }),
    { numRuns: 60 },
  );
});

test("minuteOfPosition() is the inverse of positionAt()", () => {
  fc.assert(
    fc.property(presets, minutes, fc.nat(), (preset, minute, nth) => {
      const tape = market(preset);
      const count = tape.positionAt(minute + 1) - tape.positionAt(minute);
      fc.pre(count > 0);
      expect(tape.minuteOfPosition(tape.positionAt(minute) + (nth % count))).toBe(minute);
    }),
    { numRuns: 200 },
  );
});

test("createGeneratedMarket() has the trades a day that its preset promises", () => {
  const perDay = (tape: Market, day: number) => {
    const { lo, hi } = dayRange(day);
    return tape.positionAt(hi) - tape.positionAt(lo);
  };
  for (let day = 20_400; day < 20_500; day++) {
    const liquid = perDay(market("liquid"), day);
    if (liquid < 1_000_000 || liquid > 1_240_000) throw new Error(`${formatDay(day)}: ${liquid} trades`);
    expect(perDay(market("demo"), day)).toBeWithin(180_000, 220_001);
    expect(perDay(market("thin"), day)).toBeWithin(1_800, 2_201);
  }
});

test("createGeneratedMarket() clusters like a market", () => {
  const tape = market("liquid");
  const { lo } = dayRange(20_454);
  let trades = 0;
  let sameMs = 0;
  let sameSide = 0;
  let previousClose = Number.NaN;
  let widestJump = 0;
  for (let minute = lo; minute < lo + 30; minute++) {
    const batch = tape.tradesOf(minute);
    for (let row = 1; row < batch.length; row++) {
      trades++;
      if (batch.timeUs[row] === batch.timeUs[row - 1]) sameMs++;
      if (batch.buy[row] === batch.buy[row - 1]) sameSide++;
    }
    if (!Number.isNaN(previousClose))
      widestJump = Math.max(widestJump, Math.abs(batch.price[0]! - previousClose));
    previousClose = batch.price[batch.length - 1]!;
  }
  expect(sameMs / trades).toBeGreaterThan(0.2);
  expect(sameSide / trades).toBeGreaterThan(0.7);
  expect(widestJump / previousClose).toBeLessThan(0.001);
});

test("a thin market has minutes without trades", () => {
  const tape = market("thin");
  const { lo, hi } = dayRange(20_454);
  let empty = 0;
  for (let minute = lo; minute < hi; minute++) if (tape.tradesOf(minute).length === 0) empty++;
  expect(empty).toBeGreaterThan(50);
});

test("a liquid day is one unbroken tape of more than a million trades", () => {
  const tape = market("liquid");
  const { lo, hi } = dayRange(20_454);
  let id = tape.positionAt(lo);
  let raw = 0;
  const firstRaw = tape.tradesOf(lo).firstId[0]!;
  for (let minute = lo; minute < hi; minute++) {
    const batch = tape.tradesOf(minute);
    for (let row = 0; row < batch.length; row++) {
      if (batch.id[row] !== id) throw new Error(`expected trade ${id}, found ${batch.id[row]}`);
      id++;
      raw += batch.lastId[row]! - batch.firstId[row]! + 1;
    }
  }
  expect(id - tape.positionAt(lo)).toBeGreaterThanOrEqual(1_000_000);
  expect(tape.tradesOf(hi).firstId[0]! - firstRaw).toBe(raw);
});
