/** The symbol is not followed and was never backfilled. */
export interface UnknownSymbol {
  readonly kind: "unknown_symbol";
  readonly symbol: string;
}

/** The bin size asked for is no whole number of the series' own bins; `binSize` is that size as decimal text. */
export interface BadBin {
  readonly kind: "bad_bin";
  readonly binSize: string;
}

/** The calendar has no session of that date; `nearest` are the ones before and after it. */
export interface NoSession {
  readonly kind: "no_session";
  readonly name: string;
  readonly nearest: readonly string[];
  /** The parameter that named it. Default `session`. */
  readonly parameter?: string;
}

/** The days of a window are being read from the tape; asked again, the answer goes on from there. */
export interface Loading {
  readonly kind: "loading";
  readonly symbol: string;
  readonly daysLoaded: number;
  readonly daysTotal: number;
}

/** A window that cannot be folded; `reason` follows "this window cannot be folded: ". */
export interface TooLarge {
  readonly kind: "too_large";
  readonly reason: string;
}
