import { describe, expect, test } from "bun:test";
import { FakeSocket, makeHub, settle } from "./fakes.ts";

const resolve = () =>
  ({
    kind: "source",
    source: { kind: "lossless", position: () => ({ epoch: "e", offset: 0 }), history: () => [] },
  }) as const;

describe("PushHub", () => {
  test("accept() refuses beyond the limit and takes again when one has left", () => {
    const { hub, peer } = makeHub({ resolve, limits: { connectionsMax: 2 } });
    const first = peer();
    peer();
    expect(hub.accepting).toBe(false);
    expect(peer).toThrow();
    first.session.closed();
    peer();
    expect(hub.stats().connections).toBe(2);
  });

  test("accept() refuses while too many have not connected, and says when each has ended", async () => {
    const { hub, peer, connected } = makeHub({ resolve, limits: { unconnectedMax: 2 } });
    await connected();
    const waiting = [peer(), peer()];
    expect(hub.accepting).toBe(false);
    waiting[0]!.send({ id: 1, connect: {} });
    await settle();
    expect(hub.accepting).toBe(true);
    let ends = 0;
    const session = hub.accept(new FakeSocket(), () => ends++);
    expect(hub.accepting).toBe(false);
    session?.closed();
    session?.closed();
    waiting[1]!.session.closed();
    expect([hub.accepting, ends]).toEqual([true, 1]);
  });

  test("close() spreads 3001 over the time it is given, refuses newcomers, and leaves no timer", async () => {
    const { hub, connected, timers } = makeHub({ resolve });
    const peers = [await connected(), await connected(), await connected(), await connected()];
    peers[0]!.send({ id: 2, subscribe: { channel: "backfill" } });
    await settle();
    let done = false;
    void hub.close(1_000).then(() => {
      done = true;
    });
    expect(hub.accepting).toBe(false);
    const closed = () => peers.filter(({ socket }) => socket.closed?.code === 3001).length;
    await timers.advance(0);
    expect(closed()).toBe(1);
    await timers.advance(500);
    expect([closed(), done]).toEqual([3, false]);
    await timers.advance(500);
    expect([closed(), done]).toEqual([4, true]);
    expect(timers.pending).toBe(0);
    expect(hub.stats().connections).toBe(0);
    await hub.close();
  });

  test("publishing to a channel nobody has ever listened to does nothing", async () => {
    const { hub, timers } = makeHub({ resolve });
    hub.publish("backfill", { offset: 7, data: {} });
    hub.touch("levels:binance:BTCUSDT");
    hub.progress("backfill", {});
    expect(timers.pending).toBe(0);
  });

  test("only the most recent idle lossless channels keep their events", async () => {
    let positions = 0;
    const { connected } = makeHub({
      limits: { idleChannelsMax: 2 },
      resolve: () => ({
        kind: "source",
        source: {
          kind: "lossless",
          position: () => {
            positions += 1;
            return { epoch: "e", offset: 0 };
          },
          history: () => [],
        },
      }),
    });
    const { send } = await connected();
    const job = (n: number) => `backfill:01890a5d-ac96-774b-bcce-b302099a805${n}`;
    const visit = async (n: number) => {
      send({ id: 2, subscribe: { channel: job(n) } }, { id: 3, unsubscribe: { channel: job(n) } });
      await settle();
    };
    for (const n of [1, 2, 3]) await visit(n);
    expect(positions).toBe(3);
    await visit(3);
    await visit(2);
    expect(positions).toBe(3);
    await visit(1);
    expect(positions).toBe(4);
  });
});
