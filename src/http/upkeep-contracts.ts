import type { RouteContract } from "../contract/mod.ts";
import { GapsAnswer, GapsParameters, SessionReport, SessionReportParameters } from "../protocol/mod.ts";
import { EXAMPLE_DAY, EXAMPLE_SYMBOL, OF_SYMBOL, READING } from "./contract-parts.ts";

const path = { symbol: EXAMPLE_SYMBOL };

export const SESSION_REPORT: RouteContract = {
  operation: "getSessionReport",
  tag: "quality",
  path: OF_SYMBOL,
  query: SessionReportParameters,
  answer: {
    status: 200,
    about: "How much of the session is known, and how far it can be believed.",
    schema: SessionReport,
  },
  problems: READING,
  examples: {
    running: { about: "Of the running session.", path },
    past: { about: "Of a past one.", path, query: { session: EXAMPLE_DAY } },
  },
};

export const GAPS: RouteContract = {
  operation: "getGaps",
  tag: "quality",
  description: "Of the running session, or of a range that has both ends.",
  path: OF_SYMBOL,
  query: GapsParameters,
  answer: { status: 200, about: "Missing and contradicting minutes.", schema: GapsAnswer },
  problems: READING,
  examples: {
    running: { about: "Of the running session.", path },
    a_day: { about: "Of a day.", path, query: { from: EXAMPLE_DAY, to: EXAMPLE_DAY } },
    no_end: { about: "Without an end.", path, query: { from: EXAMPLE_DAY }, problem: "invalid-query" },
  },
};
