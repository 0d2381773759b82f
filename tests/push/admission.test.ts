import { describe, expect, test } from "bun:test";
import { EVERYTHING, type Grant } from "../../src/protocol/mod.ts";
import { type Authorizer, acceptEverybody, type ChannelSource } from "../../src/push/mod.ts";
import { JOB, makeHub, type Peer, settle } from "./fakes.ts";

const lossless: ChannelSource = {
  kind: "lossless",
  position: () => ({ epoch: "e", offset: 3 }),
  history: () => [],
};
const resolve = () => ({ kind: "source", source: lossless }) as const;

/** Tokens are JSON: the grant they give, or the rejection. */
interface Told {
  readonly until?: number;
  readonly channels?: readonly string[];
  readonly reject?: number;
}

function grantOf({ until, channels }: Told): Grant {
  return {
    ...EVERYTHING,
    expiresAtMs: until,
    channels: channels === undefined ? undefined : new Set(channels),
  };
}

const told = (token: string): Told => (token === "" ? {} : JSON.parse(token));
const token = (what: Told) => JSON.stringify(what);

const authorizer: Authorizer = {
  connect: (request) => decide(request.token),
  refresh: (text) => decide(text),
  subscription: (text) => {
    const { until, reject } = told(text);
    return reject === undefined
      ? { kind: "accepted", expiresAtMs: until }
      : { kind: "rejected", code: reject, reason: "no" };
  },
};

function decide(text: string) {
  const what = told(text);
  return what.reject === undefined
    ? ({ kind: "accepted", grant: grantOf(what) } as const)
    : ({ kind: "rejected", code: what.reject, reason: "no" } as const);
}

async function withToken(what: Told, options: Partial<Parameters<typeof makeHub>[0]> = {}) {
  const made = makeHub({ resolve, authorizer, ...options });
  const peer = made.peer();
  peer.send({ id: 1, connect: { token: token(what) } });
  await settle();
  return { ...made, ...peer };
}

async function ask({ socket, send }: Pick<Peer, "socket" | "send">, command: object) {
  socket.received();
  send({ id: 9, ...command });
  await settle();
  return socket.received();
}

/** A connected client answers pings while time passes. */
async function pass({ timers, send, socket }: Awaited<ReturnType<typeof withToken>>, ms: number) {
  for (let left = ms; left > 0 && socket.closed === undefined; left -= 5_000) {
    await timers.advance(Math.min(left, 5_000));
    send({});
  }
}

