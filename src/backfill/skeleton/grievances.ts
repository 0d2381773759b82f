import type { OperationFailure, Timers } from "../../core/mod.ts";
import type { SeriesStore } from "../../store/mod.ts";

type Named = Pick<SeriesStore, "seriesId" | "symbol">;

interface Grievance {
  readonly reason: string;
  readonly until: number;
}

/** Series whose candles could not be had: left alone for a while, and told of once until they can. */
export class Grievances {
  readonly #timers: Pick<Timers, "now">;
  readonly #log: {
    info(fields: Record<string, unknown>, message: string): void;
    warn(fields: Record<string, unknown>, message: string): void;
  };
  readonly #bySeries = new Map<number, Grievance>();

  constructor(
    timers: Pick<Timers, "now">,
    log: {
      info(fields: Record<string, unknown>, message: string): void;
      warn(fields: Record<string, unknown>, message: string): void;
    },
  ) {
    this.#timers = timers;
    this.#log = log;
  }

  /** Why a series is left alone now; undefined when it may be asked for. */
  resting({ seriesId }: Named): string | undefined {
    const grievance = this.#bySeries.get(seriesId);
    return grievance !== undefined && this.#timers.now() < grievance.until ? grievance.reason : undefined;
  }

  failed({ seriesId, symbol }: Named, { message }: OperationFailure, restMs: number): void {
    const known = this.#bySeries.has(seriesId);
    this.#bySeries.set(seriesId, { reason: message, until: this.#timers.now() + restMs });
    if (!known)
      this.#log.warn(
        { symbol },
        `levels stay estimates where trades are missing, because the venue's 1-minute candles could not be had: ${message}`,
      );
  }

  settled({ seriesId, symbol }: Named): void {
    if (this.#bySeries.delete(seriesId)) this.#log.info({ symbol }, "1-minute candles are to be had again");
  }
}
