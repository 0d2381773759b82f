import { type Clock, formatTime, MS_PER_MINUTE, OperationFailure } from "../../core/mod.ts";
import type { RequestPriority } from "../venue.ts";
import { type Waiter, Waiters } from "./waiters.ts";

/** Request weight a minute allows until exchangeInfo says otherwise. */
const WEIGHT_LIMIT_DEFAULT = 6_000;
/** Share of the limit that history leaves to live repairs, to requests under way and to others on our address. */
const HEADROOM_SHARE = 0.1;
/** Requests under way at once. */
const IN_FLIGHT_MAX = 8;
/** How long after its clock turned we believe that the venue's window has turned too, ms. */
const WINDOW_MARGIN_MS = 200;
/** First and longest wait before asking again whether the window has turned, ms. */
const PROBE_MS_MIN = 1_000;
const PROBE_MS_MAX = 8_000;
/** A call waits through a shut-out of this length; a longer one is told to the caller at once, ms. */
const SHUT_WAIT_MS_MAX = 90_000;

export interface RequestBudgetOptions {
  readonly clock: Clock;
  /** Weight per minute until {@link RequestBudget.setLimit}. Default 6000. */
  readonly limit?: number;
  /** Requests under way at once. Default 8. */
  readonly inFlightMax?: number;
}

/** The right to send one request. */
export interface Permit {
  /** Gives it back, with the used weight that the answer stated (undefined when none came). Once. */
  done(usedWeight?: number): void;
}

/**
 * One budget for everything that is sent to one venue from one address.
 *
 * 1. `used + reserved` stays under the limit, as the venue's own `X-MBX-USED-WEIGHT-1M` counts it: every answer
 *    replaces our sum.
 * 2. The clock only guesses when a window has turned. After each turn one request goes alone, and its answer says whether
 *    it has; so a wrong clock costs seconds and never a 429.
 * 3. Nothing is sent before a ban or a throttle ends; neither is ever shortened.
 * 4. First come, first served within a priority; repairs before the skeleton before history, and the headroom is the repairs'.
 */
