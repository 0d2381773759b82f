import type {
  CompareQuery,
  CompositeQuery,
  KnownComparison,
  KnownNakedPocs,
  KnownPeriods,
  KnownProfile,
  NakedPocsQuery,
  PeriodsQuery,
} from "../protocol/mod.ts";
import type { CallOptions, Unavailable } from "./calls.ts";
import type { BadBin, Loading, NoSession, TooLarge, UnknownSymbol } from "./refusals.ts";

export type WindowOutcome<Answer> =
  | { readonly kind: "found"; readonly answer: Answer }
  | UnknownSymbol
  | BadBin
  | NoSession
  | Loading
  | TooLarge
  | Unavailable;

type Answered<Answer> = WindowOutcome<Answer> | Promise<WindowOutcome<Answer>>;

/** What is derived of windows beside the level set of a session and the profile of a range. */
export interface WindowReads {
  periods(query: PeriodsQuery, options: CallOptions): Answered<KnownPeriods>;
  compare(query: CompareQuery, options: CallOptions): Answered<KnownComparison>;
  nakedPocs(query: NakedPocsQuery, options: CallOptions): Answered<KnownNakedPocs>;
  composite(query: CompositeQuery, options: CallOptions): Answered<KnownProfile>;
}
