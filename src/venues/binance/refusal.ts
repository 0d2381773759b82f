import * as v from "valibot";
import { type FailureKind, MS_PER_MINUTE } from "../../core/mod.ts";
import { ErrorBody } from "./messages.ts";

/** A ban that does not say when it ends lasts the shortest time the venue bans for, ms. */
export const BAN_MS_MIN = 2 * MS_PER_MINUTE;
/** How long we stay away after the firewall (403), which never says for how long, ms. */
export const FIREWALL_WAIT_MS = 5 * MS_PER_MINUTE;

/** Binance's code for "too many requests". */
const TOO_MANY_REQUESTS = -1003;
/** Codes of its own trouble, whatever status they come with: unknown, disconnected, unexpected, time-out, overloaded, shutting down. */
const OWN_TROUBLE: ReadonlySet<number> = new Set([-1000, -1001, -1006, -1007, -1008, -1016]);

/** What a refusing answer means. */
export interface Refusal {
  readonly kind: Exclude<FailureKind, "aborted">;
  readonly code: number | undefined;
  /** The venue's own words, when the body had any. */
  readonly text: string | undefined;
  /** How long nothing may be sent, ms from now; undefined when the venue did not say (429) or it does not apply. */
  readonly waitMs: number | undefined;
}

/** Reads an answer that is no success. `exchangeNowMs` is the venue's clock, which bans are stated in. */
export function refusalOf(status: number, headers: Headers, body: string, exchangeNowMs: number): Refusal {
  const error = errorBody(body);
  const code = error?.code;
  const text = error?.msg;
  const retryAfterMs = retryAfterOf(headers, exchangeNowMs);
  const bannedUntil = bannedUntilMs(body);
  if (status === 418 || bannedUntil !== undefined) {
    const waits = [retryAfterMs ?? 0, (bannedUntil ?? 0) - exchangeNowMs];
    const named = Math.max(...waits);
    return { kind: "banned", code, text, waitMs: named > 0 ? named : BAN_MS_MIN };
  }
  if (status === 429 || code === TOO_MANY_REQUESTS)
    return { kind: "throttled", code, text, waitMs: retryAfterMs };
  if (status === 403)
    return { kind: "throttled", code, text, waitMs: Math.max(FIREWALL_WAIT_MS, retryAfterMs ?? 0) };
  if (status >= 500 || status === 408 || (code !== undefined && OWN_TROUBLE.has(code)))
    return { kind: "transient", code, text, waitMs: retryAfterMs };
  return { kind: "permanent", code, text, waitMs: undefined };
}

function errorBody(body: string): v.InferOutput<typeof ErrorBody> | undefined {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), ErrorBody), body);
  return parsed.success ? parsed.output : undefined;
}

/** `Retry-After` in ms: seconds, or the date that HTTP also allows. */
function retryAfterOf(headers: Headers, exchangeNowMs: number): number | undefined {
  const text = headers.get("retry-after")?.trim();
  if (text === undefined || text === "") return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1_000);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - exchangeNowMs);
}

/** The end of a ban in "IP(192.0.2.1) banned until 1780765249479", ms by the venue's clock. */
export function bannedUntilMs(text: string): number | undefined {
  const match = /banned until (\d{12,15})/.exec(text);
  return match === null ? undefined : Number(match[1]);
}
