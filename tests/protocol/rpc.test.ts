import { describe, expect, test } from "bun:test";
import { COMMAND_WORDS, parseRpc, RPC_METHODS, type RpcCall } from "../../src/protocol/mod.ts";

const JOB = "01890a5d-ac96-774b-bcce-b302099a8057";

const CALLS: readonly [method: string, data: unknown, call: RpcCall][] = [
  ["levels", undefined, { method: "GET", path: "/levels" }],
  ["levels", {}, { method: "GET", path: "/levels" }],
  [
    "levels",
    { symbol: "binance:BTCUSDT", session: "2026-01-02", value_area: "ranked", bin_size: "0.5" },
    {
      method: "GET",
      path: "/levels?symbol=binance%3ABTCUSDT&session=2026-01-02&value_area=ranked&bin_size=0.5",
    },
  ],
  ["levels", { bin_size: 0.1 }, { method: "GET", path: "/levels?bin_size=0.1" }],
  [
    "profile",
    { symbol: "BTC/USDT", from: "2026-01-02T03:00:00Z", to: "2026-01-02", bins: false },
    {
      method: "GET",
      path: "/api/v1/profile/BTC%2FUSDT?from=2026-01-02T03%3A00%3A00Z&to=2026-01-02&bins=false",
    },
  ],
  [
    "backfill.start",
    { symbols: ["BTCUSDT"], start_date: "2026-01-02" },
    {
      method: "POST",
      path: "/api/v1/backfill",
      body: '{"symbols":["BTCUSDT"],"start_date":"2026-01-02"}',
    },
  ],
  [
    "backfill.control",
    { job_id: JOB, command: "priority", priority: 3 },
    { method: "POST", path: `/api/v1/backfill/${JOB}/priority`, body: '{"priority":3}' },
  ],
  [
    "backfill.control",
    { job_id: "a/b", command: "pause" },
    { method: "POST", path: "/api/v1/backfill/a%2Fb/pause", body: "{}" },
  ],
];

describe("parseRpc()", () => {
  test.each(CALLS)("%s %j is a request", (method, data, call) => {
    expect(parseRpc({ method, data })).toEqual({ kind: "call", call });
  });

  test.each([
    ["levels", { symbols: "BTCUSDT" }, "symbols"],
    ["levels", [], "data"],
    ["levels", "BTCUSDT", "data"],
    ["profile", { from: "2026-01-02", to: "2026-01-02" }, "data.symbol"],
    ["profile", { symbol: "", from: "a", to: "b" }, "data.symbol"],
    ["profile", { symbol: "B", from: 4, to: "b" }, "data.from"],
    ["profile", { symbol: "B", from: "a", to: "b", bins: "no" }, "data.bins"],
    ["backfill.start", [], "data"],
    ["backfill.control", { job_id: JOB, command: "stop" }, "data.command"],
    ["backfill.control", { command: "pause" }, "data.job_id"],
  ])("%s %j is refused with 107, and the message names %s", (method, data, named) => {
    const parsed = parseRpc({ method, data });
    expect(parsed).toMatchObject({ kind: "refused", error: { code: 107 } });
    expect(JSON.stringify(parsed)).toContain(named);
    expect(JSON.stringify(parsed)).toContain(`${method}: `);
  });

  test("an unknown method is refused with 104 and told which there are", () => {
    const parsed = parseRpc({ method: "trades", data: {} });
    expect(parsed).toMatchObject({ kind: "refused", error: { code: 104 } });
    for (const name of [...RPC_METHODS, "trades"]) expect(JSON.stringify(parsed)).toContain(name);
  });

  test("backfill.control takes every command that HTTP has", () => {
    for (const command of COMMAND_WORDS)
      expect(parseRpc({ method: "backfill.control", data: { job_id: JOB, command } }).kind).toBe("call");
  });
});
