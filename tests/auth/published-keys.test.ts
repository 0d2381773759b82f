import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from "jose";
import { TokenVerifier } from "../../src/auth/mod.ts";
import { claimsOf, forgedToken, NOW_MS } from "./tokens.ts";

/** An issuer that publishes some keys. */
let published: unknown[] = [];
let answer: () => Response | Promise<Response> = () => Response.json({ keys: published });
let fetches = 0;
let nowMs = NOW_MS;
const issuer = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch() {
    fetches += 1;
    return answer();
  },
});
afterAll(() => issuer.stop(true));
beforeEach(() => {
  fetches = 0;
  nowMs = NOW_MS;
  answer = () => Response.json({ keys: published });
});

async function keyPair(alg: string, kid?: string) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), alg, use: "sig", ...(kid === undefined ? {} : { kid }) };
  const sign = (claims: Readonly<Record<string, unknown>> = {}) =>
    new SignJWT(claimsOf(claims))
      .setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) })
      .sign(privateKey);
  return { jwk, sign, publicKey };
}

function newVerifier(): TokenVerifier {
  const url = `http://127.0.0.1:${issuer.port}/keys`;
  return new TokenVerifier({ key: { kind: "published", url }, defaultVenue: "binance", nowMs: () => nowMs });
}

describe("PublishedKeys, what is accepted", () => {
  test.each(["RS256", "PS256", "ES256", "ES384", "EdDSA"])("%s of a published key", async (alg) => {
    const key = await keyPair(alg, "a");
    published = [key.jwk];
    expect(await newVerifier().grant(await key.sign())).toMatchObject({
      kind: "granted",
      grant: { user: "alice" },
    });
  });

  test("a token that names no key, whichever of several signed it", async () => {
    const [first, second, other] = await Promise.all([keyPair("ES256"), keyPair("ES256"), keyPair("ES256")]);
    published = [first.jwk, second.jwk];
    const verifier = newVerifier();
    for (const { sign } of [first, second])
      expect(await verifier.grant(await sign())).toMatchObject({ kind: "granted" });
    expect(await verifier.grant(await other.sign())).toMatchObject({ kind: "invalid" });
    expect(await verifier.grant(await second.sign({ exp: NOW_MS / 1_000 - 60 }))).toMatchObject({
      kind: "expired",
    });
  });

  test("a hundred tokens, with one fetch", async () => {
    const key = await keyPair("ES256", "a");
    published = [key.jwk];
    const verifier = newVerifier();
    const token = await key.sign();
    const verdicts = await Promise.all(Array.from({ length: 100 }, () => verifier.grant(token)));
    expect(verdicts.every(({ kind }) => kind === "granted")).toBe(true);
    expect(fetches).toBe(1);
  });
});

describe("PublishedKeys, what is refused", () => {
  test("a token signed with the public key as if it were a secret", async () => {
    const key = await keyPair("RS256", "a");
    published = [key.jwk];
    const secrets = [await exportSPKI(key.publicKey), JSON.stringify(key.jwk), key.jwk.n ?? ""];
    for (const secret of secrets)
      for (const alg of ["HS256", "HS384", "HS512"]) {
        const forged = await new SignJWT(claimsOf())
          .setProtectedHeader({ alg, kid: "a" })
          .sign(new TextEncoder().encode(secret));
        expect(await newVerifier().grant(forged)).toEqual({
          kind: "invalid",
          reason: "its algorithm is not accepted",
        });
      }
  });

  test("a published secret, and the token that it signs", async () => {
    const secret = crypto.getRandomValues(new Uint8Array(32));
    published = [{ kty: "oct", k: Buffer.from(secret).toString("base64url"), alg: "HS256", kid: "a" }];
    const token = await new SignJWT(claimsOf()).setProtectedHeader({ alg: "HS256", kid: "a" }).sign(secret);
    expect(await newVerifier().grant(token)).toMatchObject({ kind: "invalid" });
  });

  test("alg none, and a key that the token brings along", async () => {
    const [key, own] = await Promise.all([keyPair("ES256", "a"), keyPair("ES256", "a")]);
    published = [key.jwk];
    expect(await newVerifier().grant(forgedToken({ alg: "none" }, claimsOf()))).toMatchObject({
      kind: "invalid",
    });
    const [, claims, signature] = (await own.sign()).split(".");
    const header = Buffer.from(JSON.stringify({ alg: "ES256", kid: "a", jwk: own.jwk })).toString(
      "base64url",
    );
    expect(await newVerifier().grant(`${header}.${claims}.${signature}`)).toMatchObject({ kind: "invalid" });
  });

  test("another key under a published name", async () => {
    const [key, other] = await Promise.all([keyPair("ES256", "a"), keyPair("ES256", "a")]);
    published = [key.jwk];
    expect(await newVerifier().grant(await other.sign())).toEqual({
      kind: "invalid",
      reason: "its signature is not of our key",
    });
  });

  test("a key that is not published", async () => {
    const [key, other] = await Promise.all([keyPair("ES256", "a"), keyPair("ES256", "b")]);
    published = [key.jwk];
    expect(await newVerifier().grant(await other.sign())).toEqual({
      kind: "invalid",
      reason: "its key is not among those that are published",
    });
  });
});

