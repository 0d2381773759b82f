import { afterEach, describe, expect, test } from "bun:test";
import { Centrifuge, type Subscription } from "centrifuge";
import { applyChangedFields, EVERYTHING } from "../../src/protocol/mod.ts";
import { acceptEverybody } from "../../src/push/mod.ts";
import { type Served, serve, until, World } from "./push-fixture.ts";

/** The official client, unchanged, against the real server. */

const running: Served[] = [];
const clients: Centrifuge[] = [];

function started(...args: Parameters<typeof serve>): Served {
  const served = serve(...args);
  running.push(served);
  return served;
}

function client({ server }: Served, options: ConstructorParameters<typeof Centrifuge>[1] = {}): Centrifuge {
  const made = new Centrifuge(`${server.url.replace("http", "ws")}/connection/websocket`, {
    minReconnectDelay: 5,
    maxReconnectDelay: 20,
    ...options,
  });
  clients.push(made);
  return made;
}

function listen(subscription: Subscription) {
  const heard = {
    publications: [] as { data: unknown; offset: number | undefined }[],
    subscribed: [] as { recovered: boolean; wasRecovering: boolean; data: unknown }[],
    unsubscribed: [] as number[],
  };
  subscription.on("publication", ({ data, offset }) => heard.publications.push({ data, offset }));
  subscription.on("subscribed", ({ recovered, wasRecovering, data }) =>
    heard.subscribed.push({ recovered, wasRecovering, data }),
  );
  subscription.on("unsubscribed", ({ code }) => heard.unsubscribed.push(code));
  subscription.subscribe();
  return heard;
}

afterEach(async () => {
  for (const made of clients.splice(0)) made.disconnect();
  for (const served of running.splice(0)) await served.stop();
});