export class RequestBudget {
  readonly #clock: Clock;
  readonly #inFlightMax: number;
  readonly #waiters: Waiters<Permit>;
  #limit: number;
  /** What to add to `now()` for the venue's clock, ms; undefined until it was read. Our own may be set meanwhile. */
  #serverOffsetMs: number | undefined;
  #window: number;
  #used = 0;
  #reserved = 0;
  #inFlight = 0;
  #granted = 0;
  /** How many permits were out when `#used` was last stated: a later one that states less has seen a new window. */
  #usedAt = 0;
  #probing = false;
  #probeMs = PROBE_MS_MIN;
  #holdUntil = 0;
  /** What the venue stated when it had not turned its window yet; 0 when it has, for all we know. */
  #oldWindowUsed = 0;
  #shut: { readonly kind: "throttled" | "banned"; readonly until: number } | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor({ clock, limit = WEIGHT_LIMIT_DEFAULT, inFlightMax = IN_FLIGHT_MAX }: RequestBudgetOptions) {
    this.#clock = clock;
    this.#limit = limit;
    this.#inFlightMax = inFlightMax;
    this.#waiters = new Waiters(clock);
    this.#window = this.#windowNow();
  }

  /** Weight of the running window, requests under way included. */
  get used(): number {
    return this.#used + this.#reserved;
  }

  get limit(): number {
    return this.#limit;
  }

  get waiting(): number {
    return this.#waiters.length;
  }

  /** The venue's clock as we know it, ms. */
  get exchangeNowMs(): number {
    return this.#serverOffsetMs === undefined
      ? this.#clock.nowMs()
      : this.#clock.now() + this.#serverOffsetMs;
  }

  /** How long the running ban still lasts, ms; 0 without one. */
  get banMsLeft(): number {
    const shut = this.#shutNow();
    return shut?.kind === "banned" ? shut.until - this.#clock.now() : 0;
  }

  /** The limit as exchangeInfo states it. */
  setLimit(weightPerMinute: number): void {
    this.#limit = weightPerMinute;
    this.#pump();
  }

  /** What the venue's clock said at `at` of our `now()`. */
  observeServerTime(serverMs: number, at: number): void {
    this.#serverOffsetMs = serverMs - at;
  }

  /**
   * Waits for the right to send a request of `weight`.
   *
   * Throws {@link OperationFailure}: `aborted` by the signal; `banned` at once while a ban lasts; `throttled` when the venue
   * shut us out for longer than a call may wait, or when the queue is full or its wait took too long.
   */
  acquire(weight: number, signal: AbortSignal, priority: RequestPriority = "history"): Promise<Permit> {
    if (signal.aborted) return Promise.reject(new OperationFailure("aborted", "aborted before it was sent"));
    const shut = this.#shutFailure();
    if (shut !== undefined) return Promise.reject(shut);
    const permit = this.#waiters.add(weight, signal, priority);
    this.#pump();
    return permit;
  }

  /** Sends nothing for `waitMs`, or until the venue's next window. Answers how long that is, ms. */
  throttle(waitMs?: number): number {
    return this.#close("throttled", waitMs ?? this.#msToNextWindow());
  }

  /** Sends nothing for `waitMs`; a longer ban that already runs stays as it is. Answers how long it lasts, ms. */
  ban(waitMs: number): number {
    return this.#close("banned", waitMs);
  }

  /** As {@link ban}, until a time by the venue's clock, ms; a time that is past tells of nothing. */
  banUntil(untilMs: number): void {
    const waitMs = untilMs - this.exchangeNowMs;
    if (waitMs > 0) this.ban(waitMs);
  }

  #close(kind: "throttled" | "banned", waitMs: number): number {
    const running = this.#shutNow();
    const now = this.#clock.now();
    const lasts = Math.max(waitMs, (running?.until ?? 0) - now);
    const until = now + lasts;
    this.#shut = { kind: running?.kind === "banned" ? "banned" : kind, until };
    this.#probing = true;
    this.#pump();
    return lasts;
  }

  #shutNow(): { readonly kind: "throttled" | "banned"; readonly until: number } | undefined {
    if (this.#shut !== undefined && this.#shut.until <= this.#clock.now()) this.#shut = undefined;
    return this.#shut;
  }

  #shutFailure(): OperationFailure | undefined {
    const shut = this.#shutNow();
    if (shut === undefined) return undefined;
    const retryAfterMs = shut.until - this.#clock.now();
    if (shut.kind === "throttled" && retryAfterMs <= SHUT_WAIT_MS_MAX) return undefined;
    const until = formatTime(this.#clock.nowMs() + retryAfterMs);
    return new OperationFailure(
      shut.kind,
      `Binance has ${shut.kind} this address until ${until}: nothing is sent`,
      {
        retryAfterMs,
      },
    );
  }

  /** Lets go whoever may go, and sets the timer for the rest. */
  #pump(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const refused = this.#shutFailure();
    if (refused !== undefined) this.#waiters.rejectAll(refused);
    for (let head = this.#waiters.head; head !== undefined; head = this.#waiters.head) {
      const waitMs = this.#waitMsFor(head);
      if (waitMs === Number.POSITIVE_INFINITY) return;
      if (waitMs > 0) {
        this.#cancelTimer = this.#clock.after(waitMs, () => this.#pump());
        return;
      }
      this.#inFlight++;
      this.#reserved += head.weight;
      this.#granted++;
      this.#waiters.release(head, this.#permit(head.weight));
    }
  }

  /** 0 when it may go, Infinity when it waits for a permit to come back, else ms until it is worth looking again. */
  #waitMsFor(head: Waiter<Permit>): number {
    const now = this.#clock.now();
    const shut = this.#shutNow();
    if (shut !== undefined) return shut.until - now;
    this.#turnWindow();
    if (this.#inFlight >= (this.#probing ? 1 : this.#inFlightMax)) return Number.POSITIVE_INFINITY;
    if (this.#holdUntil > now) return this.#holdUntil - now;
    if (this.#oldWindowUsed + head.weight > this.#limit && this.#oldWindowUsed > 0)
      return this.#msToNextWindow();
    const ceiling = head.priority === "repair" ? this.#limit : this.#limit * (1 - HEADROOM_SHARE);
    // A request heavier than the whole limit still goes when nothing else does; the venue will judge it.
    if (this.used === 0 || this.used + head.weight <= ceiling) return 0;
    return this.#inFlight > 0 && this.#probing ? Number.POSITIVE_INFINITY : this.#msToNextWindow();
  }

  #turnWindow(): void {
    const window = this.#windowNow();
    if (window === this.#window) return;
    this.#window = window;
    this.#used = 0;
    this.#probing = true;
    this.#probeMs = PROBE_MS_MIN;
    this.#holdUntil = 0;
    this.#oldWindowUsed = 0;
  }

  #permit(weight: number): Permit {
    const number = this.#granted;
    const window = this.#window;
    let open = true;
    return {
      done: (usedWeight) => {
        if (!open) return;
        open = false;
        this.#inFlight--;
        this.#reserved -= weight;
        this.#turnWindow();
        // An answer to a request of an earlier window may still state that window's sum.
        if (window === this.#window) this.#settle(weight, number, usedWeight);
        this.#pump();
      },
    };
  }

  #settle(weight: number, number: number, stated: number | undefined): void {
    if (stated === undefined) this.#used += weight;
    else if (stated >= this.#used || number > this.#usedAt) {
      this.#used = stated;
      this.#usedAt = this.#granted;
    }
    // Whoever was under way when the venue shut us out tells nothing of the time after.
    if (!this.#probing || this.#shutNow() !== undefined) return;
    const full = this.used + weight > this.#limit * (1 - HEADROOM_SHARE);
    if (!full || stated === undefined) {
      this.#probing = false;
      this.#oldWindowUsed = 0;
      return;
    }
    // The venue still counts the old window: its clock is behind ours. Ask again soon.
    this.#holdUntil = this.#clock.now() + this.#probeMs;
    this.#probeMs = Math.min(PROBE_MS_MAX, this.#probeMs * 2);
    this.#oldWindowUsed = stated;
    this.#used = 0;
  }

  #windowNow(): number {
    return Math.floor((this.exchangeNowMs - WINDOW_MARGIN_MS) / MS_PER_MINUTE);
  }

  #msToNextWindow(): number {
    const into = this.exchangeNowMs - WINDOW_MARGIN_MS;
    return (Math.floor(into / MS_PER_MINUTE) + 1) * MS_PER_MINUTE - into;
  }
}