describe("a grant that ends", () => {
  test("the connect reply tells how long the token lasts; without an end it tells nothing", async () => {
    const ending = await withToken({ until: 60_500 });
    expect(ending.socket.received()[0]?.connect).toMatchObject({ expires: true, ttl: 60 });
    const lasting = await withToken({});
    expect(Object.keys(lasting.socket.received()[0]?.connect ?? {})).not.toContain("expires");
  });

  test("a refresh in time answers the new lifetime, and the connection stays", async () => {
    const made = await withToken({ until: 60_000 });
    await pass(made, 59_000);
    expect(await ask(made, { refresh: { token: token({ until: 200_000 }) } })).toEqual([
      { id: 9, refresh: { expires: true, ttl: 141 } },
    ]);
    await pass(made, 100_000);
    expect(made.socket.closed).toBeUndefined();
    expect(await ask(made, { refresh: { token: token({}) } })).toEqual([{ id: 9, refresh: {} }]);
    await pass(made, 200_000);
    expect(made.socket.closed).toBeUndefined();
  });

  test("a connection that is not refreshed is closed with 3005 after the grace", async () => {
    const made = await withToken({ until: 60_000 });
    await pass(made, 84_999);
    expect(made.socket.closed).toBeUndefined();
    await made.timers.advance(1);
    expect(made.socket.closed).toEqual({ code: 3005, reason: "connection expired" });
    expect(made.timers.pending).toBe(0);
  });

  test("after its end nothing new may be read (109), until a refresh; what is no reading goes on", async () => {
    const made = await withToken({ until: 60_000 });
    await ask(made, { subscribe: { channel: `backfill:${JOB}` } });
    await pass(made, 60_000);
    expect((await ask(made, { subscribe: { channel: "backfill" } }))[0]?.error?.code).toBe(109);
    expect((await ask(made, { history: { channel: "backfill" } }))[0]?.error?.code).toBe(109);
    expect((await ask(made, { ping: {} }))[0]?.ping).toEqual({});
    expect((await ask(made, { unsubscribe: { channel: `backfill:${JOB}` } }))[0]?.unsubscribe).toEqual({});
    await ask(made, { refresh: { token: token({ until: 200_000 }) } });
    expect((await ask(made, { subscribe: { channel: "backfill" } }))[0]?.subscribe?.offset).toBe(3);
  });

  test("an expired token in a refresh may be followed by another; a rejected one closes", async () => {
    const made = await withToken({ until: 60_000 });
    expect((await ask(made, { refresh: { token: token({ reject: 109 }) } }))[0]?.error).toEqual({
      code: 109,
      message: "no",
      temporary: true,
    });
    expect((await ask(made, { refresh: { token: token({ reject: 103 }) } }))[0]?.error).toEqual({
      code: 103,
      message: "no",
    });
    await ask(made, { refresh: { token: token({ reject: 3500 }) } });
    expect(made.socket.closed).toEqual({ code: 3500, reason: "no" });
  });

  test("a refresh that fails answers error 100 and leaves the grant as it is", async () => {
    const made = await withToken(
      { until: 60_000 },
      {
        authorizer: {
          ...authorizer,
          refresh: () => {
            throw new Error("no keys");
          },
        },
      },
    );
    expect((await ask(made, { refresh: { token: "x" } }))[0]?.error?.code).toBe(100);
    expect((await ask(made, { subscribe: { channel: "backfill" } }))[0]?.subscribe).toBeDefined();
    expect(made.errors).toEqual(["refreshing a connection: no keys"]);
  });

  test("refreshes are decided in their order", async () => {
    const gates: (() => void)[] = [];
    const made = await withToken(
      { until: 60_000 },
      {
        authorizer: {
          ...authorizer,
          refresh: async (text) => {
            await new Promise<void>((done) => gates.push(done));
            return decide(text);
          },
        },
      },
    );
    made.socket.received();
    made.send({ id: 2, refresh: { token: token({ until: 70_000 }) } });
    made.send({ id: 3, refresh: { token: token({ until: 80_000 }) } });
    await settle();
    expect(gates).toHaveLength(1);
    gates[0]?.();
    await settle();
    gates[1]?.();
    await settle();
    expect(made.socket.received().map(({ id, refresh }) => [id, refresh?.ttl])).toEqual([
      [2, 70],
      [3, 80],
    ]);
  });
});

describe("a refresh that narrows the grant", () => {
  test("ends the subscriptions it does not cover with 2000, and keeps the others", async () => {
    const made = await withToken({ channels: ["backfill", `backfill:${JOB}`] });
    await ask(made, { subscribe: { channel: "backfill" } });
    await ask(made, { subscribe: { channel: `backfill:${JOB}` } });
    const frames = await ask(made, { refresh: { token: token({ channels: ["backfill"] }) } });
    expect(frames).toEqual([
      { push: { channel: `backfill:${JOB}`, unsubscribe: { code: 2000, reason: "permission denied" } } },
      { id: 9, refresh: {} },
    ]);
    expect(made.hub.stats().subscriptions).toBe(1);
    expect((await ask(made, { subscribe: { channel: `backfill:${JOB}` } }))[0]?.error?.code).toBe(103);
  });

  test("refuses with 103 what is being set up meanwhile", async () => {
    const gate = Promise.withResolvers<void>();
    const made = await withToken(
      {},
      {
        resolve: async () => {
          await gate.promise;
          return resolve();
        },
      },
    );
    made.socket.received();
    made.send({ id: 2, subscribe: { channel: `backfill:${JOB}` } });
    await settle();
    await ask(made, { refresh: { token: token({ channels: ["backfill"] }) } });
    gate.resolve();
    await settle();
    expect(made.socket.received()[0]).toMatchObject({ id: 2, error: { code: 103 } });
    expect(made.hub.stats().subscriptions).toBe(0);
    expect(made.hub.listened(`backfill:${JOB}`)).toBe(false);
  });
});

