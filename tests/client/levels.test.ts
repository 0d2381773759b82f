import { afterEach, describe, expect, test } from "bun:test";
import { type LevelSet, Tapeline, TapelineError } from "../../src/client/mod.ts";
import { changedFields, levelSetToWire, type WireLevelSet } from "../../src/protocol/mod.ts";
import { someLevelSet } from "../protocol/known-sets.ts";
import { until } from "../support/until.ts";
import { FakePush, type SubscribeAnswer } from "./fake-push.ts";

const CHANNEL = "levels:BTCUSDT";

const clients: Tapeline[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

function setOf(revision: number, change: Partial<WireLevelSet> = {}): WireLevelSet {
  return { ...levelSetToWire(someLevelSet({ revision }), null), ...change };
}

/** A server whose channel holds a set that the test moves, as a client sees it. */
class Bench {
  held = setOf(7);
  readonly push: FakePush;
  readonly tapeline: Tapeline;

  constructor(answer?: () => SubscribeAnswer) {
    this.push = new FakePush(answer ?? (() => ({ subscribe: { data: this.held } })));
    this.tapeline = new Tapeline("http://fake.invalid", { WebSocket: this.push.WebSocket });
    clients.push(this.tapeline);
  }

  /** The next set, as the frame that makes it of the one before. */
  move(newer: WireLevelSet, previous: number | null = this.held.revision): void {
    this.push.publish(CHANNEL, { ...changedFields(this.held, newer), previous_revision: previous });
    this.held = newer;
  }
}

function caught(thrown: unknown): TapelineError {
  if (thrown instanceof TapelineError) return thrown;
  throw thrown;
}

describe("levels()", () => {
  test("gives the whole set first, then each change merged into a new set that nobody can alter", async () => {
    const bench = new Bench();
    const sets: LevelSet[] = [];
    const stop = bench.tapeline.levels("BTCUSDT").on((set) => sets.push(set));
    await until("the first set", () => sets.length === 1);
    bench.move(setOf(8, { bounds: { POC: [100, 101] }, trade_count: 9 }));
    await until("the second set", () => sets.length === 2);
    bench.move(setOf(9, { precision: "PRECISE" }));
    await until("the third set", () => sets.length === 3);
    // Bounds that are gone are gone, as in a set that was read whole.
    expect(sets).toEqual([setOf(7), setOf(8, { bounds: { POC: [100, 101] }, trade_count: 9 }), bench.held]);
    expect(new Set(sets).size).toBe(3);
    expect(sets.every((set) => Object.isFrozen(set) && Object.isFrozen(set.levels))).toBe(true);
    expect(bench.tapeline.levels("BTCUSDT").state).toBe(sets[2]);
    stop();
    expect(bench.tapeline.levels("BTCUSDT").state).toBeUndefined();
  });

  test("a slow loop gets the newest set and none of those between", async () => {
    const bench = new Bench();
    const seen: number[] = [];
    for await (const { revision } of bench.tapeline.levels("BTCUSDT")) {
      seen.push(revision);
      if (revision === 100) break;
      for (let next = 8; next <= 100; next++) bench.move(setOf(next));
      await until("all frames to be heard", () => bench.tapeline.levels("BTCUSDT").state?.revision === 100);
    }
    expect(seen).toEqual([7, 100]);
  });

  test("several followers share one subscription, and the last one to leave ends it", async () => {
    const bench = new Bench();
    const first = bench.tapeline.levels("BTCUSDT");
    expect((await first.first()).revision).toBe(7);
    const stops = [first.on(() => undefined), bench.tapeline.levels("BTCUSDT").on(() => undefined)];
    for await (const set of first) {
      expect(set.revision).toBe(7);
      break;
    }
    stops[0]?.();
    await bench.push.subscribedTo(CHANNEL);
    const before = bench.push.left.length;
    stops[1]?.();
    await until("the channel to be left", () => bench.push.left.length === before + 1);
    // The first wait had left already, so it was subscribed twice in all.
    expect(bench.push.asked.map(({ channel }) => channel)).toEqual([CHANNEL, CHANNEL]);
    expect(bench.push.urls).toEqual(["ws://fake.invalid/connection/websocket"]);
  });

  test("a named session is a channel of its own", async () => {
    const bench = new Bench();
    await bench.tapeline.levels("BTCUSDT", { session: "2026-01-02" }).first();
    expect(bench.push.asked).toMatchObject([{ channel: "levels:BTCUSDT@2026-01-02" }]);
  });

  test("a frame that does not build on what is held is not merged: the whole set is asked for again", async () => {
    const bench = new Bench();
    const revisions: number[] = [];
    bench.tapeline.levels("BTCUSDT").on(({ revision }) => revisions.push(revision));
    await until("the first set", () => revisions.length === 1);
    bench.held = setOf(20);
    bench.push.publish(CHANNEL, { revision: 20, previous_revision: 19, precision: "?" });
    await bench.push.subscribedTo(CHANNEL, 2);
    await until("the set that was read anew", () => revisions.length === 2);
    expect(revisions).toEqual([7, 20]);
    expect(bench.tapeline.levels("BTCUSDT").state).toEqual(setOf(20));
  });

  test("a frame without a previous revision is a whole set", async () => {
    const bench = new Bench();
    const sets: LevelSet[] = [];
    bench.tapeline.levels("BTCUSDT").on((set) => sets.push(set));
    await until("the first set", () => sets.length === 1);
    bench.push.publish(CHANNEL, { ...setOf(1), previous_revision: null });
    await until("the second set", () => sets.length === 2);
    expect(sets[1]).toEqual(setOf(1));
  });

  test("after a lost connection the set is whole again, and the same loop goes on", async () => {
    const bench = new Bench();
    const statuses: string[] = [];
    bench.tapeline.onStatus(({ state }) => statuses.push(state));
    const revisions: number[] = [];
    for await (const { revision } of bench.tapeline.levels("BTCUSDT")) {
      revisions.push(revision);
      if (revision === 30) break;
      bench.held = setOf(30);
      bench.push.close(3001, "shutdown");
    }
    expect(revisions).toEqual([7, 30]);
    expect(statuses).toEqual(["connecting", "connected", "connecting", "connected"]);
    await until("the connection to be given up", () => bench.tapeline.status.state === "disconnected");
    expect(bench.push.connected).toBe(false);
  });

  test("an unknown symbol ends a loop, a listener and a wait in an error that says so", async () => {
    const bench = new Bench(() => ({ error: { code: 102, message: "unknown channel: NOPE" } }));
    const levels = bench.tapeline.levels("NOPE");
    const loop = async () => {
      for await (const set of levels) throw new Error(`a set came: ${set.symbol}`);
    };
    const listened = new Promise((resolve) => levels.on(() => undefined, { onError: resolve }));
    const errors = [await loop().catch(caught), await listened, await levels.first().catch(caught)];
    for (const error of errors)
      expect(error).toMatchObject({ name: "TapelineError", kind: "unknown", code: 102 });
    expect(String(errors[0])).toContain("levels:NOPE: unknown channel: NOPE");
  });

  test("what is there later is waited for", async () => {
    let asked = 0;
    const bench = new Bench(() =>
      asked++ === 0
        ? { error: { code: 108, message: "not available yet", temporary: true } }
        : { subscribe: { data: setOf(7) } },
    );
    expect((await bench.tapeline.levels("BTCUSDT").first()).revision).toBe(7);
  });

  test("a set of another form is refused and names the field", async () => {
    const bench = new Bench(() => ({ subscribe: { data: { ...setOf(7), precision: 5 } } }));
    const error = await bench.tapeline.levels("BTCUSDT").first().catch(caught);
    expect(error).toMatchObject({ kind: "foreign" });
    expect(String(error)).toContain("precision");
  });

  test("first(), gives up after its time, and leaves the channel", async () => {
    const bench = new Bench(() => ({ error: { code: 108, message: "not yet", temporary: true } }));
    const error = await bench.tapeline.levels("BTCUSDT", { timeoutMs: 20 }).first().catch(caught);
    expect(error).toMatchObject({ kind: "timeout" });
    const loop = async () => {
      for await (const set of bench.tapeline.levels("BTCUSDT", { timeoutMs: 20 })) return set;
      return undefined;
    };
    expect(await loop().catch(caught)).toMatchObject({ kind: "timeout" });
    await until("the connection to be given up", () => bench.tapeline.status.state === "disconnected");
  });

  test("until(), waits for a set of which something holds", async () => {
    const bench = new Bench();
    const waited = bench.tapeline
      .levels("BTCUSDT")
      .until(({ precision }) => precision === "PRECISE", { timeoutMs: 10_000 });
    await until("a set", () => bench.tapeline.levels("BTCUSDT").state !== undefined);
    bench.move(setOf(8));
    bench.move(setOf(9, { precision: "PRECISE" }));
    expect((await waited).revision).toBe(9);
  });

  test("a signal ends loops and waits with its reason", async () => {
    const bench = new Bench();
    const stop = new AbortController();
    const levels = bench.tapeline.levels("BTCUSDT", { signal: stop.signal });
    const loop = async () => {
      for await (const set of levels) if (set.revision === 7) stop.abort(new Error("enough"));
    };
    expect(await loop().catch(String)).toBe("Error: enough");
    expect(await levels.first().catch(String)).toBe("Error: enough");
    await until("the channel to be left", () => bench.push.left.length === 1);
  });

  test("close(), ends loops, and says so to waits", async () => {
    const bench = new Bench();
    const levels = bench.tapeline.levels("BTCUSDT");
    const wait = levels.until(() => false, { timeoutMs: 10_000 }).catch(caught);
    let sets = 0;
    for await (const _ of levels) {
      sets += 1;
      bench.tapeline.close();
    }
    expect(sets).toBe(1);
    expect(await wait).toMatchObject({ kind: "closed" });
    expect(() => bench.tapeline.levels("BTCUSDT")).toThrow("closed");
    expect(bench.tapeline.status).toEqual({ state: "disconnected", reason: "the client was closed" });
  });
});

describe("the connection", () => {
  test("a refused token ends everything that is followed, and the next follower tries again", async () => {
    const bench = new Bench();
    bench.push.refusals.push({ code: 3500, reason: "invalid token" });
    const error = await bench.tapeline.levels("BTCUSDT").first().catch(caught);
    expect(error).toMatchObject({ kind: "unauthorized", code: 3500 });
    expect(bench.tapeline.status).toEqual({
      state: "disconnected",
      reason: "invalid token (code 3500)",
    });
    expect((await bench.tapeline.levels("BTCUSDT").first()).revision).toBe(7);
  });

  test("a token is sent as it is; a getter is asked, and again when the token has run out", async () => {
    const fixed = new Bench();
    const push = fixed.push;
    const plain = new Tapeline("http://fake.invalid", { WebSocket: push.WebSocket, token: "fixed" });
    let made = 0;
    const getter = new Tapeline("http://fake.invalid/", {
      WebSocket: push.WebSocket,
      token: async () => `token ${++made}`,
    });
    clients.push(plain, getter);
    await plain.levels("BTCUSDT").first();
    push.refusals.push({ code: 109, reason: "token expired" });
    await getter.levels("BTCUSDT").first();
    expect(push.tokens).toEqual(["fixed", "token 1", "token 2"]);
  });

  test("a getter that fails is told by the status and asked again", async () => {
    const push = new FakePush(() => ({ subscribe: { data: setOf(7) } }));
    let asked = 0;
    const tapeline = new Tapeline("http://fake.invalid", {
      WebSocket: push.WebSocket,
      token: () => {
        if (asked++ === 0) throw new Error("the vault is locked");
        return "key";
      },
    });
    clients.push(tapeline);
    const reasons: string[] = [];
    tapeline.onStatus(({ reason }) => reasons.push(reason));
    await tapeline.levels("BTCUSDT").first();
    expect(reasons.some((reason) => reason.includes("the vault is locked"))).toBe(true);
    expect(push.tokens).toEqual(["key"]);
  });

  test("an address that is none is refused at once", () => {
    expect(() => new Tapeline("127.0.0.1:8080")).toThrow("http://127.0.0.1:8080");
    expect(() => new Tapeline()).toThrow("name the server");
  });
});
