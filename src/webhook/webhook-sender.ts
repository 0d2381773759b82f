import { type Clock, failureOf, Lookout, MS_PER_DAY } from "../core/mod.ts";
import type { AttemptResult, DeliveryStore, TakenDelivery } from "./delivery-store.ts";
import { type PostOutcome, post } from "./post.ts";
import { RETRY_DELAYS_MS, retryAfterMs, retryDelayMs } from "./retry.ts";
import { signedHeaders } from "./signature.ts";
import type { WebhookTargets } from "./targets.ts";

/** Longest time for one attempt, name resolution included. */
const ATTEMPT_TIMEOUT_MS = 10_000;
/** Longer than any attempt, so that a living process is never taken for a dead one. */
const LEASE_MS = 30_000;
/** Attempts under way in one process. */
const PARALLEL = 8;
/** Longest sleep: events that other processes committed are seen by then. */
const SLEEP_MS_MAX = 5_000;
/** Shortest sleep: what is due, but held back by its receiver's slots in another process, is not asked for all the time. */
const SLEEP_MS_MIN = 500;
/** How long the log of an ended delivery is kept, and how often older ones are looked for. */
const KEPT_MS = 30 * MS_PER_DAY;
const PRUNE_INTERVAL_MS = 3_600_000;
const GONE = 410;
const USER_AGENT = "tapeline-webhook";

export interface WebhookSenderDeps {
  readonly deliveries: DeliveryStore;
  readonly targets: WebhookTargets;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: { warn(fields: Record<string, unknown>, message: string): void };
  /** Default {@link RETRY_DELAYS_MS}. */
  readonly delaysMs?: readonly number[] | undefined;
}

/**
 * Tells webhooks of jobs, at least once each. Any number of processes do this beside each other: events become deliveries under the
 * webhook's row lock, and a delivery is sent by whoever holds its lease.
 */
export class WebhookSender {
  readonly #deps: WebhookSenderDeps;
  readonly #lookout: Lookout;
  readonly #sending = new Set<Promise<void>>();
  #prunedAt: number | undefined;

  constructor(deps: WebhookSenderDeps) {
    this.#deps = deps;
    this.#lookout = new Lookout(deps.clock, (signal) => this.#look(signal));
  }

  start(): void {
    this.#lookout.start();
  }

  /** There may be something to tell: look now. */
  nudge(): void {
    this.#lookout.nudge();
  }

  /** Breaks attempts off and gives their deliveries back. */
  async stop(): Promise<void> {
    await this.#lookout.stop();
    await Promise.all([...this.#sending]);
  }

  /** Answers how long to sleep, ms. */
  async #look(signal: AbortSignal): Promise<number> {
    const { deliveries, clock, log } = this.#deps;
    let sleepMs = SLEEP_MS_MAX;
    try {
      while (await deliveries.fanOut(clock.nowMs())) if (signal.aborted) return sleepMs;
      await this.#takeDue();
      await this.#prune();
      sleepMs = (await deliveries.nextWaitMs(clock.nowMs())) ?? SLEEP_MS_MAX;
    } catch (thrown) {
      if (!signal.aborted)
        log.warn({}, `webhook deliveries could not be looked at: ${failureOf(thrown).message}`);
    }
    return Math.min(SLEEP_MS_MAX, Math.max(SLEEP_MS_MIN, Math.ceil(sleepMs)));
  }

  async #takeDue(): Promise<void> {
    const { deliveries, clock, log } = this.#deps;
    for (let free = PARALLEL - this.#sending.size; free > 0; free = PARALLEL - this.#sending.size) {
      const taken = await deliveries.take(clock.nowMs(), LEASE_MS, free);
      if (taken.length === 0) return;
      for (const delivery of taken) {
        const sending = this.#send(delivery)
          .catch((thrown) =>
            log.warn(
              { delivery: delivery.id },
              `a delivery could not be settled: ${failureOf(thrown).message}`,
            ),
          )
          .finally(() => {
            this.#sending.delete(sending);
            this.nudge();
          });
        this.#sending.add(sending);
      }
    }
  }