describe("a subscription's own token", () => {
  const narrow = { channels: ["backfill"] };
  const channel = `backfill:${JOB}`;

  test("opens a channel beyond the connection's, and tells how long", async () => {
    const made = await withToken(narrow);
    expect((await ask(made, { subscribe: { channel } }))[0]?.error?.code).toBe(103);
    expect((await ask(made, { history: { channel } }))[0]?.error?.code).toBe(103);
    const [reply] = await ask(made, { subscribe: { channel, token: token({ until: 30_000 }) } });
    expect(reply?.subscribe).toMatchObject({ expires: true, ttl: 30, offset: 3 });
    expect((await ask(made, { history: { channel } }))[0]?.history?.offset).toBe(3);
  });

  test.each([
    [109, undefined],
    [103, undefined],
    [3500, 3500],
  ])("that is rejected with %i is answered so", async (reject, closed) => {
    const made = await withToken(narrow);
    const [reply] = await ask(made, { subscribe: { channel, token: token({ reject }) } });
    expect(made.socket.closed?.code).toBe(closed!);
    if (closed === undefined) expect(reply?.error?.code).toBe(reject);
    expect(made.hub.stats().subscriptions).toBe(0);
  });

  test("is refreshed, or the subscription ends with 2501 after the grace", async () => {
    const made = await withToken(narrow);
    await ask(made, { subscribe: { channel, token: token({ until: 30_000 }) } });
    await pass(made, 29_000);
    expect(await ask(made, { sub_refresh: { channel, token: token({ until: 60_000 }) } })).toEqual([
      { id: 9, sub_refresh: { expires: true, ttl: 31 } },
    ]);
    await pass(made, 31_000);
    expect((await ask(made, { history: { channel } }))[0]?.error?.code).toBe(109);
    expect(made.hub.stats().subscriptions).toBe(1);
    made.socket.received();
    await pass(made, 25_000);
    expect(made.socket.received().filter(({ push }) => push !== undefined)).toEqual([
      { push: { channel, unsubscribe: { code: 2501, reason: "subscription expired" } } },
    ]);
    expect(made.socket.closed).toBeUndefined();
    expect(made.hub.stats().subscriptions).toBe(0);
  });

  test("outlives a refresh of the connection that does not cover the channel", async () => {
    const made = await withToken({});
    await ask(made, { subscribe: { channel, token: token({}) } });
    await ask(made, { refresh: { token: token(narrow) } });
    expect(made.hub.stats().subscriptions).toBe(1);
  });

  test("cannot be refreshed where there is none, or with one that has ended", async () => {
    const made = await withToken({});
    const refresh = async (text: string) =>
      (await ask(made, { sub_refresh: { channel, token: text } }))[0]?.error;
    expect((await refresh(token({})))?.code).toBe(103);
    await ask(made, { subscribe: { channel } });
    expect((await refresh(token({})))?.code).toBe(107);
    await ask(made, { unsubscribe: { channel } });
    await ask(made, { subscribe: { channel, token: token({ until: 30_000 }) } });
    expect(await refresh(token({ reject: 109 }))).toEqual({ code: 109, message: "no", temporary: true });
    expect((await refresh(token({ reject: 103 })))?.code).toBe(103);
  });

  test("leaves no timer behind", async () => {
    const made = await withToken({ until: 500_000 });
    await ask(made, { subscribe: { channel, token: token({ until: 400_000 }) } });
    made.session.closed();
    expect(made.timers.pending).toBe(0);
  });
});

test("acceptEverybody, gives what has no end", async () => {
  expect(await acceptEverybody.refresh("", EVERYTHING)).toEqual({ kind: "accepted", grant: EVERYTHING });
});
