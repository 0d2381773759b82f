import type { RouteContract } from "../contract/mod.ts";
import {
  CompareParameters,
  CompositeParameters,
  NakedPocsParameters,
  PeriodsParameters,
  ProfileAnswer,
  WireComparison,
  WireNakedPocs,
  WirePeriods,
} from "../protocol/mod.ts";
import { EXAMPLE_DAY, EXAMPLE_DAY_BEFORE, EXAMPLE_SYMBOL, OF_SYMBOL, WINDOWS } from "./contract-parts.ts";

const path = { symbol: EXAMPLE_SYMBOL };

export const PERIODS: RouteContract = {
  operation: "getPeriodProfiles",
  tag: "levels",
  description:
    "Every period that has a minute in the range, aligned to UTC, weeks from Monday, oldest first; at most 1,000.",
  path: OF_SYMBOL,
  query: PeriodsParameters,
  answer: { status: 200, about: "The levels of each period.", schema: WirePeriods },
  problems: WINDOWS,
  examples: {
    hours: {
      about: "The hours of a day.",
      path,
      query: { period: "1h", from: EXAMPLE_DAY, to: EXAMPLE_DAY },
    },
    no_such_period: {
      about: "A period that there is not.",
      path,
      query: { period: "2h", from: EXAMPLE_DAY, to: EXAMPLE_DAY },
      problem: "invalid-query",
    },
  },
};

export const COMPARE: RouteContract = {
  operation: "compareWindows",
  tag: "levels",
  description: "Either two sessions, `a` and `b`, or two windows by their ends; a session and a window too.",
  path: OF_SYMBOL,
  query: CompareParameters,
  answer: { status: 200, about: "Both windows, and how b differs from a.", schema: WireComparison },
  problems: WINDOWS,
  examples: {
    sessions: { about: "A day with the day before.", path, query: { a: EXAMPLE_DAY_BEFORE, b: EXAMPLE_DAY } },
    windows: {
      about: "The same hour of two days.",
      path,
      query: {
        a_from: `${EXAMPLE_DAY_BEFORE}T08:00:00Z`,
        a_to: `${EXAMPLE_DAY_BEFORE}T09:00:00Z`,
        b_from: `${EXAMPLE_DAY}T08:00:00Z`,
        b_to: `${EXAMPLE_DAY}T09:00:00Z`,
      },
    },
    one_side: {
      about: "Nothing to compare with.",
      path,
      query: { a: EXAMPLE_DAY },
      problem: "invalid-query",
    },
  },
};

export const NAKED_POCS: RouteContract = {
  operation: "getNakedPocs",
  tag: "levels",
  path: OF_SYMBOL,
  query: NakedPocsParameters,
  answer: { status: 200, about: "The naked POCs, the newest session first.", schema: WireNakedPocs },
  problems: WINDOWS,
  examples: { last_five: { about: "Of the last five sessions.", path, query: { sessions: "5" } } },
};

export const COMPOSITE: RouteContract = {
  operation: "getComposite",
  tag: "levels",
  description: "Either `sessions` or `last`.",
  path: OF_SYMBOL,
  query: CompositeParameters,
  answer: {
    status: 200,
    about: "Levels and volume by price of these sessions together.",
    schema: ProfileAnswer,
  },
  problems: WINDOWS,
  examples: {
    named: {
      about: "Two sessions by name, without rows.",
      path,
      query: { sessions: `${EXAMPLE_DAY_BEFORE},${EXAMPLE_DAY}`, bins: "false" },
    },
    last_two: { about: "The last two that have ended.", path, query: { last: "2", bin_size: "20" } },
  },
};
