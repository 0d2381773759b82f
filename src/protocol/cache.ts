import * as v from "valibot";
import { formatTime } from "../core/mod.ts";
import { type Parsed, parseParameters, type RawQuery } from "./queries.ts";

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const CURSOR_EXPECTED = 'what the former answer named as "next"';
const CURSOR = /^(\d{1,9})\/(\d{1,7})$/;

/** `GET /api/v1/cache`: what is kept on the disk. */
export const CacheAnswer = v.object({
  tape: v.object({ segments: Count, files: Count, bytes: Count, trades: Count }),
  profiles: v.object({
    enabled: v.boolean(),
    files: Count,
    bytes: Count,
    oldest: v.nullable(v.string()),
    newest: v.nullable(v.string()),
  }),
  timestamp: v.string(),
});
export type CacheAnswer = v.InferOutput<typeof CacheAnswer>;

/** `POST /api/v1/cache/verify`: a part of the files, proven. */
export const CacheChecked = v.object({
  tape_files: Count,
  /** Segments whose files were missing or changed; they are out of the listing now, and what is left of them in quarantine. */
  tape_damaged: Count,
  profile_files: Count,
  /** Removed; they are made anew. */
  profiles_damaged: Count,
  /** Where to go on; null at the end. */
  next: v.nullable(v.string()),
});
export type CacheChecked = v.InferOutput<typeof CacheChecked>;

/** `POST /api/v1/cache/clean`. */
export const CacheCleaned = v.object({
  profiles_removed: Count,
  profile_bytes: Count,
  /** Files that no committed segment lists. */
  tape_files_removed: Count,
  tape_bytes: Count,
});
export type CacheCleaned = v.InferOutput<typeof CacheCleaned>;

/** Where a check of the tape goes on: a series and a UTC day of it, days since the epoch. */
export interface CachePlace {
  readonly seriesId: number;
  readonly day: number;
}

export interface CacheFacts {
  readonly tape: CacheAnswer["tape"];
  readonly profilesEnabled: boolean;
  readonly profiles: {
    readonly files: number;
    readonly bytes: number;
    readonly oldestMs: number | null;
    readonly newestMs: number | null;
  };
}

export function cacheToWire({ tape, profilesEnabled, profiles }: CacheFacts, nowMs: number): CacheAnswer {
  const { files, bytes, oldestMs, newestMs } = profiles;
  const time = (ms: number | null) => (ms === null ? null : formatTime(Math.floor(ms)));
  return {
    tape,
    profiles: { enabled: profilesEnabled, files, bytes, oldest: time(oldestMs), newest: time(newestMs) },
    timestamp: formatTime(nowMs),
  };
}

export function placeToWire({ seriesId, day }: CachePlace): string {
  return `${seriesId}/${day}`;
}

export const CacheVerifyParameters = v.strictObject({
  after: v.optional(
    v.pipe(
      v.string(CURSOR_EXPECTED),
      v.regex(CURSOR, CURSOR_EXPECTED),
      v.description("the `next` of the former answer; the first part when absent"),
    ),
  ),
});

/** The `after` of a check; undefined for its first part. */
export function parseCacheVerifyQuery(raw: RawQuery): Parsed<CachePlace | undefined> {
  const parsed = parseParameters(CacheVerifyParameters, raw);
  if (parsed.kind === "refused") return parsed;
  const match = CURSOR.exec(parsed.value.after ?? "");
  const place = match === null ? undefined : { seriesId: Number(match[1]), day: Number(match[2]) };
  return { kind: "ok", value: place };
}
