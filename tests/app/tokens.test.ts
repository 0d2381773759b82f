import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { Centrifuge } from "centrifuge";
import * as v from "valibot";
import { connectOrStart } from "../../src/app/mod.ts";
import { backfillCommand, levelsCommand } from "../../src/cli/mod.ts";
import { createGeneratedMarket, PRESETS } from "../../src/simulator/mod.ts";
import { forgedToken, secretToken } from "../auth/tokens.ts";
import { fakeTerminal } from "../cli/terminal.ts";
import { AppBench } from "../support/app-bench.ts";
import type { AppInProcess } from "../support/app-in-process.ts";
import { environment, type Variables } from "../support/processes.ts";
import { until } from "../support/until.ts";

/** The whole way of a token, from a client's socket to its answer, in a server with a secret. */
const SECRET = "0123456789abcdef0123456789abcdef";
const SYMBOL = "DEMOUSDT";
const LEVELS = `levels:${SYMBOL}`;
const TIMEOUT_MS = 120_000;

const bench = new AppBench();
const exchange = bench.openExchange({
  markets: [createGeneratedMarket({ symbol: SYMBOL, seed: 7, preset: PRESETS.thin })],
});
let running: AppInProcess;
let env: Variables;

beforeAll(async () => {
  env = environment(await bench.folder(), exchange, {
    SYMBOLS: SYMBOL,
    CONTEXT_BACKFILL_ENABLED: "false",
    TOKEN_HMAC_SECRET: SECRET,
  });
  running = await bench.openApp(env, { follow: true });
}, TIMEOUT_MS);

afterAll(() => bench.close(), TIMEOUT_MS);

const now = () => Math.floor(Date.now() / 1_000);

/** A token that is good for an hour, with other claims on top. */
function token(claims: Readonly<Record<string, unknown>> = {}, secret = SECRET): Promise<string> {
  return secretToken({ exp: now() + 3_600, ...claims }, { secret });
}

/** Tokens that nobody may come in with. */
async function badTokens(): Promise<[name: string, token: string][]> {
  const [header, , signature] = (await token()).split(".");
  const [, more] = (await token({ scope: "read backfill" })).split(".");
  return [
    ["none", ""],
    ["malformed", "a.b.c"],
    ["wrong key", await token({}, "another secret, of more than 32 bytes")],
    ["alg none", forgedToken({ alg: "none" }, { sub: "alice", exp: now() + 60 })],
    ["alg RS256", forgedToken({ alg: "RS256" }, { sub: "alice", exp: now() + 60 }, signature)],
    ["tampered", `${header}.${more}.${signature}`],
    ["not yet", await token({ nbf: now() + 60 })],
    ["no end", await token({ exp: undefined })],
  ];
}

const Reply = v.looseObject({
  id: v.number(),
  error: v.optional(v.object({ code: v.number(), message: v.string(), temporary: v.optional(v.boolean()) })),
});

/** Sends commands over a new socket; gives the replies to all of them, or to those before it was closed. */
async function say(commands: readonly object[], url = running.app.url) {
  const socket = new WebSocket(`${url.replace("http", "ws")}/connection/websocket`);
  const replies: v.InferOutput<typeof Reply>[] = [];
  let closed: { code: number; reason: string } | undefined;
  socket.onopen = () => socket.send(commands.map((command) => JSON.stringify(command)).join("\n"));
  socket.onmessage = ({ data }) => {
    for (const line of String(data).split("\n")) {
      const reply = v.safeParse(Reply, JSON.parse(line));
      if (reply.success) replies.push(reply.output);
    }
  };
  socket.onclose = ({ code, reason }) => {
    closed = { code, reason };
  };
  await until("the answers", () => closed !== undefined || replies.length === commands.length);
  socket.close();
  return { replies, closed };
}

function ask(path: string, bearer?: string, init: RequestInit = {}) {
  const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
  return fetch(`${running.app.url}${path}`, { ...init, headers });
}

