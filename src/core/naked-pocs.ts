import type { Coverage } from "./coverage.ts";
import type { Certainty } from "./level-set.ts";
import type { MinuteContribution } from "./minute.ts";

/** The POC of a session that has ended. */
export interface PastPoc {
  readonly session: string;
  /** The first minute after the session. */
  readonly end: number;
  /** Lower edge of its row, price units. */
  readonly poc: number;
  /** Whether every minute of the session is known, so that the POC is the final one. */
  readonly whole: boolean;
}

/** What is known of the time after the sessions. A minute's low and high may come from trades or from the venue's candle. */
export interface LaterMinutes {
  /** Ascending. */
  readonly minutes: Iterable<Pick<MinuteContribution, "minute" | "low" | "high">>;
  /** Minutes whose range is known, those without trades among them. */
  readonly known: Coverage;
  /** Minutes before this one have ended. */
  readonly until: number;
}

/** Whether a past POC is naked, with the first known minute that touched it when it is not. */
export interface PocTouch {
  readonly session: string;
  readonly poc: number;
  readonly touchedAt: number | null;
  /** `exact` when nothing that is still missing can change whether it is naked. */
  readonly certainty: Certainty;
}

/**
 * A past session's POC is *naked* (also: virgin) as long as no later minute has touched it: as long as no later
 * [low, high] meets its row [poc, poc + rowUnits). A minute that leaps over the row within its range counts as a touch; a
 * leap between two minutes does not.
 *
 * Only minutes from a session's end on count for it. Answers in the order of `pasts`; costs a binary search a minute.
 */
export function pocTouches(
  pasts: readonly PastPoc[],
  rowUnits: number,
  { minutes, known, until }: LaterMinutes,
): PocTouch[] {
  const waiting = [...pasts].sort((a, b) => b.end - a.end);
  /** Sessions that have ended and whose POC is naked so far, ascending by POC. */
  const naked: PastPoc[] = [];
  const touchedAt = new Map<PastPoc, number>();
  for (const { minute, low, high } of minutes) {
    for (let past = waiting.at(-1); past !== undefined && past.end <= minute; past = waiting.at(-1)) {
      waiting.pop();
      naked.splice(firstAtLeast(naked, past.poc), 0, past);
    }
    const from = firstAtLeast(naked, low - rowUnits + 1);
    let to = from;
    for (let past = naked[to]; past !== undefined && past.poc <= high; past = naked[++to])
      touchedAt.set(past, minute);
    if (to > from) naked.splice(from, to - from);
  }
  return pasts.map((past) => {
    const touched = touchedAt.get(past);
    // A touch stays one whatever else comes; that there was none needs every minute since.
    const proven = touched !== undefined || known.covers({ lo: past.end, hi: until });
    return {
      session: past.session,
      poc: past.poc,
      touchedAt: touched ?? null,
      certainty: past.whole && proven ? "exact" : "estimate",
    };
  });
}

/** Index of the first POC ≥ `price`. */
function firstAtLeast(pocs: readonly PastPoc[], price: number): number {
  let low = 0;
  let high = pocs.length;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if (pocs[mid]!.poc >= price) high = mid;
    else low = mid + 1;
  }
  return low;
}
