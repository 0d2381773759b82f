import { afterEach, describe, expect, test } from "bun:test";
import { Centrifuge } from "centrifuge";
import { EVERYTHING } from "../../src/protocol/mod.ts";
import type { Authorizer } from "../../src/push/mod.ts";
import { type Served, serve, until, World } from "./push-fixture.ts";

/** Tokens of the official client, unchanged, that end while it is connected. */

const running: Served[] = [];
const clients: Centrifuge[] = [];

/** Tokens are JSON: until when (ms since the epoch), and for which channels. */
interface Told {
  readonly until: number;
  readonly channels?: readonly string[];
}

function accept(text: string) {
  const { until: end, channels }: Told = JSON.parse(text);
  if (end <= Date.now()) return { kind: "rejected", code: 109, reason: "token expired" } as const;
  const named = channels === undefined ? undefined : new Set(channels);
  return { kind: "accepted", grant: { ...EVERYTHING, expiresAtMs: end, channels: named } } as const;
}

const authorizer: Authorizer = {
  connect: ({ token }) => accept(token),
  refresh: (token) => accept(token),
  subscription: (token) => {
    const answer = accept(token);
    return answer.kind === "rejected" ? answer : { kind: "accepted", expiresAtMs: answer.grant.expiresAtMs };
  },
};

function client({ server }: Served, getToken: () => Promise<string>): Centrifuge {
  const made = new Centrifuge(`${server.url.replace("http", "ws")}/connection/websocket`, {
    minReconnectDelay: 5,
    maxReconnectDelay: 20,
    getToken,
  });
  clients.push(made);
  return made;
}

function started(options: Parameters<typeof serve>[1]): Served {
  const served = serve(new World(), { authorizer, ...options });
  running.push(served);
  return served;
}

afterEach(async () => {
  for (const made of clients.splice(0)) made.disconnect();
  for (const served of running.splice(0)) await served.stop();
});

describe("the official centrifuge client", () => {
  test("refreshes its connection before the token ends, and stays connected", async () => {
    const served = started({ limits: { expiredGraceMs: 20_000 } });
    const tokens: number[] = [];
    const centrifuge = client(served, async () => {
      tokens.push(Date.now());
      return JSON.stringify({ until: Date.now() + (tokens.length < 3 ? 2_500 : 600_000) });
    });
    let connecting = 0;
    centrifuge.on("connecting", () => connecting++);
    centrifuge.connect();
    await until(() => tokens.length === 3);
    // The third token has to be taken by the server: nothing new may be read with the second one for long.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await centrifuge.history("backfill", { limit: 1 });
    expect(connecting).toBe(1);
    expect(served.errors).toEqual([]);
  }, 30_000);

  test("comes back with a new token after it was closed as expired", async () => {
    const served = started({ limits: { expiredGraceMs: 0 } });
    let given = 0;
    const centrifuge = client(served, async () => {
      given += 1;
      if (given === 2) await new Promise((resolve) => setTimeout(resolve, 2_500));
      return JSON.stringify({ until: Date.now() + (given < 2 ? 1_500 : 600_000) });
    });
    const codes: number[] = [];
    centrifuge.on("connecting", ({ code }) => codes.push(code));
    const jobs = centrifuge.newSubscription("backfill");
    let subscribed = 0;
    jobs.on("subscribed", () => subscribed++);
    jobs.subscribe();
    centrifuge.connect();
    await until(() => subscribed === 2);
    expect(codes[1]).toBe(3005);
    expect(codes.length).toBeLessThan(6);
  }, 30_000);

  test("refreshes a subscription's own token, and subscribes anew when it came too late", async () => {
    const served = started({ limits: { expiredGraceMs: 0 } });
    const centrifuge = client(served, async () =>
      JSON.stringify({ until: Date.now() + 600_000, channels: [] }),
    );
    const given: number[] = [];
    const jobs = centrifuge.newSubscription("backfill", {
      minResubscribeDelay: 5,
      maxResubscribeDelay: 20,
      getToken: async () => {
        given.push(Date.now());
        if (given.length === 3) await new Promise((resolve) => setTimeout(resolve, 2_500));
        return JSON.stringify({ until: Date.now() + (given.length < 3 ? 1_500 : 600_000) });
      },
    });
    const codes: number[] = [];
    let subscribed = 0;
    jobs.on("subscribing", ({ code }) => codes.push(code));
    jobs.on("subscribed", () => subscribed++);
    jobs.subscribe();
    centrifuge.connect();
    await until(() => subscribed === 2);
    // Once refreshed in time; the second refresh came too late.
    expect(given.length).toBeGreaterThanOrEqual(3);
    expect(codes).toContain(2501);
    expect(served.hub.stats()).toMatchObject({ connections: 1, subscriptions: 1 });
  }, 30_000);

  test("is told when a new token does not cover a channel any more", async () => {
    const served = started({});
    let given = 0;
    const centrifuge = client(served, async () => {
      given += 1;
      const channels = given === 1 ? ["backfill", "levels:binance:BTCUSDT"] : ["levels:binance:BTCUSDT"];
      return JSON.stringify({ until: Date.now() + (given === 1 ? 1_500 : 600_000), channels });
    });
    const jobs = centrifuge.newSubscription("backfill");
    const levels = centrifuge.newSubscription("levels:BTCUSDT");
    const ended: number[] = [];
    jobs.on("unsubscribed", ({ code }) => ended.push(code));
    jobs.subscribe();
    levels.subscribe();
    centrifuge.connect();
    await until(() => ended.length === 1);
    expect(ended).toEqual([2000]);
    expect(levels.state as string).toBe("subscribed");
    expect(centrifuge.state as string).toBe("connected");
  }, 30_000);

  test("reads history backwards", async () => {
    const world = new World();
    for (let n = 1; n <= 5; n++) world.commit({ n });
    const served = serve(world);
    running.push(served);
    const centrifuge = client(served, async () => "");
    centrifuge.connect();
    const { publications } = await centrifuge.history("backfill", { limit: 2, reverse: true });
    expect(publications.map(({ offset }) => offset)).toEqual([5, 4]);
  });
});
