import type { Certainty } from "./level-set.ts";

/** The POC of a session that has ended, as well as it is known. Lower edges of rows, price units. */
export interface PastPoc {
  readonly session: string;
  /** The first minute after the session. */
  readonly end: number;
  /** The POC, or the best guess of it. */
  readonly poc: number;
  readonly certainty: Certainty;
  /** The lowest and the highest row that it can be, where it is `bounded`. */
  readonly bounds?: readonly [low: number, high: number];
}

/** What later minutes are known to have touched: the POC's row (of a bounded one, the guess), and rows that it can be. */
export interface RowTouches {
  readonly poc: boolean;
  readonly rows: "none" | "some" | "all";
}

/** What is known of a past POC now. A `touched` one is proven to be; an `undecided` one is only guessed to be. */
export interface PocVerdict extends Pick<PastPoc, "session" | "poc" | "bounds"> {
  readonly state: "naked" | "touched" | "undecided";
  /** Of the POC and its being naked together; `bounded`: it is naked and lies within `bounds`. */
  readonly certainty: Certainty;
}

/**
 * A past session's POC is *naked* (also: virgin) as long as no later minute has touched it: as long as no later
 * [low, high] meets its row [poc, poc + rowUnits). A minute that leaps over the row within its range counts as a touch; a
 * leap between two minutes does not.
 *
 * A touch stays one whatever else comes; that there was none needs every minute since (`known`). A bounded POC was touched for
 * sure if every row that it can be was, and is naked for sure if none was.
 */
export function pocVerdict(past: PastPoc, touches: RowTouches, known: boolean): PocVerdict {
  const { session, poc, certainty, bounds } = past;
  const guess = { session, poc, certainty: "estimate", state: touches.poc ? "undecided" : "naked" } as const;
  if (certainty === "estimate") return guess;
  const proven = { session, poc, certainty, ...(bounds !== undefined && { bounds }) };
  if (touches.rows === "all") return { ...proven, state: "touched" };
  return touches.rows === "none" && known ? { ...proven, state: "naked" } : guess;
}
