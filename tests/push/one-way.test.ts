import { describe, expect, test } from "bun:test";
import { EVERYTHING } from "../../src/protocol/mod.ts";
import { type Authorization, acceptEverybody, type ChannelSource } from "../../src/push/mod.ts";
import { makeHub, settle } from "./fakes.ts";

const lossless: ChannelSource = {
  kind: "lossless",
  position: () => ({ epoch: "e", offset: 0 }),
  history: () => [],
};
const resolve = () => ({ kind: "source", source: lossless }) as const;
const standing = { recoverable: true, positioned: true, epoch: "e", offset: 0 };

function listening(answer: () => Authorization | Promise<Authorization>) {
  return makeHub({ resolve, authorizer: { ...acceptEverybody, connect: answer } });
}

describe("a client that only listens", () => {
  test("sends its connect request, and gets pushes without their envelope, one a message", async () => {
    const { hub, listener } = makeHub({ resolve });
    const { socket, session } = listener();
    session.message('{"subs":{"backfill":{}}}');
    await settle();
    expect(socket.pushes()).toEqual([
      { connect: { client: "client-1", version: "test", ping: 25, subs: { backfill: standing } } },
    ]);
    hub.publish("backfill", { offset: 1, data: { n: 1 } });
    socket.reading = false;
    for (let n = 2; n <= 4; n++) hub.publish("backfill", { offset: n, data: { n } });
    socket.take();
    session.drained();
    expect(socket.pushes()).toEqual(
      [1, 2, 3, 4].map((n) => ({ channel: "backfill", pub: { data: { n }, offset: n } })),
    );
  });

  test("may ask for nothing, and is told so", async () => {
    const { listener } = makeHub({ resolve });
    const { socket, session } = listener();
    session.message("{}");
    await settle();
    expect(socket.pushes()).toMatchObject([{ connect: { subs: {} } }]);
  });

  test("is pinged and answers nothing; what it says later is not heard", async () => {
    const { listener, timers } = makeHub({ resolve });
    const { socket, session } = listener();
    session.message("{}");
    await settle();
    socket.pushes();
    await timers.advance(100_000);
    expect(socket.pushes()).toEqual([{}, {}, {}, {}]);
    session.message('{"id":2,"subscribe":{"channel":"backfill"}}');
    session.message("nonsense");
    session.message(undefined);
    await settle();
    expect([socket.frames, socket.closed]).toEqual([[], undefined]);
  });

  test("whose transport answers pings is closed with 3012 when it does not", async () => {
    const { listener, timers } = makeHub({ resolve });
    let pings = 0;
    const { socket, session } = listener(() => {
      pings += 1;
    });
    session.message("{}");
    await timers.advance(25_000);
    session.ponged();
    await timers.advance(25_000);
    expect([pings, socket.closed]).toEqual([2, undefined]);
    await timers.advance(8_000);
    expect(socket.closed?.code).toBe(3012);
    expect(socket.pushes().at(-1)).toEqual({ disconnect: { code: 3012, reason: "no pong" } });
  });

  test.each([
    ["nonsense", 3501],
    ["[]", 3501],
    ['{"subs":{"backfill":1}}', 3501],
    [undefined, 3506],
    [`{"name":"${"x".repeat(70_000)}"}`, 3501],
  ])("that begins with %j is told why it is closed", async (message, code) => {
    const { listener, hub } = makeHub({ resolve });
    const { socket, session } = listener();
    session.message(message);
    expect(socket.closed?.code).toBe(code);
    expect(socket.pushes()).toEqual([{ disconnect: { code, reason: socket.closed!.reason } }]);
    expect(hub.stats().connections).toBe(0);
  });

  test("that says nothing is closed as stale", async () => {
    const { listener, timers } = makeHub({ resolve });
    const { socket } = listener();
    await timers.advance(10_000);
    expect(socket.closed?.code).toBe(3502);
  });

  test.each<[Authorization, number]>([
    [{ kind: "rejected", code: 109, reason: "token expired" }, 3005],
    [{ kind: "rejected", code: 103, reason: "no" }, 3507],
    [{ kind: "rejected", code: 101, reason: "no" }, 3500],
    [{ kind: "rejected", code: 3500, reason: "another key" }, 3500],
  ])("whose token is answered with %j is disconnected with %i", async (answer, code) => {
    const { listener } = listening(() => answer);
    const { socket, session } = listener();
    session.message('{"token":"t"}');
    await settle();
    expect(socket.closed?.code).toBe(code);
    expect(socket.pushes()).toMatchObject([{ disconnect: { code } }]);
  });

  test("is disconnected with 3004 when its token cannot be looked at", async () => {
    const { listener, errors } = listening(() => {
      throw new Error("no keys");
    });
    const { socket, session } = listener();
    session.message("{}");
    await settle();
    expect(socket.closed?.code).toBe(3004);
    expect(errors).toHaveLength(1);
  });

  test("is disconnected when its token ends: it cannot come with another", async () => {
    const { listener, timers } = listening(() => ({
      kind: "accepted",
      grant: { ...EVERYTHING, expiresAtMs: 20_000 },
    }));
    const { socket, session } = listener();
    session.message('{"token":"t"}');
    await settle();
    expect(socket.pushes()).toMatchObject([{ connect: { expires: true, ttl: 20 } }]);
    await timers.advance(20_000);
    expect(socket.pushes()).toEqual([{ disconnect: { code: 3005, reason: "connection expired" } }]);
    expect(timers.pending).toBe(0);
  });

  test("is told of a channel that there is not, and stays", async () => {
    const { listener } = makeHub({ resolve: () => ({ kind: "unknown", message: "no such job" }) });
    const { socket, session } = listener();
    session.message('{"subs":{"backfill":{}}}');
    await settle();
    expect(socket.pushes().slice(1)).toEqual([
      { channel: "backfill", unsubscribe: { code: 2000, reason: "unknown channel: no such job" } },
    ]);
    expect(socket.closed).toBeUndefined();
  });

  test("is made to connect again (3010) where subscribing again would help: it cannot do that", async () => {
    const { listener } = makeHub({ resolve: () => ({ kind: "later", message: "starting" }) });
    const early = listener();
    early.session.message('{"subs":{"backfill":{}}}');
    await settle();
    expect(early.socket.closed?.code).toBe(3010);
    expect(early.socket.closed?.reason).toContain("backfill: not available yet: starting");
    expect(early.socket.pushes()).toMatchObject([{ connect: { subs: {} } }, { disconnect: { code: 3010 } }]);

    const gone = makeHub({ resolve, limits: { ringEvents: 4 } });
    const late = gone.listener();
    late.session.message('{"subs":{"backfill":{}}}');
    await settle();
    late.socket.pushes();
    // An event that was skipped and is not in history: the channel has lost its thread.
    gone.hub.publish("backfill", { offset: 3, data: {} });
    await gone.timers.advance(5_000);
    expect(late.socket.closed?.code).toBe(3010);
  });

  test("that reads too slowly is closed with 3008", async () => {
    const { hub, listener } = makeHub({ resolve });
    const { socket, session } = listener();
    session.connect({
      token: "",
      name: "",
      version: "",
      subs: { backfill: { token: "", recover: false, offset: 0, epoch: "" } },
    });
    await settle();
    socket.reading = false;
    for (let offset = 1; offset <= 200; offset++)
      hub.publish("backfill", { offset, data: "x".repeat(10_000) });
    expect(socket.closed?.code).toBe(3008);
    expect(hub.stats()).toEqual({ connections: 0, subscriptions: 0, outboxBytes: 0 });
  });
});