describe("the official centrifuge client", () => {
  test("connects, subscribes, receives and unsubscribes", async () => {
    const world = new World();
    const served = started(world);
    const centrifuge = client(served);
    centrifuge.connect();
    await centrifuge.ready();
    const levels = centrifuge.newSubscription("levels:BTCUSDT");
    const jobs = centrifuge.newSubscription("backfill");
    const [level, job] = [listen(levels), listen(jobs)];
    await Promise.all([levels.ready(), jobs.ready()]);
    let held = applyChangedFields({}, level.subscribed[0]?.data as object);
    world.state = { revision: 2, fields: { levels: { POC: 7, VWAP: 1.5 } } };
    served.hub.touch("levels:binance:BTCUSDT");
    served.hub.publish("backfill", world.commit({ to: "pending" }));
    await until(() => level.publications.length === 1 && job.publications.length === 1);
    held = applyChangedFields(held, level.publications[0]?.data as object);
    expect(held).toEqual({ levels: { POC: 7, VWAP: 1.5 }, revision: 2, previous_revision: 1 });
    expect(job.publications).toEqual([{ data: { to: "pending" }, offset: 1 }]);
    expect((await jobs.history({ limit: 10, since: { offset: 0, epoch: "e1" } })).publications).toHaveLength(
      1,
    );
    jobs.unsubscribe();
    await until(() => served.hub.stats().subscriptions === 1);
    served.hub.publish("backfill", world.commit({ to: "in_progress" }));
    jobs.subscribe();
    await until(() => job.publications.length === 2);
    expect(job.subscribed[1]).toMatchObject({ wasRecovering: true, recovered: true });
    expect(served.errors).toEqual([]);
  });

  test("reconnects to a restarted server and recovers what it missed, exactly once", async () => {
    const world = new World();
    let served = started(world);
    const centrifuge = client(served);
    centrifuge.connect();
    const heard = listen(centrifuge.newSubscription("backfill"));
    await until(() => heard.subscribed.length === 1);
    for (let round = 1; round <= 3; round++) {
      served.hub.publish("backfill", world.commit({ round, live: true }));
      await until(() => heard.publications.length === world.events.length);
      await served.stop();
      for (let n = 0; n < 5; n++) world.commit({ round, n });
      served = started(world, { port: served.server.port });
      await until(() => heard.publications.length === world.events.length);
      expect(heard.subscribed.at(-1)).toMatchObject({ wasRecovering: true, recovered: true });
    }
    expect(heard.publications.map(({ offset }) => offset)).toEqual(
      Array.from({ length: 18 }, (_, at) => at + 1),
    );
  });

  test("a conflated channel starts from a full set after a reconnect", async () => {
    const world = new World();
    const served = started(world);
    const centrifuge = client(served);
    centrifuge.connect();
    const heard = listen(centrifuge.newSubscription("levels:BTCUSDT"));
    await until(() => heard.subscribed.length === 1);
    await served.stop();
    world.state = { revision: 9, fields: { levels: { POC: 9 } } };
    started(world, { port: served.server.port });
    await until(() => heard.subscribed.length === 2);
    expect(heard.subscribed[1]?.data).toEqual({ levels: { POC: 9 }, revision: 9 });
  });

  test("is told with 112 that a history is gone, and getState() starts it over", async () => {
    const world = new World();
    const served = started(world);
    for (let n = 0; n < 3; n++) world.commit({ n });
    const centrifuge = client(served);
    centrifuge.connect();
    const plain = listen(
      centrifuge.newSubscription("backfill", { since: { offset: 1, epoch: "of another life" } }),
    );
    await until(() => plain.unsubscribed.length === 1);
    expect(plain.unsubscribed).toEqual([112]);
    centrifuge.removeSubscription(centrifuge.getSubscription("backfill"));
    const states = [
      { offset: 1, epoch: "of another life" },
      { offset: 2, epoch: "e1" },
    ];
    const heard = listen(
      centrifuge.newSubscription("backfill", {
        getState: async () => states.shift()!,
        minResubscribeDelay: 1,
      }),
    );
    await until(() => heard.publications.length === 1);
    expect(heard.publications.map(({ offset }) => offset)).toEqual([3]);
    expect(states).toEqual([]);
  });

  test("stays connected through pings, and hears of an unknown channel", async () => {
    const served = started(new World(), { limits: { pingMs: 30, pongMs: 2_000 } });
    const centrifuge = client(served);
    let disconnects = 0;
    centrifuge.on("connecting", () => disconnects++);
    centrifuge.connect();
    await centrifuge.ready();
    const heard = listen(centrifuge.newSubscription("levels:UNKNOWN"));
    await until(() => heard.unsubscribed.length === 1);
    expect(heard.unsubscribed).toEqual([102]);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(centrifuge.state as string).toBe("connected");
    expect(disconnects).toBe(1);
  });

  test("subscribes to as many channels as are allowed, in one message", async () => {
    const served = started(new World());
    const centrifuge = client(served);
    const heard = Array.from({ length: 128 }, (_, n) => listen(centrifuge.newSubscription(`levels:S${n}`)));
    centrifuge.connect();
    await until(() => heard.every(({ subscribed }) => subscribed.length === 1));
    expect(served.hub.stats()).toMatchObject({ connections: 1, subscriptions: 128 });
  });

  test("stays away after a rejected token, and comes back after a shutdown", async () => {
    const world = new World();
    const served = started(world, {
      authorizer: {
        ...acceptEverybody,
        connect: ({ token }) =>
          token === "good"
            ? { kind: "accepted", grant: EVERYTHING }
            : { kind: "rejected", code: 3500, reason: "invalid token" },
      },
    });
    const refused = client(served, { token: "bad" });
    let code = 0;
    refused.on("disconnected", (context) => {
      code = context.code;
    });
    refused.connect();
    await until(() => code !== 0);
    expect(code).toBe(3500);
    const accepted = client(served, { token: "good" });
    const reasons: number[] = [];
    accepted.on("connecting", (context) => reasons.push(context.code));
    accepted.connect();
    await accepted.ready();
    await served.stop();
    await until(() => reasons.length >= 2);
    expect(reasons[1]).toBe(3001);
  });
});
