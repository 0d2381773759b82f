import { describe, expect, test } from "bun:test";
import { EVERYTHING } from "../../src/protocol/mod.ts";
import { acceptEverybody, type ChannelSource } from "../../src/push/mod.ts";
import { type FakeSocket, JOB, makeHub, settle } from "./fakes.ts";

const lossless: ChannelSource = {
  kind: "lossless",
  position: () => ({ epoch: "e", offset: 0 }),
  history: () => [],
};
const resolve = () => ({ kind: "source", source: lossless }) as const;
const codes = (socket: FakeSocket) => socket.received().map(({ error }) => error?.code);

describe("PushSession", () => {
  test("connect answers client, version, ping and pong", async () => {
    const { peer } = makeHub({ resolve });
    const { socket, send } = peer();
    send({ id: 1, connect: { name: "js", version: "1" } });
    await settle();
    expect(socket.received()).toEqual([
      { id: 1, connect: { client: "client-1", version: "test", ping: 25, pong: true } },
    ]);
  });

  test("commands sent together with connect wait for it", async () => {
    const { peer } = makeHub({ resolve });
    const { socket, send } = peer();
    send({ id: 1, connect: {} }, { id: 2, subscribe: { channel: "backfill" } });
    send({ id: 3, unsubscribe: { channel: "backfill" } });
    await settle();
    expect(socket.received().map(({ id }) => id)).toEqual([1, 2, 3]);
  });

  test.each([
    ["no JSON", "hello", 3501],
    ["a command without id", '{"subscribe":{"channel":"backfill"}}', 3501],
    ["a command before connect", '{"id":1,"subscribe":{"channel":"backfill"}}', 3501],
    ["a message beyond the size limit", `{"id":1,"connect":{"name":"${"x".repeat(70_000)}"}}`, 3501],
    ["a binary message", undefined, 3506],
  ])("%s closes the connection", async (_, message, code) => {
    const { peer, hub } = makeHub({ resolve });
    const { socket, session } = peer();
    session.message(message);
    await settle();
    expect(socket.closed?.code).toBe(code);
    expect(socket.closed?.reason).not.toBe("");
    expect(hub.stats().connections).toBe(0);
  });

  test("a socket that never connects is closed as stale", async () => {
    const { peer, timers } = makeHub({ resolve });
    const { socket } = peer();
    await timers.advance(10_000);
    expect(socket.closed?.code).toBe(3502);
    expect(timers.pending).toBe(0);
  });

  test("pings every 25 s; a client that answers stays", async () => {
    const { connected, timers } = makeHub({ resolve });
    const { socket, send } = await connected();
    for (let n = 0; n < 5; n++) {
      await timers.advance(25_000);
      expect(socket.frames.splice(0)).toEqual(["{}"]);
      send({});
    }
    expect(socket.closed).toBeUndefined();
  });

  test("a client that does not answer within 8 s is closed with 3012; other commands are no answer", async () => {
    const { connected, timers } = makeHub({ resolve });
    const { socket, send } = await connected();
    await timers.advance(25_000);
    send({ id: 9, history: { channel: "backfill" } });
    await timers.advance(7_999);
    expect(socket.closed).toBeUndefined();
    await timers.advance(1);
    expect(socket.closed?.code).toBe(3012);
    expect(timers.pending).toBe(0);
  });

  test("subscribe answers the protocol's errors", async () => {
    const unknown = { kind: "unknown", message: "no job of that id" } as const;
    const { connected } = makeHub({
      resolve: (channel) => (channel.kind === "job" ? unknown : resolve()),
      authorizer: {
        ...acceptEverybody,
        connect: () => ({
          kind: "accepted",
          grant: { ...EVERYTHING, channels: new Set(["backfill", `backfill:${JOB}`]) },
        }),
      },
      limits: { subscriptionsMax: 1 },
    });
    const { socket, send } = await connected();
    const subscribe = async (request: object) => {
      send({ id: 2, subscribe: request });
      await settle();
      return socket.received()[0]?.error;
    };
    expect((await subscribe({ channel: "weather" }))?.code).toBe(102);
    expect(await subscribe({ channel: `backfill:${JOB}` })).toEqual({
      code: 102,
      message: "unknown channel: no job of that id",
    });
    expect((await subscribe({ channel: "levels:BTCUSDT" }))?.code).toBe(103);
    expect((await subscribe({ channel: "backfill", type: 4 }))?.code).toBe(108);
    expect((await subscribe({ channel: "backfill", tf: { key: "a" } }))?.code).toBe(108);
    expect(await subscribe({ channel: "backfill" })).toBeUndefined();
    expect((await subscribe({ channel: "backfill" }))?.code).toBe(105);
    expect((await subscribe({ channel: "levels:BTCUSDT" }))?.code).toBe(106);
    send({ id: 4, connect: {} }, { id: 5, nonsense: {} }, { id: 6, presence: {} });
    expect(codes(socket)).toEqual([107, 104, 108]);
  });

  test("a client may ping, and what it sends is ignored", async () => {
    const { connected } = makeHub({ resolve });
    const { socket, send } = await connected();
    send({ id: 2, ping: {} }, { send: { data: 1 } }, { id: 3, send: { data: 1 } });
    expect(socket.received()).toEqual([{ id: 2, ping: {} }]);
    expect(socket.closed).toBeUndefined();
  });

  test("unsubscribe ends deliveries and frees the name", async () => {
    const { connected, hub } = makeHub({ resolve });
    const { socket, send } = await connected();
    send({ id: 2, subscribe: { channel: "backfill" } }, { id: 3, unsubscribe: { channel: "backfill" } });
    await settle();
    hub.publish("backfill", { offset: 1, data: {} });
    expect(socket.received().map(({ id, push }) => id ?? push?.channel)).toEqual([2, 3]);
    send({ id: 4, unsubscribe: { channel: "backfill" } }, { id: 5, subscribe: { channel: "backfill" } });
    await settle();
    const [, resubscribed] = socket.received();
    expect(resubscribed?.subscribe?.offset).toBe(1);
    expect(hub.stats().subscriptions).toBe(1);
  });

  test("a channel that is slow to open does not hold up another", async () => {
    const { connected } = makeHub({
      resolve: (channel) => (channel.kind === "job" ? new Promise(() => undefined) : resolve()),
    });
    const { socket, send } = await connected();
    send({ id: 2, subscribe: { channel: `backfill:${JOB}` } }, { id: 3, subscribe: { channel: "backfill" } });
    await settle();
    expect(socket.received().map(({ id }) => id)).toEqual([3]);
  });

  test("a client that leaves while its subscription is set up leaves nothing behind", async () => {
    const opened = Promise.withResolvers<void>();
    const { connected, hub, timers } = makeHub({
      resolve: async () => {
        await opened.promise;
        return resolve();
      },
    });
    const { socket, session, send } = await connected();
    send({ id: 2, subscribe: { channel: "backfill" } });
    await settle();
    session.closed();
    opened.resolve();
    await settle();
    hub.publish("backfill", { offset: 1, data: {} });
    expect(socket.frames).toEqual([]);
    expect(hub.listened("backfill")).toBe(false);
    expect(timers.pending).toBe(0);
  });

  test("too many commands under way close with 3013", async () => {
    const { connected } = makeHub({
      resolve: () => new Promise(() => undefined),
      limits: { commandsInFlightMax: 20 },
    });
    const { socket, send } = await connected();
    for (let id = 2; id < 23; id++) send({ id, subscribe: { channel: `levels:S${id}` } });
    expect(socket.closed?.code).toBe(3013);
  });

  test("more commands than are allowed, pongs and what is ignored among them, close with 3013", async () => {
    const limits = { commandsPerSecond: 10, commandsBurst: 20 };
    for (const command of [{}, { send: {} }, { id: 2, ping: {} }]) {
      const { connected, timers } = makeHub({ resolve, limits });
      const { socket, send } = await connected();
      send(...Array.from({ length: 19 }, () => command));
      expect(socket.closed).toBeUndefined();
      await timers.advance(1_000);
      send(...Array.from({ length: 10 }, () => command));
      expect(socket.closed).toBeUndefined();
      send(command);
      expect(socket.closed?.code).toBe(3013);
      expect(socket.closed?.reason).toContain("10 commands a second");
    }
  });

  test("a client that only listens may not flood either", async () => {
    const { listener } = makeHub({ resolve, limits: { commandsBurst: 20 } });
    const { socket, session } = listener();
    session.message("{}");
    await settle();
    for (let n = 0; n < 19; n++) session.message("x".repeat(1_000));
    expect(socket.closed).toBeUndefined();
    session.message("x");
    expect(socket.closed?.code).toBe(3013);
  });

  test("a message has as many commands and characters as are set", async () => {
    const made = makeHub({ resolve, limits: { commandsPerMessageMax: 3, frameCharsMax: 100 } });
    const first = await made.connected();
    first.send({}, {}, {});
    expect(first.socket.closed).toBeUndefined();
    first.send({}, {}, {}, {});
    expect(first.socket.closed?.code).toBe(3501);
    const second = await made.connected();
    second.session.message(`${" ".repeat(98)}{}`);
    expect(second.socket.closed).toBeUndefined();
    second.session.message(`${" ".repeat(99)}{}`);
    expect(second.socket.closed?.code).toBe(3501);
  });

  test("lossless frames for a reader that stopped end in 3008, with a bounded outbox; others get all", async () => {
    const { connected, hub, timers } = makeHub({ resolve });
    const slow = await connected();
    const quick = await connected();
    for (const { send } of [slow, quick]) send({ id: 2, subscribe: { channel: "backfill" } });
    await settle();
    slow.socket.reading = false;
    quick.socket.received();
    const data = "x".repeat(10_000);
    for (let offset = 1; offset <= 300; offset++) {
      hub.publish("backfill", { offset, data });
      expect(hub.stats().outboxBytes).toBeLessThanOrEqual(1_048_576);
    }
    expect(slow.socket.closed?.code).toBe(3008);
    expect(quick.socket.received()).toHaveLength(300);
    expect(hub.stats()).toEqual({ connections: 1, subscriptions: 1, outboxBytes: 0 });
    quick.socket.reading = false;
    hub.publish("backfill", { offset: 301, data });
    await timers.advance(10_000);
    expect(quick.socket.closed?.code).toBe(3008);
  });

  test("an authorizer rejects with a close code or with an error code", async () => {
    const rejection = { kind: "rejected", code: 3500, reason: "token of another key" } as const;
    const closing = makeHub({
      resolve,
      authorizer: { ...acceptEverybody, connect: async () => rejection },
    }).peer();
    closing.send({ id: 1, connect: { token: "t" } });
    await settle();
    expect(closing.socket.closed).toEqual({ code: 3500, reason: "token of another key" });

    let tries = 0;
    const answering = makeHub({
      resolve,
      authorizer: {
        ...acceptEverybody,
        connect: () =>
          tries++ === 0
            ? { kind: "rejected", code: 109, reason: "token expired" }
            : { kind: "accepted", grant: EVERYTHING },
      },
    }).peer();
    answering.send({ id: 1, connect: { token: "t" } });
    await settle();
    expect(codes(answering.socket)).toEqual([109]);
    answering.send({ id: 2, connect: { token: "t" } });
    await settle();
    expect(answering.socket.received()[0]?.connect?.pong).toBe(true);
  });

  test("an authorizer that fails answers error 100 and reports it", async () => {
    const { peer, errors } = makeHub({
      resolve,
      authorizer: {
        ...acceptEverybody,
        connect: () => {
          throw new Error("no key");
        },
      },
    });
    const { socket, send } = peer();
    send({ id: 1, connect: {} });
    await settle();
    expect(codes(socket)).toEqual([100]);
    expect(errors).toEqual(["authorizing a connection: no key"]);
  });
});
