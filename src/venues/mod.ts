/** Exchanges: one port, one adapter folder for each. */
export * from "./binance/mod.ts";
export * from "./candle-source.ts";
export * from "./registry.ts";
export * from "./venue.ts";
