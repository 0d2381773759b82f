import { expect, test } from "bun:test";
import { RETRY_DELAYS_MS, retryAfterMs, retryDelayMs } from "../../src/webhook/retry.ts";

test("retryDelayMs(), 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, then no more", () => {
  const options = { delaysMs: RETRY_DELAYS_MS, random: () => 0 };
  const delays = [1, 2, 3, 4, 5, 6, 7, 8].map((attempt) => retryDelayMs(attempt, 0, options));
  expect(delays).toEqual([
    5_000,
    300_000,
    1_800_000,
    7_200_000,
    18_000_000,
    36_000_000,
    undefined,
    undefined,
  ]);
});

test("retryDelayMs(), a tenth longer at most, and never shorter than the receiver asked for", () => {
  const options = { delaysMs: RETRY_DELAYS_MS, random: () => 0.999 };
  expect(retryDelayMs(1, 0, options)).toBe(5_500);
  expect(retryDelayMs(1, 60_000, options)).toBe(60_000);
});

test("retryAfterMs(), seconds, dates and nonsense", () => {
  const now = Date.parse("2026-01-02T03:04:05Z");
  expect(retryAfterMs("120", now)).toBe(120_000);
  expect(retryAfterMs("Fri, 02 Jan 2026 03:05:05 GMT", now)).toBe(60_000);
  expect(retryAfterMs("Fri, 02 Jan 2026 03:00:00 GMT", now)).toBe(0);
  expect(retryAfterMs("999999999", now)).toBe(86_400_000);
  for (const nonsense of [undefined, "soon", "", "-5"]) expect(retryAfterMs(nonsense, now)).toBe(0);
});
