/** The symbol whose trades are numbered in their prices. */
export const MARKED_SYMBOL = "BTCUSDT";
/** Symbols to be backfilled: one whose minutes are nearly empty, and one of a million trades a day. */
export const QUIET_SYMBOL = "XRPETH";
export const LIQUID_SYMBOL = "ETHUSDT";
/** Numbers of trades, after which they begin again: about ten seconds of them. */
export const MARKS = 10_000;

/** Now, ms since the epoch with fractions: the same in every process of this machine. */
export function epochMs(): number {
  return performance.timeOrigin + performance.now();
}

/** The number of a trade in a price as JSON writes it: zeros at its end are missing. */
export function markOf(price: string): number {
  const [, decimals = ""] = price.split(".");
  return Number(decimals.padEnd(6, "0").slice(2));
}
