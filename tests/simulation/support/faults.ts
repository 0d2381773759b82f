/** How often each thing goes wrong, as shares of the calls. */
export interface Faults {
  /** A statement never reaches the database. */
  readonly lost: number;
  /** It is done, its answer is lost. */
  readonly unanswered: number;
  /** The caller has given it up when it is done. */
  readonly late: number;
  /** It arrives twice. */
  readonly twice: number;
  /** It takes seconds. */
  readonly slow: number;
  /** The venue fails: any kind of failure, now and then for good. */
  readonly venue: number;
  readonly venueForGood: number;
  readonly venueSlow: number;
  readonly tape: number;
  readonly tapeSlow: number;
}

export const NO_FAULTS: Faults = {
  lost: 0,
  unanswered: 0,
  late: 0,
  twice: 0,
  slow: 0,
  venue: 0,
  venueForGood: 0,
  venueSlow: 0,
  tape: 0,
  tapeSlow: 0,
};

/** Nothing fails, some calls take long: what then goes wrong is our own doing. */
export const CALM: Faults = { ...NO_FAULTS, venueSlow: 0.3 };

/** The most that a seed draws of each. */
const MOST: Faults = {
  lost: 0.15,
  unanswered: 0.2,
  late: 0.2,
  twice: 0.1,
  slow: 0.3,
  venue: 0.3,
  venueForGood: 0.02,
  venueSlow: 0.3,
  tape: 0.2,
  tapeSlow: 0.2,
};

/** Half of the faults at a strength of their own; the others not at all. */
export function drawFaults(random: () => number): Faults {
  const strength = (most: number) => (random() < 0.5 ? 0 : random() * most);
  return {
    lost: strength(MOST.lost),
    unanswered: strength(MOST.unanswered),
    late: strength(MOST.late),
    twice: strength(MOST.twice),
    slow: strength(MOST.slow),
    venue: strength(MOST.venue),
    venueForGood: strength(MOST.venueForGood),
    venueSlow: strength(MOST.venueSlow),
    tape: strength(MOST.tape),
    tapeSlow: strength(MOST.tapeSlow),
  };
}
