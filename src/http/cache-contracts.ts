import type { RouteContract } from "../contract/mod.ts";
import {
  CacheAnswer,
  CacheChecked,
  CacheCleaned,
  CacheVerifyParameters,
  NoParameters,
} from "../protocol/mod.ts";
import { ASKING } from "./contract-parts.ts";

export const CACHE: RouteContract = {
  operation: "getCache",
  tag: "cache",
  query: NoParameters,
  answer: { status: 200, about: "Files, bytes and trades.", schema: CacheAnswer },
  problems: ASKING,
  examples: {
    all: {
      about: "All that is kept.",
      answer: {
        tape: { segments: 282, files: 282, bytes: 7340032, trades: 410826 },
        profiles: {
          enabled: true,
          files: 1,
          bytes: 40960,
          oldest: "2026-01-02T00:10:00.000Z",
          newest: "2026-01-02T00:10:00.000Z",
        },
        timestamp: "2026-01-03T12:34:56.789Z",
      },
    },
  },
};

export const CACHE_VERIFY: RouteContract = {
  operation: "verifyCache",
  tag: "cache",
  description: "Ask again with `after` until `next` is null.",
  query: CacheVerifyParameters,
  answer: { status: 200, about: "What this part of the files is.", schema: CacheChecked },
  problems: ASKING,
  examples: {
    start: {
      about: "From the first file on.",
      answer: { tape_files: 282, tape_damaged: 0, profile_files: 1, profiles_damaged: 0, next: null },
    },
    further: { about: "From where the former answer ended.", query: { after: "1/20455" } },
  },
};

export const CACHE_CLEAN: RouteContract = {
  operation: "cleanCache",
  tag: "cache",
  query: NoParameters,
  answer: { status: 200, about: "What is gone.", schema: CacheCleaned },
  problems: ASKING,
  examples: {
    all: {
      about: "All that may go.",
      answer: { profiles_removed: 1, profile_bytes: 40960, tape_files_removed: 0, tape_bytes: 0 },
    },
  },
};
