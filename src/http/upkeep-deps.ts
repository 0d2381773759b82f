import type { GapsFacts, GapsQuery, SessionReportFacts, SessionReportQuery } from "../protocol/mod.ts";
import type { CallOptions, Unavailable } from "./calls.ts";
import type { NoSession, UnknownSymbol } from "./refusals.ts";

type Answered<Answer> =
  | { readonly kind: "found"; readonly answer: Answer }
  | UnknownSymbol
  | NoSession
  | Unavailable;

/** How far what is known can be believed. */
export interface UpkeepReads {
  session(
    query: SessionReportQuery,
    options: CallOptions,
  ): Answered<SessionReportFacts> | Promise<Answered<SessionReportFacts>>;
  gaps(query: GapsQuery, options: CallOptions): Answered<GapsFacts> | Promise<Answered<GapsFacts>>;
}
