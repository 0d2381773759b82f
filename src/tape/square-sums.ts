import { formatUnits, invariant, type Scales } from "../core/mod.ts";
import { bigintAt, DECIMAL_WIDTH, numberAt } from "./columns.ts";
import type { Session } from "./engine.ts";
import { Pace } from "./pace.ts";

/** Below it (price units) the square of a price fits 64 bits, and its product with a size 38 digits. */
const NARROW_UNITS = 1_000_000_000;
/** Prices are cut at this place, so that the products of the parts and a size fit 38 digits for every safe integer. */
const CUT = 1_000_000_000n;

/**
 * Prices below this many units become integers inside DECIMAL(18): `price × 10^scale` has units × 10^scale, which is to
 * stay below 10^18. From it on {@link wideSquareSums} answers.
 */
export function narrowUnitsBelow({ priceScale }: Scales): number {
  return Math.min(NARROW_UNITS, 10 ** (DECIMAL_WIDTH - priceScale));
}

/**
 * SQL of Σ price²·size of the prices below {@link narrowUnitsBelow}, units of 10^-(2·priceScale + sizeScale) as the
 * units of a decimal. Fast: 64-bit squares, one 128-bit product a trade.
 */
export function narrowSquareSum(scales: Scales): string {
  const { priceScale } = scales;
  const units = `(price * ${10n ** BigInt(priceScale)})::BIGINT`;
  return `sum(CASE WHEN price < ${narrowLimit(scales)}
    THEN (${units} * ${units})::DECIMAL(${38 - DECIMAL_WIDTH}, 0) * size END)`;
}

/**
 * The same sum over all prices, for the minutes that hold one at or above {@link narrowUnitsBelow}: exact for every safe
 * integer and several times as slow, from (h·C + l)² = h²·C² + 2·h·l·C + l² with C = 10^9.
 */
export async function wideSquareSums(
  session: Session,
  scan: string,
  scales: Scales,
): Promise<Map<number, bigint>> {
  const { priceScale, sizeScale } = scales;
  const sql = `SELECT minute, sum(h * h * s), sum(h * l * s), sum(l * l * s)
    FROM (SELECT minute, price, u // ${CUT} AS h, u % ${CUT} AS l, s
      FROM (SELECT epoch_us(time) // 60000000 AS minute, price,
        ${hugeUnits("price", priceScale)} AS u, ${hugeUnits("size", sizeScale)} AS s FROM ${scan}))
    GROUP BY minute HAVING max(price) >= ${narrowLimit(scales)}`;
  const sums = new Map<number, bigint>();
  const pace = new Pace(session.giveWay);
  for await (const chunk of session.chunks(sql)) {
    for (let row = 0; row < chunk.rowCount; row++) {
      const [high, middle, low] = [1, 2, 3].map((column) => bigintAt(chunk, column, row));
      invariant(high !== undefined && middle !== undefined && low !== undefined, "three sums were read");
      sums.set(numberAt(chunk, 0, row), high * CUT * CUT + 2n * middle * CUT + low);
      if (row % 64 === 0 && pace.due) await pace.rest();
    }
  }
  return sums;
}

/** The units of a DECIMAL(18) column as HUGEINT; the factor is wide, so the product is computed in 128 bits. */
function hugeUnits(column: string, scale: number): string {
  return `(${column} * ${10n ** BigInt(scale)}::DECIMAL(${38 - DECIMAL_WIDTH}, 0))::HUGEINT`;
}

function narrowLimit(scales: Scales): string {
  return `${formatUnits(narrowUnitsBelow(scales), scales.priceScale)}::DECIMAL(${DECIMAL_WIDTH}, ${scales.priceScale})`;
}