describe("a server with a secret, over HTTP", () => {
  test(
    "no token and bad ones, are 401 everywhere but at what is open",
    async () => {
      for (const [name, bad] of await badTokens())
        for (const path of ["/ready", `/api/v1/levels/${SYMBOL}`, "/api/v1/backfill/recent", "/nowhere"]) {
          const answer = await ask(path, bad === "" ? undefined : bad);
          expect([name, path, answer.status]).toEqual([name, path, 401]);
          expect(answer.headers.get("www-authenticate")).toStartWith('Bearer realm="tapeline"');
        }
      for (const path of ["/", "/health"]) expect((await ask(path)).status).toBe(200);
    },
    TIMEOUT_MS,
  );

  test(
    "an expired token, is 401 invalid_token",
    async () => {
      const answer = await ask("/ready", await token({ exp: now() - 60 }));
      expect(answer.headers.get("www-authenticate")).toContain('error="invalid_token"');
      expect(answer.status).toBe(401);
    },
    TIMEOUT_MS,
  );

  test(
    "a token, allows its scope and its channels",
    async () => {
      const reader = await token({ channels: [LEVELS] });
      expect((await ask("/ready", reader)).status).toBe(200);
      expect((await ask("/api/v1/backfill/recent", reader)).status).toBe(403);
      expect((await ask("/api/v1/levels/BTCUSDT", reader)).status).toBe(403);
      expect((await ask("/api/v1/cache/clean", await token(), { method: "POST" })).status).toBe(403);
      const writer = await token({ scope: ["read", "backfill"] });
      expect((await ask("/api/v1/cache/clean", writer, { method: "POST" })).status).toBe(200);
    },
    TIMEOUT_MS,
  );
});

describe("a server with a secret, over a WebSocket", () => {
  test(
    "no token and bad ones, are closed with 3500",
    async () => {
      for (const [name, bad] of await badTokens()) {
        const { closed, replies } = await say([{ id: 1, connect: { token: bad } }]);
        expect([name, closed?.code, replies]).toEqual([name, 3500, []]);
        expect(closed?.reason).toStartWith("invalid token: ");
      }
    },
    TIMEOUT_MS,
  );

  test(
    "an expired token, is error 109",
    async () => {
      const expired = await token({ exp: now() - 60 });
      const { replies } = await say([{ id: 1, connect: { token: expired } }]);
      expect(replies).toMatchObject([{ id: 1, error: { code: 109 } }]);
    },
    TIMEOUT_MS,
  );

  test(
    "a channel outside the claims and a call outside the scope, are error 103",
    async () => {
      const reader = await token({ channels: [LEVELS] });
      const { replies } = await say([
        { id: 1, connect: { token: reader } },
        { id: 2, subscribe: { channel: LEVELS } },
        { id: 3, subscribe: { channel: `gaps:${SYMBOL}` } },
        { id: 4, subscribe: { channel: "backfill" } },
        { id: 5, history: { channel: "backfill" } },
        { id: 6, rpc: { method: "backfill.start", data: { symbols: [SYMBOL], from: "2026-01-01" } } },
        { id: 7, rpc: { method: "levels", data: { symbol: "BTCUSDT" } } },
      ]);
      const codes = new Map<unknown, unknown>();
      for (const { id, error } of replies) codes.set(id, error?.code);
      expect([...codes].sort()).toEqual([
        [1, undefined],
        [2, undefined],
        [3, 103],
        [4, 103],
        [5, 103],
        [6, 103],
        [7, 103],
      ]);
    },
    TIMEOUT_MS,
  );

  test(
    "a subscription token, grants its channel and no other, to its user alone",
    async () => {
      const connect = { id: 1, connect: { token: await token({ channels: [] }) } };
      const channel = `gaps:${SYMBOL}`;
      const own = await token({ channel });
      const other = await token({ channel, sub: "mallory" });
      const { replies } = await say([
        connect,
        { id: 2, subscribe: { channel, token: own } },
        { id: 3, subscribe: { channel: LEVELS, token: own } },
        { id: 4, subscribe: { channel: `gaps:BTCUSDT`, token: other } },
      ]);
      expect(replies).toContainEqual(expect.objectContaining({ id: 2, subscribe: expect.anything() }));
      for (const id of [3, 4])
        expect(replies).toContainEqual({ id, error: expect.objectContaining({ code: 103 }) });
    },
    TIMEOUT_MS,
  );

  test(
    "the official client, fetches a new token when its own has expired, and goes on with another before the end",
    async () => {
      const tokens = [
        await token({ exp: now() - 60 }),
        // Taken for ten seconds after its end, so it has two left.
        await token({ exp: now() - 8 }),
        await token(),
      ];
      let fetched = 0;
      const url = `${running.app.url.replace("http", "ws")}/connection/websocket`;
      const centrifuge = new Centrifuge(url, {
        token: tokens[0] ?? "",
        getToken: async () => tokens[Math.min(++fetched, 2)] ?? "",
        minReconnectDelay: 10,
      });
      const ended: number[] = [];
      centrifuge.on("disconnected", ({ code }) => ended.push(code));
      const levels = centrifuge.newSubscription(LEVELS);
      levels.subscribe();
      centrifuge.connect();
      await levels.ready();
      await until("the token to be renewed", () => fetched >= 2);
      await levels.ready();
      const { replies } = await say([{ id: 1, connect: { token: await token() } }]);
      expect([replies.length, ended, centrifuge.state as string]).toEqual([1, [], "connected"]);
      centrifuge.disconnect();
    },
    TIMEOUT_MS,
  );
});

