import type { GridOf, MinuteRange, WindowFold } from "../../core/mod.ts";
import type { SeriesKey } from "../tape-file.ts";

/** Which session of which series. */
export interface ProfileKey {
  readonly series: SeriesKey;
  /** `2026-01-02`. */
  readonly session: string;
}

/** What a profile has to be of, to be used. */
export interface ProfileOrigin extends GridOf {
  readonly range: MinuteRange;
  /** Fingerprint of the segments that own the minutes: other trades, other digest. */
  readonly digest: string;
}

/** A finished session, folded, with what it was made of. */
export interface SessionProfile extends ProfileOrigin {
  /** The minutes of `range` that it knows: sorted and disjoint. */
  readonly coverage: readonly MinuteRange[];
  readonly fold: WindowFold;
}