describe("PublishedKeys, when keys change", () => {
  test("a new key, is fetched when a token names it; one that is gone is not taken after ten minutes", async () => {
    const [old, next] = await Promise.all([keyPair("ES256", "old"), keyPair("ES256", "next")]);
    published = [old.jwk];
    const verifier = newVerifier();
    const oldToken = await old.sign();
    expect(await verifier.grant(oldToken)).toMatchObject({ kind: "granted" });
    published = [next.jwk];
    nowMs += 6_000;
    expect(await verifier.grant(await next.sign())).toMatchObject({ kind: "granted" });
    expect(fetches).toBe(2);
    nowMs += 1_000;
    // Fetched a second ago: whether it is there by now cannot be told yet.
    expect(await verifier.grant(oldToken)).toMatchObject({ kind: "unavailable" });
    nowMs += 5_000;
    expect(await verifier.grant(oldToken)).toMatchObject({ kind: "invalid" });
    expect(fetches).toBe(3);
  });

  test("keys, are fetched again after ten minutes", async () => {
    const key = await keyPair("ES256", "a");
    published = [key.jwk];
    const verifier = newVerifier();
    const token = await key.sign();
    await verifier.grant(token);
    nowMs += 599_999;
    await verifier.grant(token);
    expect(fetches).toBe(1);
    published = [];
    nowMs += 1;
    expect(await verifier.grant(token)).toMatchObject({ kind: "invalid" });
    expect(fetches).toBe(2);
  });

  test("unknown names, cost one fetch in five seconds", async () => {
    const [key, other] = await Promise.all([keyPair("ES256", "a"), keyPair("ES256", "b")]);
    published = [key.jwk];
    const verifier = newVerifier();
    await verifier.grant(await key.sign());
    const unknown = await other.sign();
    nowMs += 5_000;
    for (let at = 0; at < 50; at++) await verifier.grant(unknown);
    expect(fetches).toBe(2);
    expect(await verifier.grant(await key.sign())).toMatchObject({ kind: "granted" });
  });
});

describe("PublishedKeys, when the issuer is away", () => {
  test.each([
    ["an error", () => new Response("no", { status: 500 })],
    ["no JSON", () => new Response("<html>")],
    ["no key set", () => Response.json({ key: 1 })],
    ["a redirection", () => Response.redirect("http://127.0.0.1:1/keys")],
    ["half a megabyte", () => new Response(JSON.stringify({ keys: [], pad: "x".repeat(500_000) }))],
    ["too many keys", () => Response.json({ keys: Array(101).fill({ kty: "EC" }) })],
  ])("%s, is not the fault of the token", async (_, broken) => {
    const key = await keyPair("ES256", "a");
    published = [key.jwk];
    answer = broken;
    const verifier = newVerifier();
    const token = await key.sign();
    expect(await verifier.grant(token)).toMatchObject({ kind: "unavailable" });
    // It is left in peace for a moment, and asked again after it.
    expect(await verifier.grant(token)).toMatchObject({ kind: "unavailable" });
    expect(fetches).toBe(1);
    answer = () => Response.json({ keys: published });
    nowMs += 5_000;
    expect(await verifier.grant(token)).toMatchObject({ kind: "granted" });
  });

  test("nobody listens", async () => {
    const gone = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const url = `http://127.0.0.1:${gone.port}/keys`;
    await gone.stop(true);
    const verifier = new TokenVerifier({
      key: { kind: "published", url },
      defaultVenue: "binance",
      nowMs: () => NOW_MS,
    });
    const { sign } = await keyPair("ES256", "a");
    expect(await verifier.grant(await sign())).toMatchObject({ kind: "unavailable" });
  });

  test("an issuer that never answers, is given up after three seconds", async () => {
    answer = () => new Promise(() => {});
    const { sign } = await keyPair("ES256", "a");
    expect(await newVerifier().grant(await sign())).toMatchObject({ kind: "unavailable" });
  }, 20_000);

  test("keys that are at hand, are used", async () => {
    const key = await keyPair("ES256", "a");
    published = [key.jwk];
    const verifier = newVerifier();
    await verifier.grant(await key.sign());
    answer = () => new Response("no", { status: 503 });
    nowMs += 500_000;
    expect(await verifier.grant(await key.sign())).toMatchObject({ kind: "granted" });
  });
});
