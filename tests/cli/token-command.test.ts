import { describe, expect, test } from "bun:test";
import { TokenVerifier } from "../../src/auth/mod.ts";
import { levelsCommand, type TokenCommandOptions, tokenCommand } from "../../src/cli/mod.ts";
import { EVERYTHING } from "../../src/protocol/mod.ts";
import { fakeApp } from "../http/fake-deps.ts";
import { fakeTerminal } from "./terminal.ts";

const SECRET = "a secret of thirty-two bytes or more";
/** Where the clock of the fake terminal stands. */
const NOW_MS = Date.parse("2026-01-03T12:00:00Z");

const verifier = new TokenVerifier({
  key: { kind: "secret", secret: SECRET },
  audience: "tapeline",
  defaultVenue: "binance",
  nowMs: () => NOW_MS,
});

async function run(words: readonly string[], readIssuer?: TokenCommandOptions["readIssuer"]) {
  const terminal = fakeTerminal("http://nowhere.invalid");
  const code = await tokenCommand(words, terminal.context, {
    readIssuer:
      readIssuer ??
      (() => ({ key: { kind: "secret", secret: SECRET }, audience: "tapeline", issuer: undefined })),
    defaultVenue: "binance",
  });
  return { code, out: terminal.out(), err: terminal.err(), connections: terminal.connections() };
}

describe("token", () => {
  test("signs what a server of the same secret accepts, and prints it alone", async () => {
    const channels = "levels:btcusdt, backfill:*";
    const words = ["--sub", "alice", "--scope", "read,backfill", "--channels", channels, "--expires", "2h"];
    const { code, out, connections } = await run(words);
    expect([code, connections.connects]).toEqual([0, 0]);
    expect(await verifier.grant(out.trimEnd())).toMatchObject({
      kind: "granted",
      grant: {
        user: "alice",
        scopes: new Set(["read", "backfill"]),
        channels: new Set(["levels:binance:BTCUSDT", "backfill:*"]),
        expiresAtMs: NOW_MS + 1_000 + 2 * 3_600_000 + 10_000,
      },
    });
  });

  test("without more than a user, may read everything for an hour", async () => {
    const { out } = await run(["--sub", "alice"]);
    expect(await verifier.grant(out.trim())).toMatchObject({
      grant: { scopes: new Set(["read"]), channels: undefined, expiresAtMs: NOW_MS + 3_611_000 },
    });
  });

  test("--channel, is a subscription token", async () => {
    const { out } = await run(["--sub", "alice", "--channel", "gaps:BTCUSDT"]);
    expect(await verifier.grant(out.trim())).toMatchObject({ kind: "invalid" });
    expect(await verifier.subscription(out.trim())).toMatchObject({
      subscription: { channel: "gaps:binance:BTCUSDT" },
    });
  });

  test.each([
    [[], "--sub USER"],
    [["--sub", ""], "--sub USER"],
    [["--sub", "alice", "--scope", "write"], '"write"'],
    [["--sub", "alice", "--channels", "level:BTCUSDT"], '"level:BTCUSDT"'],
    [["--sub", "alice", "--channel", "levels:*"], '"levels:*"'],
    [["--sub", "alice", "--channel", "backfill", "--scope", "read"], "one channel"],
    [["--sub", "alice", "--expires", "1y"], '"1y"'],
    [["--sub", "alice", "--expires", "0s"], '"0s"'],
    [["--sub", "alice", "--expires", "367d"], '"367d"'],
    [["alice"], '"alice"'],
    [["--secret", "x"], "--secret"],
  ])("%j, is a usage error", async (words, named) => {
    const { code, out, err } = await run(words);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(named);
    expect(err).toContain("bun run token --sub USER");
  });

  test("without a secret, and with published keys, says why it cannot", async () => {
    const none = await run(["--sub", "alice"], () => null);
    expect([none.code, none.err]).toEqual([1, expect.stringContaining("TOKEN_HMAC_SECRET is not set")]);
    const published = await run(["--sub", "alice"], () => ({
      key: { kind: "published", url: "https://id.example.com/keys" },
    }));
    expect([published.code, published.err]).toEqual([1, expect.stringContaining("their issuer")]);
  });
});

test("a command, sends its token, and says where it comes from when it is refused", async () => {
  const { app } = fakeApp({
    tokens: {
      grant: async (token) =>
        token === "good"
          ? { kind: "granted", grant: EVERYTHING }
          : { kind: "invalid", reason: "it is no JSON Web Token" },
    },
  });
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: (request) => app.fetch(request) });
  try {
    const allowed = fakeTerminal(server.url.href, { token: "good" });
    expect(await levelsCommand(["BTCUSDT"], allowed.context)).toBe(0);
    for (const options of [{ token: "bad" }, {}]) {
      const refused = fakeTerminal(server.url.href, options);
      expect(await levelsCommand(["BTCUSDT"], refused.context)).toBe(1);
      expect(refused.err()).toContain("TAPELINE_TOKEN");
      expect(refused.err()).not.toContain("bad");
    }
  } finally {
    await server.stop(true);
  }
});
