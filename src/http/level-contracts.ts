import { LEVEL_SET_SEEN, PROFILE_SEEN, type RouteContract } from "../contract/mod.ts";
import {
  LevelsParameters,
  ProfileAnswer,
  ProfileParameters,
  SessionLevelsParameters,
  WireLevelSet,
} from "../protocol/mod.ts";
import { EXAMPLE_DAY, EXAMPLE_SYMBOL, OF_SYMBOL, READING, WINDOWS } from "./contract-parts.ts";

const LEVEL_SET_ABOUT =
  "A level that is not known is null, never 0 and never absent. `certainty` says of each how far it can be trusted: `exact` equals what the complete tape gives, `certain` is proven to equal it although trades are missing, `bounded` lies in its interval of `bounds`, `estimate` is what the trades at hand give. An answer is never older than what was pushed before it was asked for.";

export const LEVELS: RouteContract = {
  operation: "getLevels",
  tag: "levels",
  description: LEVEL_SET_ABOUT,
  query: LevelsParameters,
  answer: { status: 200, about: "The level set.", schema: WireLevelSet },
  problems: READING,
  examples: {
    first: { about: "Of the first of SYMBOLS.", answer: LEVEL_SET_SEEN },
    named: { about: "Of a symbol that is named.", query: { symbol: EXAMPLE_SYMBOL } },
    unknown: {
      about: "Of a symbol that is not here.",
      query: { symbol: "binance:NONE" },
      problem: "symbol-not-found",
    },
  },
};

export const SESSION_LEVELS: RouteContract = {
  operation: "getSessionLevels",
  tag: "levels",
  description: LEVEL_SET_ABOUT,
  path: OF_SYMBOL,
  query: SessionLevelsParameters,
  answer: { status: 200, about: "The level set.", schema: WireLevelSet },
  problems: READING,
  examples: {
    running: { about: "Of the running session.", path: { symbol: EXAMPLE_SYMBOL }, answer: LEVEL_SET_SEEN },
    past: {
      about: "Of a past session, read in another way.",
      path: { symbol: EXAMPLE_SYMBOL },
      query: { session: EXAMPLE_DAY, value_area: "one_row", bin_size: "0.5" },
    },
    not_a_day: {
      about: "Of what is no day.",
      path: { symbol: EXAMPLE_SYMBOL },
      query: { session: "2026-02-30" },
      problem: "invalid-query",
    },
  },
};

export const PROFILE: RouteContract = {
  operation: "getProfile",
  tag: "levels",
  description:
    "Up to a year (366 days). A row is `[lower edge, volume, aggressor-buy volume]`; rows without volume are left out. Days that are not in memory yet are read while you wait; after 20 s the answer is 503 with `/problems/loading`, and the next request goes on from there.",
  path: OF_SYMBOL,
  query: ProfileParameters,
  answer: { status: 200, about: "Levels and volume by price of these minutes.", schema: ProfileAnswer },
  problems: WINDOWS,
  examples: {
    ten_minutes: {
      about: "Ten minutes, in rows of 20.",
      path: { symbol: EXAMPLE_SYMBOL },
      query: { from: `${EXAMPLE_DAY}T08:00:00Z`, to: `${EXAMPLE_DAY}T08:10:00Z`, bin_size: "20" },
      answer: PROFILE_SEEN,
    },
    a_day: {
      about: "A day without its rows.",
      path: { symbol: EXAMPLE_SYMBOL },
      query: { from: EXAMPLE_DAY, to: EXAMPLE_DAY, bins: "false" },
    },
    backwards: {
      about: "An end before its start.",
      path: { symbol: EXAMPLE_SYMBOL },
      query: { from: EXAMPLE_DAY, to: "2026-01-01" },
      problem: "invalid-query",
    },
  },
};
