import { type TradeBatch, TradeBatchBuilder } from "../../src/core/mod.ts";

export const WALK_SCALES = { priceScale: 2, sizeScale: 5 };

/** `length` trades of a UTC day that begins at minute `dayLo`: a random walk of some 100 bins of 0.10 a minute, reproducible. */
export function walkedDay(dayLo: number, length: number): TradeBatch {
  const builder = new TradeBatchBuilder("aggregate", WALK_SCALES, length);
  let seed = 12_345;
  const random = (): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  let units = 4_200_000;
  for (let i = 0; i < length; i++) {
    units += Math.floor((random() - 0.5) * 600);
    builder.push({
      id: 3_000_000_000 + i,
      timeUs: dayLo * 60_000_000 + Math.floor((i * 86_400_000_000) / length),
      price: `${Math.floor(units / 100)}.${String(units % 100).padStart(2, "0")}`,
      size: (0.00001 + Math.floor(random() * 50_000) / 100_000).toFixed(5),
      firstId: 5_000_000_000 + 2 * i,
      lastId: 5_000_000_000 + 2 * i + 1,
      buy: random() < 0.5,
    });
  }
  return builder.build();
}
