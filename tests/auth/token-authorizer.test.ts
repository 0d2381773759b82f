import { describe, expect, test } from "bun:test";
import { TokenVerifier, tokenAuthorizer } from "../../src/auth/mod.ts";
import { type Channel, EVERYTHING } from "../../src/protocol/mod.ts";
import { NOW, NOW_MS, SECRET, secretToken } from "./tokens.ts";

const OTHER = { secret: "another secret, of more than 32 bytes" };
const LEVELS: Channel = { kind: "levels", venue: "binance", symbol: "BTCUSDT" };
const HELD = { ...EVERYTHING, user: "alice" };

const authorizer = tokenAuthorizer(
  new TokenVerifier({
    key: { kind: "secret", secret: SECRET },
    defaultVenue: "binance",
    nowMs: () => NOW_MS,
  }),
);

function connect(token: string) {
  return authorizer.connect({ token, name: "", version: "", subs: {} });
}

describe("tokenAuthorizer(), connect", () => {
  test("a valid token, is accepted with its grant", async () => {
    expect(await connect(await secretToken({ channels: ["levels:BTCUSDT"] }))).toMatchObject({
      kind: "accepted",
      grant: { user: "alice", channels: new Set(["levels:binance:BTCUSDT"]) },
    });
  });

  test("no token, a wrong one and one of another secret close with 3500", async () => {
    for (const token of ["", "x.y.z", await secretToken({}, OTHER)])
      expect(await connect(token)).toMatchObject({
        kind: "rejected",
        code: 3500,
        reason: expect.stringMatching(/^invalid token: /),
      });
  });

  test("an expired token, is error 109", async () => {
    expect(await connect(await secretToken({ exp: NOW - 60 }))).toEqual({
      kind: "rejected",
      code: 109,
      reason: "token expired",
    });
  });

  test("without keys, rejects, so that the client is told to try again", async () => {
    const gone = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const url = `http://127.0.0.1:${gone.port}/keys`;
    await gone.stop(true);
    const away = tokenAuthorizer(
      new TokenVerifier({ key: { kind: "published", url }, defaultVenue: "binance", nowMs: () => NOW_MS }),
    );
    const token = "eyJhbGciOiJFUzI1NiJ9.e30.c2ln";
    await expect(away.connect({ token, name: "", version: "", subs: {} })).rejects.toThrow("cannot be had");
    await expect(away.refresh(token, HELD)).rejects.toThrow();
    await expect(away.subscription(token, LEVELS, HELD)).rejects.toThrow();
  });
});

describe("tokenAuthorizer(), refresh", () => {
  test("a token of the same user, is accepted", async () => {
    expect(await authorizer.refresh(await secretToken(), HELD)).toMatchObject({ kind: "accepted" });
  });

  test("a token of another user, closes with 3500", async () => {
    expect(await authorizer.refresh(await secretToken({ sub: "mallory" }), HELD)).toEqual({
      kind: "rejected",
      code: 3500,
      reason: "invalid token: it is another user's",
    });
  });

  test("expired and invalid, as in connect", async () => {
    const expired = await secretToken({ exp: NOW - 60 });
    expect(await authorizer.refresh(expired, HELD)).toMatchObject({ code: 109 });
    expect(await authorizer.refresh(await secretToken({}, OTHER), HELD)).toMatchObject({ code: 3500 });
  });
});

describe("tokenAuthorizer(), subscription", () => {
  test("a token for the channel, is accepted until its end", async () => {
    const token = await secretToken({ channel: "levels:btcusdt" });
    expect(await authorizer.subscription(token, LEVELS, HELD)).toEqual({
      kind: "accepted",
      expiresAtMs: NOW_MS + 3_610_000,
    });
  });

  test("of another channel, of another user, of another secret and for a connection: error 103", async () => {
    for (const token of [
      await secretToken({ channel: "levels:ETHUSDT" }),
      await secretToken({ channel: "levels:BTCUSDT@2026-01-02" }),
      await secretToken({ channel: "levels:BTCUSDT", sub: "mallory" }),
      await secretToken({ channel: "levels:BTCUSDT" }, OTHER),
      await secretToken({ channels: ["levels:BTCUSDT"] }),
      "",
    ])
      expect(await authorizer.subscription(token, LEVELS, HELD)).toMatchObject({
        kind: "rejected",
        code: 103,
      });
  });

  test("expired, is error 109", async () => {
    const token = await secretToken({ channel: "levels:BTCUSDT", exp: NOW - 60 });
    expect(await authorizer.subscription(token, LEVELS, HELD)).toMatchObject({ code: 109 });
  });
});
