import { afterEach, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import * as v from "valibot";
import { EVERYTHING, Push } from "../../src/protocol/mod.ts";
import { acceptEverybody } from "../../src/push/mod.ts";
import { type Served, serve, until, World } from "./push-fixture.ts";

const running: Served[] = [];
const closers: (() => void)[] = [];

function started(...args: Parameters<typeof serve>): Served {
  const served = serve(...args);
  running.push(served);
  return served;
}

afterEach(async () => {
  for (const close of closers.splice(0)) close();
  for (const served of running.splice(0)) await served.stop();
});

const pushOf = (text: string) => v.parse(v.strictObject(Push.entries), JSON.parse(text));

/** A one-way WebSocket; each message is one push. */
function listenSocket({ server }: Served, parameter?: string) {
  const query = parameter === undefined ? "" : `?cf_connect=${encodeURIComponent(parameter)}`;
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/connection/uni_websocket${query}`);
  const heard = { pushes: [] as Push[], closed: undefined as number | undefined, open: false };
  socket.onopen = () => {
    heard.open = true;
  };
  socket.onmessage = ({ data }) => heard.pushes.push(pushOf(String(data)));
  socket.onclose = ({ code }) => {
    heard.closed = code;
  };
  closers.push(() => socket.close());
  return { socket, heard };
}

/** An event stream over fetch, as an EventSource would read it. */
async function listenStream({ server }: Served, parameter: string | undefined, headers: HeadersInit = {}) {
  const query = parameter === undefined ? "" : `?cf_connect=${encodeURIComponent(parameter)}`;
  const aborter = new AbortController();
  closers.push(() => aborter.abort());
  const response = await fetch(`${server.url}/connection/uni_sse${query}`, {
    headers,
    signal: aborter.signal,
  });
  const heard = { pushes: [] as Push[], ended: false };
  const read = async () => {
    let rest = "";
    for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
      const events = (rest + text).split("\n\n");
      rest = events.pop() ?? "";
      for (const event of events) {
        expect(event.startsWith("data: ")).toBe(true);
        heard.pushes.push(pushOf(event.slice("data: ".length)));
      }
    }
    heard.ended = true;
  };
  if (response.ok) void read().catch(() => undefined);
  return { response, heard, abort: () => aborter.abort() };
}

const LEVELS = "levels:BTCUSDT";
const both = JSON.stringify({ subs: { [LEVELS]: {}, backfill: { recover: true, offset: 1, epoch: "e1" } } });

function worldWithEvents(): World {
  const world = new World();
  for (let n = 1; n <= 3; n++) world.commit({ n });
  return world;
}

const ways = [
  ["a one-way WebSocket", (served: Served) => listenSocket(served, both).heard],
  ["an event stream", async (served: Served) => (await listenStream(served, both)).heard],
] as const;

describe.each(ways)("%s", (_, listen) => {
  test("recovers what was missed, follows both classes, and is told of the end", async () => {
    const world = worldWithEvents();
    const served = started(world);
    const heard = await listen(served);
    await until(() => heard.pushes.length === 1);
    const subs = heard.pushes[0]?.connect?.subs ?? {};
    expect(subs[LEVELS]?.data).toEqual({ levels: { POC: 1, VWAP: 1.5 }, revision: 1 });
    expect(subs["backfill"]).toMatchObject({ recovered: true, offset: 1 });
    expect(subs["backfill"]?.publications?.map(({ offset }) => offset)).toEqual([2, 3]);
    served.hub.publish("backfill", world.commit({ n: 4 }));
    world.state = { revision: 2, fields: { levels: { POC: 2, VWAP: 1.5 } } };
    served.hub.touch("levels:binance:BTCUSDT");
    await until(() => heard.pushes.length === 3);
    expect(heard.pushes.slice(1)).toEqual([
      { channel: "backfill", pub: { data: { n: 4 }, offset: 4 } },
      { channel: LEVELS, pub: { data: { levels: { POC: 2 }, revision: 2, previous_revision: 1 } } },
    ]);
    await served.hub.close();
    await until(() => heard.pushes.length === 4);
    expect(heard.pushes[3]).toEqual({ disconnect: { code: 3001, reason: "shutdown" } });
    expect(served.errors).toEqual([]);
  });

  test("is pinged with an empty push", async () => {
    const served = started(new World(), { limits: { pingMs: 20, pongMs: 5_000 } });
    const heard = await listen(served);
    await until(() => heard.pushes.length >= 5);
    expect(heard.pushes.slice(1, 5)).toEqual([{}, {}, {}, {}]);
    expect(served.hub.stats().connections).toBe(1);
  });
});

describe("a one-way WebSocket", () => {
  test("takes its connect request as the first message too", async () => {
    const served = started(worldWithEvents());
    const { socket, heard } = listenSocket(served);
    await until(() => heard.open);
    socket.send(both);
    await until(() => heard.pushes.length === 1);
    expect(Object.keys(heard.pushes[0]?.connect?.subs ?? {})).toEqual([LEVELS, "backfill"]);
  });

  test("answers the transport's pings by itself, and stays", async () => {
    const served = started(new World(), { limits: { pingMs: 30, pongMs: 3_000 } });
    const { heard } = listenSocket(served, "{}");
    await until(() => heard.pushes.length > 120);
    expect(heard.closed).toBeUndefined();
  }, 20_000);

  test("is closed with 3501 for a connect request that is none", async () => {
    const { heard } = listenSocket(started(new World()), '{"subs":5}');
    await until(() => heard.closed !== undefined);
    expect(heard.closed).toBe(3501);
    expect(heard.pushes[0]?.disconnect?.reason).toContain("connect.subs");
  });
});

describe("an event stream", () => {
  test("is one by its headers, and a page of a listed origin may read it", async () => {
    const served = started(new World(), { allowedOrigins: ["https://desk.example"] });
    const { response } = await listenStream(served, "{}", { origin: "https://desk.example" });
    expect(response.status).toBe(200);
    const header = (name: string) => response.headers.get(name);
    expect(header("content-type")).toBe("text/event-stream");
    expect(header("cache-control")).toBe("no-store");
    expect([header("access-control-allow-origin"), header("vary")]).toEqual([
      "https://desk.example",
      "origin",
    ]);
    const foreign = await listenStream(served, "{}", { origin: "https://elsewhere.example" });
    expect(foreign.response.status).toBe(403);
  });

  test.each([
    [undefined, "cf_connect"],
    ["nonsense", "no JSON"],
    ['{"subs":{"backfill":3}}', "connect.subs.backfill"],
  ])("for %j is refused with 400, which says what was expected", async (parameter, named) => {
    const { response } = await listenStream(started(new World()), parameter);
    expect(response.status).toBe(400);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.text()).toContain(named);
  });

  test("takes no other method, and none when the server is full", async () => {
    const served = started(new World(), { limits: { connectionsMax: 1 } });
    const post = await fetch(`${served.server.url}/connection/uni_sse`, { method: "POST" });
    expect([post.status, post.headers.get("allow")]).toEqual([405, "GET"]);
    await listenStream(served, "{}");
    expect((await listenStream(served, "{}")).response.status).toBe(503);
  });

  test("takes a token in the request, or as bearer, and is told of a wrong one", async () => {
    const served = started(new World(), {
      authorizer: {
        ...acceptEverybody,
        connect: ({ token }) =>
          token === "good"
            ? { kind: "accepted", grant: EVERYTHING }
            : { kind: "rejected", code: 3500, reason: "invalid token" },
      },
    });
    const first = async (parameter: string, headers: HeadersInit = {}) => {
      const { heard } = await listenStream(served, parameter, headers);
      await until(() => heard.pushes.length > 0);
      return heard;
    };
    expect((await first('{"token":"good"}')).pushes[0]?.connect).toBeDefined();
    expect((await first("{}", { authorization: "Bearer good" })).pushes[0]?.connect).toBeDefined();
    expect(
      (await first('{"token":"good"}', { authorization: "Bearer bad" })).pushes[0]?.connect,
    ).toBeDefined();
    const refused = await first("{}", { authorization: "Bearer bad" });
    expect(refused.pushes).toEqual([{ disconnect: { code: 3500, reason: "invalid token" } }]);
    await until(() => refused.ended);
  });

  test("that its reader leaves is no connection any more", async () => {
    const served = started(new World());
    const { heard, abort } = await listenStream(served, both);
    await until(() => heard.pushes.length === 1);
    expect(served.hub.stats()).toMatchObject({ connections: 1, subscriptions: 2 });
    abort();
    await until(() => served.hub.stats().connections === 0);
    expect(served.hub.listened("backfill")).toBe(false);
  });

  test("whose reader stops is closed as slow, without growing; another one misses nothing", async () => {
    const world = new World();
    const served = started(world);
    const quick = await listenStream(served, '{"subs":{"backfill":{}}}');
    const stalled = connect(served.server.port, "127.0.0.1");
    closers.push(() => stalled.destroy());
    stalled.on("error", () => undefined);
    const query = encodeURIComponent('{"subs":{"backfill":{}}}');
    stalled.write(`GET /connection/uni_sse?cf_connect=${query} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await until(() => served.hub.stats().subscriptions === 2);
    stalled.pause();
    const data = "x".repeat(50_000);
    let waiting = 0;
    // Past what the kernel's buffers take, the outbox fills.
    while (served.hub.stats().connections === 2 && world.events.length < 2_000) {
      served.hub.publish("backfill", world.commit(data));
      waiting = Math.max(waiting, served.hub.stats().outboxBytes);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(served.hub.stats().connections).toBe(1);
    expect(waiting).toBeGreaterThan(500_000);
    expect(waiting).toBeLessThan(2 * 1_048_576);
    await until(() => quick.heard.pushes.length === 1 + world.events.length);
    expect(quick.heard.pushes.slice(1).every(({ pub }, at) => pub?.offset === at + 1)).toBe(true);
  }, 60_000);
});
