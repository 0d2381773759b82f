import { describe, expect, test } from "bun:test";
import { BAN_MS_MIN, FIREWALL_WAIT_MS, refusalOf } from "../../../src/venues/binance/refusal.ts";

const NOW = 1_785_050_000_000;

function refusal(status: number, body = "", headers: Record<string, string> = {}) {
  const { kind, waitMs } = refusalOf(status, new Headers(headers), body, NOW);
  return [kind, waitMs];
}

describe("refusalOf()", () => {
  test("418 lasts as long as the header or the body says, whichever is longer", () => {
    const body = `{"code":-1003,"msg":"Way too much request weight used; IP banned until ${NOW + 90_000}."}`;
    expect(refusal(418, body)).toEqual(["banned", 90_000]);
    expect(refusal(418, body, { "retry-after": "30" })).toEqual(["banned", 90_000]);
    expect(refusal(418, body, { "retry-after": "120" })).toEqual(["banned", 120_000]);
    expect(refusal(418, `IP(192.0.2.1) banned until ${NOW + 5}`)).toEqual(["banned", 5]);
  });

  test("418 without a time to come lasts the shortest ban", () => {
    expect(refusal(418)).toEqual(["banned", BAN_MS_MIN]);
    expect(refusal(418, `banned until ${NOW - 1}`)).toEqual(["banned", BAN_MS_MIN]);
  });

  test("Retry-After may be a date", () => {
    const date = new Date(NOW + 60_000).toUTCString();
    expect(refusal(429, "", { "retry-after": date })).toEqual(["throttled", 60_000]);
    expect(refusal(429, "", { "retry-after": "soon" })).toEqual(["throttled", undefined]);
  });

  test("a ban is a ban whatever its status", () => {
    expect(refusal(400, `IP banned until ${NOW + 1_000}`)).toEqual(["banned", 1_000]);
  });

  test("statuses and codes have their kinds", () => {
    expect(refusal(403, "<html>")).toEqual(["throttled", FIREWALL_WAIT_MS]);
    expect(refusal(400, '{"code":-1003,"msg":"Too many requests"}')).toEqual(["throttled", undefined]);
    expect(refusal(400, '{"code":-1001,"msg":"Internal error"}')).toEqual(["transient", undefined]);
    expect(refusal(503, "", { "retry-after": "3" })).toEqual(["transient", 3_000]);
    expect(refusal(408)[0]).toBe("transient");
    for (const status of [400, 401, 404, 451]) expect(refusal(status)[0]).toBe("permanent");
  });
});
