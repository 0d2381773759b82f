import { afterEach, describe, expect, test } from "bun:test";
import { type Served, serve, until, World } from "./push-fixture.ts";

const running: Served[] = [];
const sockets: WebSocket[] = [];

function started(...[options]: [Parameters<typeof serve>[1]]): Served {
  const served = serve(new World(), options);
  running.push(served);
  return served;
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close();
  for (const served of running.splice(0)) await served.stop();
});

/** What a handshake on a path is answered with: 101 or the refusal. */
async function knock({ server }: Served, path: string): Promise<number> {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}${path}`);
  sockets.push(socket);
  const opened = await new Promise<boolean>((done) => {
    socket.onopen = () => done(true);
    socket.onclose = () => done(false);
    socket.onerror = () => done(false);
  });
  return opened ? 101 : (await fetch(`${server.url}${path}`)).status;
}

/** What an event stream is answered with that comes by way of a proxy; it stays open. */
async function knockFrom({ server }: Served, from: string): Promise<number> {
  const headers = { "x-forwarded-for": from };
  return (await fetch(`${server.url}/connection/uni_sse?cf_connect={}`, { headers })).status;
}

describe("PushDoor", () => {
  test("an address beyond its connections is refused with 429, on every way in, until one has left", async () => {
    const served = started({ limits: { connectionsPerLoopbackMax: 3 } });
    const ways = ["/ws", "/connection/websocket", "/connection/uni_websocket?cf_connect={}"];
    for (const path of ways) expect(await knock(served, path)).toBe(101);
    for (const path of [...ways, "/connection/uni_sse?cf_connect={}"])
      expect(await knock(served, path)).toBe(429);
    sockets[0]?.close();
    await until(() => served.hub.stats().connections === 2);
    const stream = await fetch(`${served.server.url}/connection/uni_sse?cf_connect={}`);
    expect(stream.status).toBe(200);
    expect(await knock(served, "/ws")).toBe(429);
    await stream.body?.cancel();
    await until(() => served.hub.stats().connections === 2);
    expect(await knock(served, "/ws")).toBe(101);
  });

  test("behind a proxy the last address of its header counts; without the setting nobody is believed", async () => {
    const proxied = started({ addressHeader: "x-forwarded-for", limits: { connectionsPerAddressMax: 1 } });
    expect(await knockFrom(proxied, "198.51.100.1, 203.0.113.9")).toBe(200);
    expect(await knockFrom(proxied, "198.51.100.2, 203.0.113.9")).toBe(429);
    expect(await knockFrom(proxied, "203.0.113.9, 198.51.100.1")).toBe(200);
    const direct = started({ limits: { connectionsPerAddressMax: 1 } });
    for (let n = 0; n < 3; n++) expect(await knockFrom(direct, "203.0.113.9")).toBe(200);
  });

  test("what is answered without a connection names its request, by the client's name where it gave one", async () => {
    const { server } = started({});
    const idOf = async (path: string, headers: Record<string, string> = {}) => {
      const answer = await fetch(`${server.url}${path}`, { headers });
      await answer.body?.cancel();
      return [answer.status, answer.headers.get("x-request-id")];
    };
    expect(await idOf("/ws", { "x-request-id": "mine-1" })).toEqual([426, "mine-1"]);
    expect(await idOf("/ws", { origin: "http://evil.example", "x-request-id": "mine-2" })).toEqual([
      403,
      "mine-2",
    ]);
    expect(await idOf("/connection/uni_sse", { "x-request-id": "mine-3" })).toEqual([400, "mine-3"]);
    expect(await idOf("/connection/uni_sse?cf_connect={}", { "x-request-id": "mine-4" })).toEqual([
      200,
      "mine-4",
    ]);
    const [, made] = await idOf("/ws", { "x-request-id": "not one" });
    expect(made).toMatch(/^[\da-f-]{36}$/);
  });

  test("takes no more while too many have not connected", async () => {
    const served = started({ limits: { unconnectedMax: 2 } });
    expect(await knock(served, "/ws")).toBe(101);
    expect(await knock(served, "/ws")).toBe(101);
    expect(await knock(served, "/ws")).toBe(503);
    sockets[0]?.send('{"id":1,"connect":{}}');
    await new Promise((resolve) => {
      sockets[0]!.onmessage = resolve;
    });
    expect(await knock(served, "/ws")).toBe(101);
  });

  test("a message as large as is set is heard, a larger one closes", async () => {
    const served = started({ limits: { frameCharsMax: 2_000 } });
    await knock(served, "/ws");
    const [socket] = sockets;
    let closed = 0;
    socket!.onclose = ({ code }) => {
      closed = code;
    };
    const heard = new Promise((resolve) => {
      socket!.onmessage = resolve;
    });
    const message = (chars: number) => `{"id":1,"connect":{"data":"${"x".repeat(chars - 30)}"}}`;
    expect(message(2_000)).toHaveLength(2_000);
    socket!.send(message(2_000));
    await heard;
    socket!.send(message(2_001));
    await until(() => closed !== 0);
    expect(closed).toBe(3501);
  });
});