  async #send(delivery: TakenDelivery): Promise<void> {
    const { deliveries, clock, log } = this.#deps;
    const outcome = await this.#attempt(delivery);
    if (this.#lookout.signal.aborted && outcome.kind === "failed") return deliveries.giveBack(delivery);
    const result = this.#resultOf(delivery, outcome);
    await deliveries.settle(delivery, result);
    if (result.kind === "delivered") return;
    const fields = { webhook: delivery.webhookId, delivery: delivery.id, attempt: delivery.attempt };
    log.warn(
      result.kind === "retry" ? { ...fields, retryInMs: result.atMs - clock.nowMs() } : fields,
      `a webhook delivery ${result.kind === "retry" ? "waits" : "failed"}: ${result.error}`,
    );
  }

  async #attempt(delivery: TakenDelivery): Promise<PostOutcome> {
    const { targets, clock } = this.#deps;
    const late = new AbortController();
    const cancel = clock.after(ATTEMPT_TIMEOUT_MS, () =>
      late.abort(new DOMException(`no answer within ${ATTEMPT_TIMEOUT_MS / 1_000} s`, "TimeoutError")),
    );
    const signal = AbortSignal.any([late.signal, this.#lookout.signal]);
    try {
      const target = await Promise.race([targets.check(delivery.url), aborted(signal)]);
      if (target.kind !== "ok") return { kind: "failed", reason: target.reason };
      const body = JSON.stringify(delivery.payload);
      const headers = {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        ...signedHeaders(delivery.secret, { id: delivery.messageId, atMs: clock.nowMs(), body }),
      };
      return await post({ url: target.url, addresses: target.addresses, headers, body, signal });
    } finally {
      cancel();
    }
  }

  #resultOf({ attempt }: TakenDelivery, outcome: PostOutcome): AttemptResult {
    const { clock, random, delaysMs = RETRY_DELAYS_MS } = this.#deps;
    const nowMs = clock.nowMs();
    if (outcome.kind === "answered" && outcome.status >= 200 && outcome.status < 300)
      return { kind: "delivered", atMs: nowMs, responseCode: outcome.status };
    const responseCode = outcome.kind === "answered" ? outcome.status : null;
    const error = outcome.kind === "failed" ? outcome.reason : describe(outcome.status);
    if (responseCode === GONE)
      return { kind: "failed", responseCode, error, disables: "the receiver answered 410: it is gone" };
    const asked = outcome.kind === "answered" ? retryAfterMs(outcome.retryAfter, nowMs) : 0;
    const delayMs = retryDelayMs(attempt, asked, { delaysMs, random });
    return delayMs === undefined
      ? { kind: "failed", responseCode, error: `${error}; that was attempt ${attempt}, the last` }
      : { kind: "retry", atMs: nowMs + delayMs, responseCode, error };
  }

  async #prune(): Promise<void> {
    const { deliveries, clock } = this.#deps;
    const now = clock.now();
    if (this.#prunedAt !== undefined && now - this.#prunedAt < PRUNE_INTERVAL_MS) return;
    // A full batch means that there is more: the next look goes on.
    const pruned = await deliveries.prune(clock.nowMs() - KEPT_MS);
    if (pruned === 0) this.#prunedAt = now;
  }
}

function describe(status: number): string {
  return status >= 300 && status < 400
    ? `the receiver answered ${status}; redirects are not followed`
    : `the receiver answered ${status}`;
}

/** Answers when the signal aborts; a resolver that hangs is not waited for. */
function aborted(signal: AbortSignal): Promise<{ readonly kind: "unresolved"; readonly reason: string }> {
  return new Promise((resolve) => {
    const answer = () =>
      resolve({
        kind: "unresolved",
        reason: signal.reason instanceof Error ? signal.reason.message : String(signal.reason),
      });
    if (signal.aborted) answer();
    else signal.addEventListener("abort", answer, { once: true });
  });
}
