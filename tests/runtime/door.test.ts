import { afterEach, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import type { ListenOptions } from "../../src/runtime/mod.ts";
import { type Served, serve, World } from "./push-fixture.ts";

const running: Served[] = [];
afterEach(async () => {
  for (const served of running.splice(0)) await served.stop();
});

type Door = Pick<ListenOptions, "allowedOrigins" | "loopbackNamesOnly">;

function open(options: Door): Served {
  const served = serve(new World(), options);
  running.push(served);
  return served;
}

const UPGRADE = {
  connection: "upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** The status line's number of a request that is written by hand: what a browser would not let a page write can be tried so. */
function rawStatus(port: number, lines: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(`${lines.join("\r\n")}\r\n\r\n`));
    socket.once("data", (part) => {
      resolve(Number(/^HTTP\/1\.\d (\d{3})/.exec(String(part))?.[1]));
      socket.destroy();
    });
    socket.once("error", reject);
    socket.once("close", () => resolve(0));
  });
}

function statusOf(
  served: Served,
  headers: Readonly<Record<string, string>>,
  path = "/levels",
  method = "GET",
) {
  const named = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return rawStatus(served.server.port, [`${method} ${path} HTTP/1.1`, ...named, "content-length: 0"]);
}

describe("listen() without tokens, the host that a request names", () => {
  const door = { loopbackNamesOnly: true, allowedOrigins: ["https://desk.example.com"] };

  test.each([
    "localhost",
    "LocalHost:8080",
    "127.0.0.1",
    "127.0.0.1:1",
    "127.9.8.7:8080",
    "[::1]",
    "[::1]:8080",
    "desk.example.com",
    "desk.example.com:8443",
  ])("%s, is let in", async (host) => {
    const served = open(door);
    expect(await statusOf(served, { host })).toBe(200);
    expect(await statusOf(served, { host, ...UPGRADE }, "/ws")).toBe(101);
  });

  test.each([
    "evil.example",
    "evil.example:8080",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "evil-desk.example.com",
    "192.168.1.7",
    "0.0.0.0",
    "[::]",
    "[::ffff:192.168.1.7]",
    "evil@localhost",
    "localhost/evil",
    "localhost evil",
  ])("%s, is refused, and so is a socket from a page of that name", async (host) => {
    const served = open(door);
    // What is no host at all may be refused by the server beneath us.
    expect([400, 421]).toContain(await statusOf(served, { host }));
    const socket = { host, origin: `http://${host}`, ...UPGRADE };
    for (const path of ["/ws", "/connection/websocket", "/connection/uni_websocket", "/connection/uni_sse"])
      expect([400, 421]).toContain(await statusOf(served, socket, path));
    expect(served.hub.stats().connections).toBe(0);
  });

  test("the refusal, is a problem document that says what to do", async () => {
    const { server } = open(door);
    const answer = await fetch(`${server.url}/levels`, {
      headers: { host: "evil.example", "x-request-id": "mine" },
    });
    expect(answer.status).toBe(421);
    expect(answer.headers.get("x-request-id")).toBe("mine");
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(await answer.json()).toMatchObject({ detail: expect.stringContaining("TOKEN_HMAC_SECRET") });
  });
});

test.each([{ loopbackNamesOnly: true }, { loopbackNamesOnly: false }])(
  "listen() with %j, refuses a request that names no host, or none that is one",
  async (door) => {
    const { port } = open(door).server;
    expect(await rawStatus(port, ["GET /levels HTTP/1.0"])).toBe(400);
    for (const host of ["", "a b", "[", "localhost:x"])
      expect([400, 421]).toContain(await rawStatus(port, ["GET /levels HTTP/1.1", `host: ${host}`]));
  },
);

test("listen() with tokens, takes any host: the token decides", async () => {
  expect(await statusOf(open({}), { host: "tape.example.com" })).toBe(200);
});

describe("listen(), what changes anything", () => {
  const host = "localhost:8080";
  const door = { allowedOrigins: ["https://desk.example.com"] };

  test.each(["POST", "PATCH", "DELETE", "PUT"])("%s of a foreign page, is refused", async (method) => {
    const served = open(door);
    for (const origin of ["https://evil.example", "null", "http://localhost:9999", "http://desk.example.com"])
      expect([origin, await statusOf(served, { host, origin }, "/api", method)]).toEqual([origin, 403]);
  });

  test.each(["POST", "DELETE"])(
    "%s of our own page, of an allowed one and of a program pass",
    async (method) => {
      const served = open(door);
      for (const origin of ["http://localhost:8080", "https://desk.example.com"])
        expect([origin, await statusOf(served, { host, origin }, "/api", method)]).toEqual([origin, 200]);
      expect(await statusOf(served, { host }, "/api", method)).toBe(200);
    },
  );

  test("what a foreign page only asks for, passes: it cannot read the answer", async () => {
    const served = open(door);
    for (const method of ["GET", "OPTIONS"])
      expect(await statusOf(served, { host, origin: "https://evil.example" }, "/api", method)).toBe(200);
  });
});
