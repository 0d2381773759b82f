import { MS_PER_MINUTE } from "../core/mod.ts";

export interface WeightOptions {
  /** Request weight allowed in a minute. Default 6,000. */
  readonly limitPerMinute?: number;
  /** Requests that are still answered 429 after the limit, before the ban. Default 10. */
  readonly warnings?: number;
  /** Length of the first ban; each further one lasts twice as long, up to three days. Default 120,000. */
  readonly banMs?: number;
}

export type WeightVerdict =
  | { readonly kind: "ok"; readonly used: number }
  | { readonly kind: "throttled"; readonly used: number; readonly retryAfterS: number }
  | {
      readonly kind: "banned";
      readonly used: number;
      readonly untilMs: number;
      readonly retryAfterS: number;
    };

/** The exchange's account of one client: weight used in the running minute, warnings, bans. */
export interface Weights {
  readonly limitPerMinute: number;
  /** Books `weight` at `nowMs` and says whether the request may be answered. */
  charge(weight: number, nowMs: number): WeightVerdict;
  /** Shuts the client out until `untilMs`. */
  ban(untilMs: number): void;
  /** Forgets bans and weight. */
  reset(): void;
}

const BAN_MS_MAX = 3 * 86_400_000;

export function createWeights(options: WeightOptions = {}): Weights {
  const limit = options.limitPerMinute ?? 6_000;
  const warningsAllowed = options.warnings ?? 10;
  const firstBanMs = options.banMs ?? 120_000;
  let minute = -1;
  let used = 0;
  let warned = 0;
  let bans = 0;
  let bannedUntilMs = 0;

  const banned = (nowMs: number): WeightVerdict => ({
    kind: "banned",
    used,
    untilMs: bannedUntilMs,
    retryAfterS: Math.max(1, Math.ceil((bannedUntilMs - nowMs) / 1_000)),
  });

  return {
    limitPerMinute: limit,
    charge(weight, nowMs) {
      const current = Math.floor(nowMs / MS_PER_MINUTE);
      if (current !== minute) {
        minute = current;
        used = 0;
        warned = 0;
      }
      if (nowMs < bannedUntilMs) return banned(nowMs);
      used += weight;
      if (used <= limit) return { kind: "ok", used };
      warned++;
      if (warned > warningsAllowed) {
        bannedUntilMs = nowMs + Math.min(BAN_MS_MAX, firstBanMs * 2 ** bans);
        bans++;
        warned = 0;
        return banned(nowMs);
      }
      const windowEndMs = (current + 1) * MS_PER_MINUTE;
      return { kind: "throttled", used, retryAfterS: Math.max(1, Math.ceil((windowEndMs - nowMs) / 1_000)) };
    },
    ban(untilMs) {
      bannedUntilMs = Math.max(bannedUntilMs, untilMs);
    },
    reset() {
      used = 0;
      warned = 0;
      bans = 0;
      bannedUntilMs = 0;
    },
  };
}
