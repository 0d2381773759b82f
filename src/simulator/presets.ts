import type { Scales } from "../core/mod.ts";

/** The character of a generated market. */
export interface MarketPreset {
  /** Aggregate trades of a mean day. */
  readonly tradesPerDay: number;
  /** Price that the noise is centred on, as a number of whole quote units. */
  readonly basePrice: number;
  readonly scales: Scales;
  readonly tickUnits: number;
  readonly lotUnits: number;
  /** Distance between bid and ask, ticks. */
  readonly spreadTicks: number;
  /** Median trade size, size units. */
  readonly medianSizeUnits: number;
  /** Standard deviation of one minute's return, about. */
  readonly volatility: number;
}

export type PresetName = "liquid" | "demo" | "thin";

/** `liquid` trades like BTCUSDT in 2024 (no day below a million), `demo` like a busy altcoin, `thin` leaves most minutes empty. */
export const PRESETS: Readonly<Record<PresetName, MarketPreset>> = {
  liquid: {
    tradesPerDay: 1_120_000,
    basePrice: 62_000,
    scales: { priceScale: 2, sizeScale: 5 },
    tickUnits: 1,
    lotUnits: 1,
    spreadTicks: 1,
    medianSizeUnits: 400,
    volatility: 0.0005,
  },
  demo: {
    tradesPerDay: 200_000,
    basePrice: 3_100,
    scales: { priceScale: 2, sizeScale: 4 },
    tickUnits: 1,
    lotUnits: 1,
    spreadTicks: 1,
    medianSizeUnits: 900,
    volatility: 0.0006,
  },
  thin: {
    tradesPerDay: 2_000,
    basePrice: 0.0014,
    scales: { priceScale: 8, sizeScale: 0 },
    tickUnits: 1,
    lotUnits: 1,
    spreadTicks: 60,
    medianSizeUnits: 40,
    volatility: 0.0012,
  },
};

/** The preset of a name, or undefined. */
export function presetOf(name: string): MarketPreset | undefined {
  return name === "liquid" || name === "demo" || name === "thin" ? PRESETS[name] : undefined;
}