describe("a server with a secret, and commands of its own user", () => {
  const connect = (more: Variables = {}) =>
    connectOrStart({ env: { ...env, ...more }, signal: AbortSignal.timeout(30_000) });

  test(
    "the lock carries a token of this start, readable by its owner alone",
    async () => {
      const { mode } = await stat(join(env["DATA_DIR"] ?? "", "tapeline.lock"));
      expect(mode & 0o777).toBe(0o600);
      const access = await connect();
      expect(access).toMatchObject({ url: running.app.url, token: running.app.localToken, started: false });
      expect((await ask("/api/v1/backfill/recent", access.token)).status).toBe(200);
      expect((await ask("/api/v1/backfill/recent", `${access.token}x`)).status).toBe(401);
    },
    TIMEOUT_MS,
  );

  test(
    "levels and backfill, work without a token of the user's, push included",
    async () => {
      const { url, token: local } = await connect();
      const levels = fakeTerminal(url, local === undefined ? {} : { token: local });
      expect(await levelsCommand([SYMBOL], levels.context)).toBe(0);
      const backfill = fakeTerminal(url, local === undefined ? {} : { token: local });
      const words = [SYMBOL, "--from", "2026-01-01T00:00:00Z", "--to", "2026-01-01T00:20:00Z"];
      expect([await backfillCommand(words, backfill.context), backfill.err()]).toEqual([0, ""]);
    },
    TIMEOUT_MS,
  );

  test(
    "TAPELINE_TOKEN, is sent instead",
    async () => {
      const mine = await token();
      expect((await connect({ TAPELINE_TOKEN: mine })).token).toBe(mine);
      expect((await connect({ TAPELINE_TOKEN: " " })).token).toBe(running.app.localToken);
    },
    TIMEOUT_MS,
  );

  test(
    "a server that a command starts itself, is asked with its own token and stays on loopback",
    async () => {
      const access = await connect({ DATA_DIR: await bench.folder(), HOST: "0.0.0.0" });
      try {
        expect(access.started).toBe(true);
        expect(new URL(access.url).hostname).toBe("127.0.0.1");
        const recent = `${access.url}/api/v1/backfill/recent`;
        expect((await fetch(recent)).status).toBe(401);
        const headers = { authorization: `Bearer ${access.token}` };
        expect((await fetch(recent, { headers })).status).toBe(200);
      } finally {
        await access.close();
      }
    },
    TIMEOUT_MS,
  );
});

describe("servers with other settings", () => {
  test(
    "without a secret, another address than loopback stops the start with a clear fault",
    async () => {
      const { code, stderr } = await bench.run("serve", [], { HOST: "0.0.0.0" });
      expect(code).toBe(2);
      expect(stderr).toContain("HOST: expected a loopback address");
      expect(stderr).toContain("TOKEN_HMAC_SECRET");
    },
    TIMEOUT_MS,
  );

  test(
    "published keys that cannot be had, are 503 and a temporary error 100",
    async () => {
      const gone = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
      const url = `http://127.0.0.1:${gone.port}/keys`;
      await gone.stop(true);
      const { TOKEN_HMAC_SECRET: _, ...rest } = env;
      const other = await bench.openApp(
        { ...rest, DATA_DIR: await bench.folder(), TOKEN_JWKS_URL: url },
        { follow: false },
      );
      try {
        const bearer = forgedToken({ alg: "ES256" }, { sub: "alice", exp: now() + 60 }, "c2ln");
        const answer = await fetch(`${other.app.url}/ready`, {
          headers: { authorization: `Bearer ${bearer}` },
        });
        expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "5"]);
        const { replies } = await say([{ id: 1, connect: { token: bearer } }], other.app.url);
        expect(replies).toMatchObject([{ id: 1, error: { code: 100, temporary: true } }]);
        expect(other.log.some(({ level }) => level === "error")).toBe(true);
      } finally {
        await other.app.close();
      }
    },
    TIMEOUT_MS,
  );
});
