/** The incremental profile store: minute contributions in memory, folds, change stream. */
export * from "./day-loader.ts";
export * from "./level-reader.ts";
export * from "./profile-store.ts";
export { RESIDENT_DAYS_MAX } from "./resident-days.ts";
export * from "./series-store.ts";
