import { type Clock, failureOf, pause } from "../core/mod.ts";
import type { Venue } from "../venues/mod.ts";

/** How often the venue is asked for its time. */
const MEASURE_INTERVAL_MS = 600_000;
/** After a measurement that failed. */
const RETRY_MS = 15_000;
/** A round trip longer than this measures the network, not the clock. */
const ROUND_TRIP_MAX_MS = 2_000;
/** Smaller differences are the network's. */
const SKEW_MIN_MS = 250;
const MEASURE_TIMEOUT_MS = 5_000;

/** The machine's clock brought to exchange time: minutes end when the exchange says so. */
export class ExchangeClock implements Clock {
  readonly #machine: Clock;
  #skewMs = 0;

  constructor(machine: Clock) {
    this.#machine = machine;
  }

  nowMs(): number {
    return this.#machine.nowMs() + this.#skewMs;
  }

  now(): number {
    return this.#machine.now();
  }

  after(delayMs: number, run: () => void): () => void {
    return this.#machine.after(delayMs, run);
  }

  /** The earlier one of exchange time and machine time: past by both. */
  pastMs(): number {
    return Math.min(this.#machine.nowMs(), this.nowMs());
  }

  /** Exchange time minus machine time, ms. */
  get skewMs(): number {
    return this.#skewMs;
  }

  /** Measures now; answers whether it could. */
  async measure(venue: Venue, signal: AbortSignal): Promise<boolean> {
    const sentAt = this.#machine.now();
    const sentMs = this.#machine.nowMs();
    const timeout = new AbortController();
    const cancel = this.#machine.after(MEASURE_TIMEOUT_MS, () => timeout.abort());
    try {
      const serverMs = await venue.serverTimeMs({ signal: AbortSignal.any([signal, timeout.signal]) });
      const tripMs = this.#machine.now() - sentAt;
      if (tripMs > ROUND_TRIP_MAX_MS) return false;
      const skew = serverMs - (sentMs + tripMs / 2);
      this.#skewMs = Math.abs(skew) < SKEW_MIN_MS ? 0 : Math.round(skew);
      return true;
    } finally {
      cancel();
    }
  }

  /** Keeps measuring until `signal` aborts. */
  async follow(venue: Venue, signal: AbortSignal, warn: (message: string) => void): Promise<void> {
    while (!signal.aborted) {
      let measured = false;
      try {
        measured = await this.measure(venue, signal);
      } catch (thrown) {
        if (!signal.aborted) warn(`${venue.name}: its clock could not be read: ${failureOf(thrown).message}`);
      }
      await pause(this.#machine, measured ? MEASURE_INTERVAL_MS : RETRY_MS, signal);
    }
  }
}
