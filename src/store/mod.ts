/** The incremental profile store: minute contributions in memory, folds, change stream. */
export * from "./day-loader.ts";
export { daysAndParts } from "./day-minutes.ts";
export { DayProfiles, FOLDED_BYTES_MAX, type WindowRanges } from "./day-profiles.ts";
export { FINISHED_WINDOWS_MAX, type WindowWatch } from "./finished-windows.ts";
export { isDay, type MinuteSpans } from "./folded-piece.ts";
export * from "./level-reader.ts";
export type { MinuteCandles, ToldMinute } from "./minute-candles.ts";
export type { CheckedMinutes, FoundMismatch } from "./minute-checks.ts";
export * from "./poc-touch.ts";
export * from "./profile-store.ts";
export { RESIDENT_DAYS_MAX } from "./resident-days.ts";
export type { BarMoment } from "./series-bars.ts";
export type { CertaintyReads } from "./series-certainty.ts";
export type { SeriesIdentity } from "./series-grid.ts";
export * from "./series-store.ts";
export * from "./window-profile.ts";
