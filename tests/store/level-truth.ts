import { expect } from "bun:test";
import {
  type Decimal,
  formatDecimal,
  LEVEL_NAMES,
  type LevelName,
  type LevelSet,
} from "../../src/core/mod.ts";

/** Levels a window's candles tell by themselves. */
export const TOLD_LEVELS: readonly LevelName[] = [
  ...(["VWAP", "HIGH", "LOW", "OPEN", "LAST", "CD", "rangeToday"] as const),
  ...(["ORH", "ORL", "IBH", "IBL", "PDH", "PDL", "VWAPprev"] as const),
];
export const AREA_LEVELS: readonly LevelName[] = ["POC", "VAH", "VAL", "POCprev", "VAHprev", "VALprev"];

/** Fails where a set claims more than the complete one bears out. */
export function expectTrue(set: LevelSet, complete: LevelSet, during: string): void {
  for (const name of LEVEL_NAMES) {
    const value = set.levels[name];
    const final = complete.levels[name];
    const certainty = set.certainty[name];
    const bounds = set.bounds[name];
    const said = () =>
      `${during}: ${name} ${certainty} ${shown(value)} ${bounds?.map(formatDecimal).join("…") ?? ""}, complete ${shown(final)}`;
    const right =
      certainty === "exact" || certainty === "certain"
        ? shown(value) === shown(final)
        : certainty !== "bounded" || liesWithin(final, bounds);
    const kept =
      (certainty === "bounded") === (bounds !== undefined) &&
      (bounds === undefined || liesWithin(value, bounds));
    if (!right || !kept) expect(said()).toBe("true");
  }
}

function shown(value: Decimal | null): string {
  return value === null ? "null" : formatDecimal(value);
}

function liesWithin(value: Decimal | null, bounds: readonly [Decimal, Decimal] | undefined): boolean {
  if (value === null || bounds === undefined) return false;
  return compare(bounds[0], value) <= 0 && compare(value, bounds[1]) <= 0;
}

function compare(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale);
  const units = ({ units, scale: own }: Decimal) => units * 10n ** BigInt(scale - own);
  const difference = units(a) - units(b);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}
