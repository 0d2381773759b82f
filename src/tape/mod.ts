/** The Parquet tape: writing, reading, aggregating and proving its files. */
export type { ContributionsRequest } from "./contributions.ts";
export {
  PROFILE_AGE_MS_MAX,
  PROFILES_BYTES_MAX,
  ProfileCache,
  type ProfileCacheOptions,
  type ProfileRead,
  type ProfileStats,
  type ProfilesChecked,
  type ProfilesRemoved,
} from "./profiles/profile-cache.ts";
export type { ProfileKey, ProfileOrigin, SessionProfile } from "./profiles/session-profile.ts";
export type { Quarantined } from "./quarantine.ts";
export type { QueryAnswer, QueryOptions } from "./query.ts";
export { BATCH_ROWS_MAX, type TradesRequest } from "./reader.ts";
export type { Swept } from "./sweep.ts";
export { createTape, type Tape, type TapeOptions } from "./tape.ts";
export { TapeError, type TapeErrorCode } from "./tape-error.ts";
export type {
  FileProof,
  SeriesKey,
  TapeCallOptions,
  TapeFile,
  TapeLogger,
  TapeSource,
} from "./tape-file.ts";
export type { Verification } from "./verify.ts";
export type { WriteRequest } from "./writer.ts";
