/** What one symbol of one venue trades in: the scales its prices and sizes are exact at, and its steps. */
export interface Instrument {
  readonly venue: string;
  readonly market: string;
  /** The venue's own spelling, e.g. `BTCUSDT`. */
  readonly symbol: string;
  /** Prices are integers of 10^-priceScale. Only ever grows. */
  readonly priceScale: number;
  /** Sizes are integers of 10^-sizeScale. Only ever grows. */
  readonly sizeScale: number;
  /** Smallest price step, price units. */
  readonly tickUnits: number;
  /** Smallest size step, size units. */
  readonly lotUnits: number;
}

/** The scales that integers of a batch or a contribution are in. */
export interface Scales {
  readonly priceScale: number;
  readonly sizeScale: number;
}

/** `binance:BTCUSDT`: how a symbol is named on every wire. */
export function symbolName(of: { readonly venue: string; readonly symbol: string }): string {
  return `${of.venue}:${of.symbol}`;
}

/** Splits `binance:BTCUSDT`, or a bare `BTCUSDT` of the default venue. Undefined when it is no symbol. */
export function parseSymbolName(
  text: string,
  defaultVenue: string,
): { readonly venue: string; readonly symbol: string } | undefined {
  const match = /^(?:([a-z][a-z0-9_-]{0,31}):)?([A-Za-z0-9][A-Za-z0-9._-]{0,39})$/.exec(text);
  if (match === null) return undefined;
  return { venue: match[1] ?? defaultVenue, symbol: match[2]!.toUpperCase() };
}

/** The finer of two pairs of scales, each by itself. */
export function finestScales(a: Scales, b: Scales): Scales {
  return {
    priceScale: Math.max(a.priceScale, b.priceScale),
    sizeScale: Math.max(a.sizeScale, b.sizeScale),
  };
}

export function sameScales(a: Scales, b: Scales): boolean {
  return a.priceScale === b.priceScale && a.sizeScale === b.sizeScale;
}
