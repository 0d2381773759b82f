import { afterEach, describe, expect, test } from "bun:test";
import { EVENTS_WAITING_MAX, placeEvent } from "../../src/client/event-stream.ts";
import { type StreamUpdate, Tapeline, TapelineError, type WireGapChange } from "../../src/client/mod.ts";
import { until } from "../support/until.ts";
import { FakePush } from "./fake-push.ts";

const CHANNEL = "gaps:BTCUSDT";
const clients: Tapeline[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

function gap(minutes: number): WireGapChange {
  return {
    symbol: "binance:BTCUSDT",
    change: "found",
    from: "2026-01-02T08:11:00.000Z",
    to: "2026-01-02T08:13:00.000Z",
    minutes,
    reason: "not_received",
    at: "2026-01-02T08:13:01.204Z",
  };
}

/** The channel of a symbol's gaps. Events are told apart by their minutes, which are their offsets. */
class Bench {
  offset = 3;
  epoch = "e1";
  readonly events: { readonly offset: number; readonly data: unknown }[] = [];
  readonly push: FakePush;
  readonly tapeline: Tapeline;
  readonly updates: StreamUpdate<WireGapChange>[] = [];

  constructor() {
    this.push = new FakePush(({ recover, offset, epoch }) => {
      const position = { recoverable: true, positioned: true, epoch: this.epoch };
      if (recover !== true) return { subscribe: { ...position, offset: this.offset } };
      if (epoch !== this.epoch) return { error: { code: 112, message: "unrecoverable position" } };
      const publications = this.events.filter((event) => event.offset > Number(offset));
      return { subscribe: { ...position, offset, was_recovering: true, recovered: true, publications } };
    });
    this.tapeline = new Tapeline("http://fake.invalid", { WebSocket: this.push.WebSocket });
    clients.push(this.tapeline);
  }

  /** Follows the gaps into `updates`. */
  async follow(): Promise<{ readonly followed: Promise<void> }> {
    const followed = (async () => {
      for await (const update of this.tapeline.gaps("BTCUSDT")) this.updates.push(update);
    })();
    followed.catch(() => undefined);
    await until("the start", () => this.updates.length > 0);
    return { followed };
  }

  /** Another event; told only while `told`. */
  happen({ told = true } = {}): void {
    this.offset += 1;
    const data = gap(this.offset);
    this.events.push({ offset: this.offset, data });
    if (told) this.push.publish(CHANNEL, data, this.offset);
  }

  async heard(...expected: (string | number)[]): Promise<void> {
    await until("the updates", () => this.updates.length >= expected.length);
    expect(named(this.updates)).toEqual(expected);
  }
}

function named(updates: readonly StreamUpdate<WireGapChange>[]): (string | number)[] {
  return updates.map((update) =>
    update.kind === "event" ? update.event.minutes : update.startedOver ? "start anew" : "start",
  );
}

describe("gaps()", () => {
  test("says when it has started, then gives each event, which nobody can alter", async () => {
    const bench = new Bench();
    await bench.follow();
    bench.happen();
    bench.happen();
    await bench.heard("start", 4, 5);
    expect(bench.updates[1]).toEqual({ kind: "event", event: gap(4) });
    expect(bench.updates.every((of) => of.kind === "start" || Object.isFrozen(of.event))).toBe(true);
  });

  test("what was missed while the connection was away is recovered, once and in order", async () => {
    const bench = new Bench();
    await bench.follow();
    bench.happen();
    await bench.heard("start", 4);
    bench.push.close(3001, "shutdown");
    bench.happen({ told: false });
    bench.happen({ told: false });
    await bench.heard("start", 4, 5, 6);
    bench.happen();
    await bench.heard("start", 4, 5, 6, 7);
  });

  test("where that cannot be, it starts over, and says so", async () => {
    const bench = new Bench();
    await bench.follow();
    bench.happen();
    await bench.heard("start", 4);
    bench.epoch = "e2";
    bench.offset = 0;
    bench.push.close(3001, "shutdown");
    await bench.heard("start", 4, "start anew");
    bench.happen();
    await bench.heard("start", 4, "start anew", 1);
  });

  test("a hole in the offsets is never passed over, and what comes twice is told once", async () => {
    const bench = new Bench();
    await bench.follow();
    bench.happen();
    bench.push.publish(CHANNEL, gap(4), 4);
    bench.happen({ told: false });
    bench.happen();
    await bench.heard("start", 4, "start anew");
    bench.happen();
    await bench.heard("start", 4, "start anew", 7);
  });

  test("a second follower joins where the first one is; the last one leaves the channel", async () => {
    const bench = new Bench();
    await bench.follow();
    bench.happen();
    await bench.heard("start", 4);
    const heard: StreamUpdate<WireGapChange>[] = [];
    const stop = bench.tapeline.gaps("BTCUSDT").on((update) => heard.push(update));
    bench.happen();
    await until("the event", () => heard.length === 2);
    expect(named(heard)).toEqual(["start", 5]);
    expect(bench.push.asked).toHaveLength(1);
    stop();
    bench.happen();
    await bench.heard("start", 4, 5, 6);
    expect(heard).toHaveLength(2);
  });

  test("until(), waits for the event that is meant, and no longer than it may", async () => {
    const bench = new Bench();
    const gaps = bench.tapeline.gaps("BTCUSDT");
    const found = gaps.until(({ minutes }) => minutes === 5, { timeoutMs: 10_000 });
    await bench.push.subscribedTo(CHANNEL);
    await until("the connection", () => bench.tapeline.status.state === "connected");
    bench.happen();
    bench.happen();
    expect(await found).toEqual(gap(5));
    expect(await gaps.until(() => false, { timeoutMs: 30 }).catch(kindOf)).toBe("timeout");
    await until("the channel to be left", () => bench.push.left.length > 0);
  });

  test("close() ends a loop, and a wait in an error; a signal ends a loop with its reason", async () => {
    const bench = new Bench();
    const stop = new AbortController();
    const loop = async () => {
      for await (const _ of bench.tapeline.gaps("BTCUSDT", { signal: stop.signal }))
        stop.abort(new Error("enough"));
    };
    expect(await loop().catch(String)).toBe("Error: enough");
    const { followed } = await bench.follow();
    const wait = bench.tapeline.gaps("BTCUSDT").until(() => false, { timeoutMs: 10_000 });
    bench.tapeline.close();
    expect([await followed, await wait.catch(kindOf)]).toEqual([undefined, "closed"]);
  });

  test("what is no such event ends it in an error that names the field", async () => {
    const bench = new Bench();
    const { followed } = await bench.follow();
    bench.push.publish(CHANNEL, { ...gap(4), change: "exploded" }, 4);
    const error: unknown = await followed.catch((thrown: unknown) => thrown);
    expect(kindOf(error)).toBe("foreign");
    expect(String(error)).toContain("change");
  });

  test("a symbol that the server does not know ends it in an error", async () => {
    const push = new FakePush(() => ({ error: { code: 102, message: "unknown channel" } }));
    const tapeline = new Tapeline("http://fake.invalid", { WebSocket: push.WebSocket });
    clients.push(tapeline);
    const failed = new Promise((resolve) =>
      tapeline.gaps("NOSUCH").on(() => undefined, { onError: resolve }),
    );
    expect(kindOf(await failed)).toBe("unknown");
  });
});

test("jobs(), gives every transition of every job", async () => {
  const push = new FakePush(() => ({
    subscribe: { recoverable: true, positioned: true, epoch: "e", offset: 7 },
  }));
  const tapeline = new Tapeline("http://fake.invalid", { WebSocket: push.WebSocket });
  clients.push(tapeline);
  const heard: string[] = [];
  tapeline
    .jobs()
    .on((update) =>
      heard.push(update.kind === "event" ? `${update.event.job_id} ${update.event.to}` : update.kind),
    );
  await until("the start", () => heard.length === 1);
  const moved = { from: "idle", to: "pending", status: "pending", progress_pct: 0, at: gap(1).at };
  push.publish("backfill", { job_id: "a", ...moved }, 8);
  push.publish("backfill", { job_id: "b", ...moved }, 9);
  await until("both", () => heard.length === 3);
  expect(heard).toEqual(["start", "a pending", "b pending"]);
});

test("placeEvent(), keeps every event, and refuses what would make a hole", () => {
  const waiting: StreamUpdate<number>[] = [];
  for (let event = 0; event < EVENTS_WAITING_MAX; event++) placeEvent(waiting, { kind: "event", event });
  expect(() => placeEvent(waiting, { kind: "event", event: 0 })).toThrow("wait to be read");
  expect(waiting).toHaveLength(EVENTS_WAITING_MAX);
});

function kindOf(thrown: unknown): string {
  return thrown instanceof TapelineError ? thrown.kind : String(thrown);
}
