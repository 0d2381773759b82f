import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { TokenVerifier, type TokenVerifierOptions } from "../../src/auth/mod.ts";
import { claimsOf, forgedToken, NOW, NOW_MS, SECRET, secretToken } from "./tokens.ts";

const WRONG_SIGNATURE = { kind: "invalid", reason: "its signature is not of our key" } as const;

function verifierOf(options: Partial<TokenVerifierOptions> = {}): TokenVerifier {
  return new TokenVerifier({
    key: { kind: "secret", secret: SECRET },
    defaultVenue: "binance",
    nowMs: () => NOW_MS,
    ...options,
  });
}

async function verdictOf(claims: Readonly<Record<string, unknown>>) {
  return verifierOf().grant(await secretToken(claims));
}

describe("TokenVerifier, what it accepts", () => {
  test.each(["HS256", "HS384", "HS512"])("%s of the secret, grants what the claims say", async (alg) => {
    const claims = { scope: "read backfill", channels: ["levels:btcusdt", "backfill:*"], iat: NOW, nbf: NOW };
    const token = await secretToken(claims, { alg });
    expect(await verifierOf().grant(token)).toEqual({
      kind: "granted",
      grant: {
        user: "alice",
        scopes: new Set(["read", "backfill"]),
        channels: new Set(["levels:binance:BTCUSDT", "backfill:*"]),
        expiresAtMs: NOW_MS + 3_610_000,
      },
    });
  });

  test.each([
    [undefined, ["read"]],
    ["", []],
    ["backfill", ["backfill"]],
    ["openid read email", ["read"]],
    [
      ["read", "backfill"],
      ["read", "backfill"],
    ],
    [[], []],
  ])("scope %p, grants %p", async (scope, scopes) => {
    const verdict = await verdictOf({ scope });
    expect(verdict).toMatchObject({
      kind: "granted",
      grant: { scopes: new Set(scopes), channels: undefined },
    });
  });

  test("no channels at all, is a grant of none", async () => {
    expect(await verdictOf({ channels: [] })).toMatchObject({ grant: { channels: new Set() } });
  });

  test.each([
    ["exp", -9],
    ["nbf", 10],
    ["iat", 10],
  ])("%s %p s from now, is taken for a clock that stands a little off", async (claim, seconds) => {
    expect(await verdictOf({ [claim]: NOW + seconds })).toMatchObject({ kind: "granted" });
  });

  test("an audience and an issuer that are asked for, are looked at", async () => {
    const verifier = verifierOf({ audience: "tapeline", issuer: "https://id.example.com" });
    const claims = { aud: ["other", "tapeline"], iss: "https://id.example.com" };
    expect(await verifier.grant(await secretToken(claims))).toMatchObject({ kind: "granted" });
    for (const [claim, other] of [
      ["aud", { aud: "other" }],
      ["aud", { aud: undefined }],
      ["iss", { iss: "https://evil.example.com" }],
      ["iss", { iss: undefined }],
    ] as const)
      expect(await verifier.grant(await secretToken({ ...claims, ...other }))).toEqual({
        kind: "invalid",
        reason: `the claim ${claim} is missing or not accepted`,
      });
  });
});

describe("TokenVerifier, what it refuses", () => {
  test("no token", async () => {
    expect(await verifierOf().grant("")).toEqual({ kind: "invalid", reason: "no token came" });
  });

  test.each(["x", "a.b", "a.b.c", "....", "e30.e30.", "{}", "\u0000", "é.é.é"])(
    "%p, is no token",
    async (text) => {
      expect(await verifierOf().grant(text)).toMatchObject({ kind: "invalid" });
    },
  );

  test("a token of 10,000 characters, unseen", async () => {
    const token = await secretToken({ padding: "x".repeat(10_000) });
    expect(await verifierOf().grant(token)).toEqual({ kind: "invalid", reason: "more than 8192 characters" });
  });

  test("an expired token, as expired, so that its holder fetches another", async () => {
    expect(await verdictOf({ exp: NOW - 10 })).toEqual({ kind: "expired", reason: "the token has expired" });
  });

  test("an expired token of another secret, as invalid", async () => {
    const token = await secretToken({ exp: NOW - 60 }, { secret: "another secret, of more than 32 bytes" });
    expect(await verifierOf().grant(token)).toEqual(WRONG_SIGNATURE);
  });

  test("a token of another secret", async () => {
    const token = await secretToken({}, { secret: "another secret, of more than 32 bytes" });
    expect(await verifierOf().grant(token)).toEqual(WRONG_SIGNATURE);
  });

  test("a token whose claims were changed", async () => {
    const [header, , signature] = (await secretToken({ scope: "read" })).split(".");
    const claims = Buffer.from(JSON.stringify(claimsOf({ scope: "read backfill" }))).toString("base64url");
    expect(await verifierOf().grant(`${header}.${claims}.${signature}`)).toEqual(WRONG_SIGNATURE);
  });

  test.each(["none", "None", "NONE"])("alg %s, with and without a signature", async (alg) => {
    const [, , signature] = (await secretToken()).split(".");
    for (const sign of ["", signature])
      expect(await verifierOf().grant(forgedToken({ alg, typ: "JWT" }, claimsOf(), sign))).toMatchObject({
        kind: "invalid",
      });
  });

  test.each(["RS256", "ES256", "EdDSA", "HS1", undefined, 5])("alg %p, with a secret", async (alg) => {
    const forged = forgedToken({ alg }, claimsOf(), "c2lnbmF0dXJl");
    expect(await verifierOf().grant(forged)).toMatchObject({ kind: "invalid" });
  });

  test("nbf and iat in the future", async () => {
    expect(await verdictOf({ nbf: NOW + 11 })).toMatchObject({ kind: "invalid" });
    expect(await verdictOf({ iat: NOW + 11 })).toEqual({
      kind: "invalid",
      reason: "the claim iat lies in the future",
    });
  });

  test.each([
    ["sub", { sub: undefined }],
    ["sub", { sub: "" }],
    ["sub", { sub: 5 }],
    ["exp", { exp: undefined }],
    ["exp", { exp: "tomorrow" }],
    ["exp", { exp: 1e300 }],
    ["scope", { scope: 5 }],
    ["scope", { scope: [5] }],
    ["channels", { channels: "levels:BTCUSDT" }],
    ["channels", { channels: null }],
    ["channels", { channels: Array(101).fill("backfill") }],
    ["channels.1", { channels: ["backfill", 5] }],
    ["channels.1", { channels: ["backfill", "levels:BTC USDT"] }],
    ["channels.0", { channels: ["*"] }],
  ])("a wrong %s, by its name: %j", async (claim, claims) => {
    const verdict = await verdictOf(claims);
    expect(verdict).toMatchObject({
      kind: "invalid",
      reason: expect.stringContaining(`the claim ${claim} `),
    });
  });

  test("a token for one channel, which would be one for all", async () => {
    const token = await secretToken({ channel: "levels:BTCUSDT" });
    expect(await verifierOf().grant(token)).toEqual({
      kind: "invalid",
      reason: "a token for one channel is not one for a connection",
    });
  });

  test("a secret of 31 bytes, from the start", () => {
    expect(() => verifierOf({ key: { kind: "secret", secret: "x".repeat(31) } })).toThrow("31 bytes");
    // 16 characters of two bytes each are enough.
    expect(verifierOf({ key: { kind: "secret", secret: "ü".repeat(16) } })).toBeInstanceOf(TokenVerifier);
  });
});

