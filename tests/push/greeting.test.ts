import { describe, expect, test } from "bun:test";
import { EVERYTHING } from "../../src/protocol/mod.ts";
import {
  acceptEverybody,
  type ChannelSource,
  type Resolution,
  type StreamEvent,
} from "../../src/push/mod.ts";
import { JOB, makeHub, settle } from "./fakes.ts";

const events: readonly StreamEvent[] = Array.from({ length: 9 }, (_, at) => ({
  offset: at + 1,
  data: { n: at + 1 },
}));
const lossless: ChannelSource = {
  kind: "lossless",
  position: () => ({ epoch: "e", offset: events.length }),
  history: (since, limit) => events.slice(since, since + limit),
};
const conflated: ChannelSource = {
  kind: "conflated",
  current: () => ({ revision: 4, fields: { levels: { POC: 1 } } }),
};

function resolve(channel: { readonly kind: string }): Resolution {
  if (channel.kind === "levels") return { kind: "source", source: conflated };
  if (channel.kind === "gaps") return { kind: "later", message: "starting" };
  return channel.kind === "job"
    ? { kind: "unknown", message: "no such job" }
    : { kind: "source", source: lossless };
}

describe("connect with subs", () => {
  test("one command connects and subscribes, and publications follow", async () => {
    const { hub, peer } = makeHub({ resolve });
    const { socket, send } = peer();
    send({ id: 1, connect: { subs: { backfill: {}, "levels:BTCUSDT": {} } } });
    await settle();
    const standing = { recoverable: true, positioned: true, epoch: "e", offset: 9 };
    expect(socket.received()).toEqual([
      {
        id: 1,
        connect: {
          client: "client-1",
          version: "test",
          ping: 25,
          pong: true,
          subs: { backfill: standing, "levels:BTCUSDT": { data: { levels: { POC: 1 }, revision: 4 } } },
        },
      },
    ]);
    hub.publish("backfill", { offset: 10, data: { n: 10 } });
    expect(socket.received()).toEqual([
      { push: { channel: "backfill", pub: { data: { n: 10 }, offset: 10 } } },
    ]);
    send({ id: 2, subscribe: { channel: "backfill" } }, { id: 3, unsubscribe: { channel: "backfill" } });
    await settle();
    expect(socket.received()).toMatchObject([{ id: 2, error: { code: 105 } }, { id: 3 }]);
    expect(hub.stats().subscriptions).toBe(1);
  });

  test("what is published while a channel is slow to open follows the reply, in order with later commands", async () => {
    const gate = Promise.withResolvers<void>();
    const { hub, peer } = makeHub({
      resolve: async (channel) => {
        if (channel.kind === "levels") await gate.promise;
        return resolve(channel);
      },
    });
    const { socket, send } = peer();
    send({ id: 1, connect: { subs: { backfill: {}, "levels:BTCUSDT": {} } } });
    send({ id: 2, ping: {} });
    await settle();
    hub.publish("backfill", { offset: 10, data: 10 });
    hub.publish("backfill", { offset: 11, data: 11 });
    await settle();
    expect(socket.frames).toEqual([]);
    gate.resolve();
    await settle();
    expect(socket.received().map(({ id, push }) => id ?? push?.pub?.offset)).toEqual([1, 10, 11, 2]);
  });

  test("what cannot be subscribed is told as unsubscribed: 2000 for good, 2500 to come again", async () => {
    const { peer } = makeHub({
      resolve,
      authorizer: {
        ...acceptEverybody,
        connect: () => ({
          kind: "accepted",
          grant: {
            ...EVERYTHING,
            channels: new Set(["backfill", `backfill:${JOB}`, "gaps:binance:BTCUSDT"]),
          },
        }),
      },
    });
    const { socket, send } = peer();
    const subs = {
      backfill: {},
      weather: {},
      [`backfill:${JOB}`]: {},
      "levels:BTCUSDT": {},
      "gaps:BTCUSDT": {},
    };
    send({ id: 1, connect: { subs } });
    await settle();
    const [reply, ...pushes] = socket.received();
    expect(Object.keys(reply?.connect?.subs ?? {})).toEqual(["backfill"]);
    expect(pushes.map(({ push }) => [push?.channel, push?.unsubscribe?.code])).toEqual([
      ["weather", 2000],
      [`backfill:${JOB}`, 2000],
      ["levels:BTCUSDT", 2000],
      ["gaps:BTCUSDT", 2500],
    ]);
    expect(pushes[1]?.push?.unsubscribe?.reason).toBe("unknown channel: no such job");
  });

  test("recovers, and where that cannot be whole subscribes without and says so", async () => {
    const { peer } = makeHub({ resolve, limits: { ringEvents: 4 } });
    const connect = async (position: object) => {
      const { socket, send } = peer();
      send({ id: 1, connect: { subs: { backfill: { recover: true, ...position } } } });
      await settle();
      return socket.received()[0]?.connect?.subs?.["backfill"];
    };
    const whole = await connect({ offset: 2, epoch: "e" });
    expect(whole).toMatchObject({ was_recovering: true, recovered: true, offset: 2 });
    expect(whole?.publications?.map(({ offset }) => offset)).toEqual([3, 4, 5, 6, 7, 8, 9]);
    const lost = await connect({ offset: 2, epoch: "of another life" });
    expect(lost).toMatchObject({ was_recovering: true, recovered: false, offset: 9, epoch: "e" });
    expect(lost?.publications).toBeUndefined();
  });

  test("one reply carries only so much; the rest is told so, and is no subscription", async () => {
    const { hub, peer } = makeHub({ resolve, limits: { recoverCharsMax: 500 } });
    const { socket, send } = peer();
    const names = Array.from({ length: 20 }, (_, n) => `levels:S${n}`);
    send({ id: 1, connect: { subs: Object.fromEntries(names.map((name) => [name, {}])) } });
    for (let group = 0; group < 3; group++) await settle();
    const [reply, ...pushes] = socket.received();
    const joined = Object.keys(reply?.connect?.subs ?? {});
    const chars = Object.values(reply?.connect?.subs ?? {}).map((sub) => JSON.stringify(sub).length);
    expect(joined.length).toBeGreaterThan(8);
    expect(chars.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(500);
    expect(pushes).toHaveLength(20 - joined.length);
    expect(pushes.every(({ push }) => push?.unsubscribe?.code === 2000)).toBe(true);
    expect(hub.stats().subscriptions).toBe(joined.length);
  });

  test("more channels than a connection may have are refused", async () => {
    const { hub, peer } = makeHub({ resolve, limits: { subscriptionsMax: 2 } });
    const { socket, send } = peer();
    send({ id: 1, connect: { subs: { "levels:A": {}, "levels:B": {}, "levels:C": {} } } });
    await settle();
    expect(socket.received()[1]?.push).toMatchObject({ channel: "levels:C", unsubscribe: { code: 2000 } });
    expect(hub.stats().subscriptions).toBe(2);
  });

  test("a source that fails is reported and comes again; the others are there", async () => {
    const { peer, errors } = makeHub({
      resolve: (channel) => {
        if (channel.kind === "levels") throw new Error("no tape");
        return resolve(channel);
      },
    });
    const { socket, send } = peer();
    send({ id: 1, connect: { subs: { "levels:A": {}, backfill: {} } } });
    await settle();
    const [reply, push] = socket.received();
    expect(Object.keys(reply?.connect?.subs ?? {})).toEqual(["backfill"]);
    expect(push?.push?.unsubscribe?.code).toBe(2500);
    expect(errors).toEqual(["subscribing to levels:A: no tape"]);
  });

  test("a client that leaves meanwhile leaves nothing behind", async () => {
    const gate = Promise.withResolvers<void>();
    const { hub, peer, timers } = makeHub({
      resolve: async (channel) => {
        await gate.promise;
        return resolve(channel);
      },
    });
    const { socket, session, send } = peer();
    send({ id: 1, connect: { subs: { backfill: {} } } });
    await settle();
    session.closed();
    gate.resolve();
    await settle();
    expect([socket.frames, hub.listened("backfill"), timers.pending]).toEqual([[], false, 0]);
  });

  test("a subscription's own token that is refused with a close code closes", async () => {
    const { peer } = makeHub({
      resolve,
      authorizer: {
        ...acceptEverybody,
        subscription: () => ({ kind: "rejected", code: 3500, reason: "token of another key" }),
      },
    });
    const { socket, send } = peer();
    send({ id: 1, connect: { subs: { backfill: { token: "t" } } } });
    await settle();
    expect(socket.closed).toEqual({ code: 3500, reason: "token of another key" });
  });
});