test("TokenVerifier, 2,000 broken tokens: a verdict for each", async () => {
  const good = await secretToken({ scope: "read" });
  const [header, claims, signature] = good.split(".");
  const text = fc.oneof(fc.string(), fc.base64String(), fc.jsonValue().map(encoded), fc.constant(claims));
  const field = fc.constantFrom("alg", "kid", "crit", "b64", "typ", "jwk", "jku", "x5c", "zip", "enc");
  const headers = fc.dictionary(field, fc.jsonValue()).map((fields) => encoded({ alg: "HS256", ...fields }));
  // The last letters of a signature are left alone: they hold bits that nobody reads.
  const tokens = fc.oneof(
    fc.string({ maxLength: 200 }),
    fc.tuple(fc.oneof(text, fc.constant(header)), text, fc.oneof(text, fc.constant(signature))).map(joined),
    fc.tuple(headers, fc.constant(claims), fc.constant(signature)).map(joined),
    fc
      .tuple(fc.nat(good.length - 5), fc.string({ minLength: 1, maxLength: 3 }))
      .map(([at, put]) => good.slice(0, at) + put + good.slice(at + put.length)),
  );
  const verifier = verifierOf();
  await fc.assert(
    fc.asyncProperty(tokens, async (token) => {
      const verdict = await verifier.grant(token);
      expect(verdict.kind).toBe(token === good ? "granted" : "invalid");
    }),
    { numRuns: 2_000 },
  );
});

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function joined(parts: readonly unknown[]): string {
  return parts.join(".");
}

describe("TokenVerifier.subscription()", () => {
  test("one channel, by its canonical name", async () => {
    const token = await secretToken({ channel: "gaps:btcusdt" });
    expect(await verifierOf().subscription(token)).toEqual({
      kind: "granted",
      subscription: { user: "alice", channel: "gaps:binance:BTCUSDT", expiresAtMs: NOW_MS + 3_610_000 },
    });
  });

  test.each([{}, { channel: "levels:*" }, { channel: "nothing" }, { channel: 5 }])(
    "%j, is a token for no channel",
    async (claims) => {
      expect(await verifierOf().subscription(await secretToken(claims))).toMatchObject({ kind: "invalid" });
    },
  );

  test("expired, and of another secret", async () => {
    const claims = { channel: "backfill" };
    const expired = await secretToken({ ...claims, exp: NOW - 11 });
    expect(await verifierOf().subscription(expired)).toMatchObject({ kind: "expired" });
    const other = await secretToken(claims, { secret: "another secret, of more than 32 bytes" });
    expect(await verifierOf().subscription(other)).toEqual(WRONG_SIGNATURE);
  });
});

describe("TokenVerifier, the token of this process", () => {
  const localToken = "local-0123456789abcdef";

  test("grants everything, without an end", async () => {
    const verdict = await verifierOf({ localToken }).grant(localToken);
    expect(verdict).toMatchObject({
      kind: "granted",
      grant: { user: "local", channels: undefined, expiresAtMs: undefined },
    });
  });

  test("another text, and a server without one, refuse", async () => {
    expect(await verifierOf({ localToken }).grant("local-0123456789abcdee")).toMatchObject({
      kind: "invalid",
    });
    expect(await verifierOf().grant(localToken)).toMatchObject({ kind: "invalid" });
    expect(await verifierOf({ localToken: "" }).grant("")).toMatchObject({ kind: "invalid" });
  });
});
