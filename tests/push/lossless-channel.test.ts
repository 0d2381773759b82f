import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import type { LosslessSource, StreamEvent } from "../../src/push/mod.ts";
import { JOB, makeHub, type Peer, publications, settle } from "./fakes.ts";

/** An event table: what is committed can be read; publishing is separate, as in the app. */
class EventTable implements LosslessSource {
  readonly kind = "lossless";
  epoch = "e1";
  /** Offsets up to this one have been deleted. */
  trimmed = 0;
  readonly events: StreamEvent[] = [];
  reads = 0;
  /** Awaited by every read, so that a test decides when reads happen. */
  gate: () => Promise<void> | void = () => undefined;

  commit(data: unknown = { n: this.events.length + 1 }): StreamEvent {
    const event = { offset: this.events.length + 1, data };
    this.events.push(event);
    return event;
  }

  async position() {
    await this.gate();
    return { epoch: this.epoch, offset: this.events.length };
  }

  async history(since: number, limit: number) {
    this.reads += 1;
    await this.gate();
    return this.events.filter(({ offset }) => offset > Math.max(since, this.trimmed)).slice(0, limit);
  }
}

function hubOver(table: EventTable, limits = {}) {
  return makeHub({ resolve: () => ({ kind: "source", source: table }), limits });
}

const offsets = (frames: Parameters<typeof publications>[0]) =>
  publications(frames).map(({ offset }) => offset);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);

describe("lossless channel", () => {
  test("subscribe answers position and epoch, and events follow with contiguous offsets", async () => {
    const table = new EventTable();
    table.commit();
    const { hub, connected } = hubOver(table);
    const { socket, send } = await connected();
    send({ id: 2, subscribe: { channel: "backfill" } });
    await settle();
    expect(socket.received()).toEqual([
      { id: 2, subscribe: { recoverable: true, positioned: true, epoch: "e1", offset: 1 } },
    ]);
    hub.publish("backfill", table.commit());
    hub.publish("backfill", table.commit({ s: "x" }));
    expect(publications(socket.received())).toEqual([
      { data: { n: 2 }, offset: 2 },
      { data: { s: "x" }, offset: 3 },
    ]);
    expect(table.reads).toBe(0);
  });

  test("recovery from memory gives what was missed and reads no history", async () => {
    const table = new EventTable();
    const { hub, connected } = hubOver(table);
    const first = await connected();
    first.send({ id: 2, subscribe: { channel: "backfill" } });
    await settle();
    first.session.closed();
    for (let n = 0; n < 5; n++) hub.publish("backfill", table.commit());
    const { socket, send } = await connected();
    send({ id: 2, subscribe: { channel: "backfill", recover: true, offset: 2, epoch: "e1" } });
    await settle();
    const [reply] = socket.received();
    expect(reply?.subscribe).toMatchObject({ was_recovering: true, recovered: true, offset: 2 });
    expect(reply?.subscribe?.publications?.map(({ offset }) => offset)).toEqual([3, 4, 5]);
    expect(table.reads).toBe(0);
  });

  test("recovery goes back to history where memory ends", async () => {
    const table = new EventTable();
    for (let n = 0; n < 30; n++) table.commit();
    const { hub, connected } = hubOver(table, { ringEvents: 10 });
    const { socket, send } = await connected();
    send({ id: 2, subscribe: { channel: "backfill" } });
    await settle();
    for (let n = 0; n < 15; n++) hub.publish("backfill", table.commit());
    socket.received();
    send({ id: 3, unsubscribe: { channel: "backfill" } });
    send({ id: 4, subscribe: { channel: "backfill", recover: true, offset: 3, epoch: "e1" } });
    await settle();
    const reply = socket.received().find(({ id }) => id === 4);
    expect(reply?.subscribe?.publications?.map(({ offset }) => offset)).toEqual(range(4, 45));
    expect(table.reads).toBe(1);
  });

  test.each([
    ["another epoch", { offset: 5, epoch: "gone" }, 0],
    ["an offset that does not exist yet", { offset: 11, epoch: "e1" }, 0],
    ["events that were deleted", { offset: 3, epoch: "e1" }, 5],
    ["more events than one recovery carries", { offset: 0, epoch: "e1" }, 0],
  ])("recovery from %s answers error 112, never a hole", async (_, from, trimmed) => {
    const table = new EventTable();
    for (let n = 0; n < 10; n++) table.commit();
    table.trimmed = trimmed;
    const { connected, hub } = hubOver(table, { recoverEventsMax: 8 });
    const { socket, send } = await connected();
    send({ id: 2, subscribe: { channel: "backfill", recover: true, ...from } });
    await settle();
    hub.publish("backfill", table.commit());
    const frames = socket.received();
    expect(frames.map(({ error }) => error?.code)).toEqual([112]);
    send({ id: 3, subscribe: { channel: "backfill" } });
    await settle();
    expect(socket.received()[0]?.subscribe?.offset).toBe(11);
  });

  test("recovery at the top answers recovered without publications; an empty epoch takes any", async () => {
    const table = new EventTable();
    table.commit();
    const { connected } = hubOver(table);
    const { socket, send } = await connected();
    send({ id: 2, subscribe: { channel: "backfill", recover: true, offset: 1 } });
    await settle();
    expect(socket.received()[0]?.subscribe).toMatchObject({ recovered: true, publications: [], offset: 1 });
  });

  test("recovery waits for events that another process committed and this one has not been told of", async () => {
    const table = new EventTable();
    const { hub, connected } = hubOver(table);
    const { socket, send } = await connected();
    send({ id: 2, subscribe: { channel: "backfill" } });
    await settle();
    for (let n = 0; n < 4; n++) table.commit();
    const elsewhere = await connected();
    elsewhere.send({ id: 2, subscribe: { channel: "backfill", recover: true, offset: 3, epoch: "e1" } });
    await settle();
    expect(elsewhere.socket.received()[0]?.subscribe?.publications?.map(({ offset }) => offset)).toEqual([4]);
    hub.publish("backfill", table.events[3]!);
    expect(offsets(socket.received())).toEqual([1, 2, 3, 4]);
  });

  test("publish() ignores repeated events and fills holes from history before going on", async () => {
    const table = new EventTable();
    const { hub, connected } = hubOver(table);
    const { socket, send } = await connected();
    send({ id: 2, subscribe: { channel: "backfill" } });
    await settle();
    socket.received();
    const events = [table.commit(), table.commit(), table.commit(), table.commit()];
    hub.publish("backfill", events[0]!);
    hub.publish("backfill", events[0]!);
    hub.publish("backfill", events[3]!);
    await settle();
    hub.publish("backfill", events[1]!);
    expect(offsets(socket.received())).toEqual([1, 2, 3, 4]);
    expect(table.reads).toBe(1);
  });

  test("an event that nobody can read breaks the channel: members are told to come again", async () => {
    const table = new EventTable();
    const { hub, connected, timers, errors } = hubOver(table);
    const { socket, send } = await connected();
    send({ id: 2, subscribe: { channel: "backfill" } });
    await settle();
    socket.received();
    hub.publish("backfill", { offset: 5, data: {} });
    await timers.advance(5_000);
    expect(socket.received().map(({ push }) => push?.unsubscribe?.code)).toEqual([2500]);
    expect(errors).toHaveLength(1);
    for (let n = 0; n < 5; n++) table.commit();
    send({ id: 3, subscribe: { channel: "backfill", recover: true, offset: 0, epoch: "e1" } });
    await settle();
    expect(socket.received()[0]?.subscribe?.publications).toHaveLength(5);
  });

  test("a source that does not answer gives error 100, temporary, and the next try works", async () => {
    const table = new EventTable();
    const { connected, timers, errors } = hubOver(table);
    const { socket, send } = await connected();
    table.gate = () => new Promise(() => undefined);
    send({ id: 2, subscribe: { channel: "backfill" } });
    await timers.advance(4_000);
    expect(socket.received().map(({ error }) => [error?.code, error?.temporary])).toEqual([[100, true]]);
    expect(errors[0]).toContain("did not answer within 4000 ms");
    table.gate = () => undefined;
    send({ id: 3, subscribe: { channel: "backfill" } });
    await settle();
    expect(socket.received()[0]?.subscribe?.recoverable).toBe(true);
  });

  test("progress() is conflated, carries no offset, and yields to a later event", async () => {
    const table = new EventTable();
    const { hub, connected, timers } = hubOver(table);
    const channel = `backfill:${JOB}`;
    const { socket, send } = await connected();
    send({ id: 2, subscribe: { channel } });
    await settle();
    socket.received();
    for (let pct = 0; pct < 10; pct++) hub.progress(channel, { pct });
    await timers.advance(100);
    expect(publications(socket.received())).toEqual([{ data: { pct: 9 } }]);
    hub.progress(channel, { pct: 99 });
    hub.publish(channel, table.commit({ status: "complete" }));
    await timers.advance(1_000);
    expect(publications(socket.received())).toEqual([{ data: { status: "complete" }, offset: 1 }]);
  });

  test("progress() reaches a reader that was behind once it has caught up", async () => {
    const table = new EventTable();
    const { hub, connected, timers } = hubOver(table);
    const { socket, session, send } = await connected();
    send({ id: 2, subscribe: { channel: "backfill" } });
    await settle();
    socket.received();
    socket.reading = false;
    hub.publish("backfill", table.commit());
    for (let pct = 0; pct < 3; pct++) {
      hub.progress("backfill", { pct });
      await timers.advance(100);
    }
    socket.take();
    session.drained();
    await timers.advance(100);
    expect(publications(socket.received())).toEqual([{ data: { n: 1 }, offset: 1 }, { data: { pct: 2 } }]);
  });

  test("history answers pages and positions, and error 112 for what is gone", async () => {
    const table = new EventTable();
    for (let n = 0; n < 10; n++) table.commit();
    const { connected } = hubOver(table, { ringEvents: 4 });
    const { socket, send } = await connected();
    const ask = async (request: object) => {
      send({ id: 5, history: { channel: "backfill", ...request } });
      await settle();
      return socket.received()[0];
    };
    expect((await ask({}))?.history).toEqual({ publications: [], epoch: "e1", offset: 10 });
    const page = await ask({ limit: 3, since: { offset: 2, epoch: "e1" } });
    expect(page?.history?.publications.map(({ offset }) => offset)).toEqual([3, 4, 5]);
    expect((await ask({ limit: -1, since: { offset: 8 } }))?.history?.publications).toHaveLength(2);
    expect((await ask({ limit: 1, since: { offset: 2, epoch: "other" } }))?.error?.code).toBe(112);
    const back = async (request: object) =>
      (await ask({ ...request, reverse: true }))?.history?.publications.map(({ offset }) => offset);
    expect(await back({ limit: 2 })).toEqual([10, 9]);
    expect(await back({ limit: 6 })).toEqual([10, 9, 8, 7, 6, 5]);
    expect(await back({ limit: 2, since: { offset: 4, epoch: "e1" } })).toEqual([3, 2]);
    expect(await back({ limit: -1, since: { offset: 4 } })).toEqual([3, 2, 1]);
    expect(await back({ limit: 1, since: { offset: 11 } })).toEqual([10]);
    expect(await back({ limit: 5, since: { offset: 1 } })).toEqual([]);
    expect((await ask({ limit: 1, reverse: true, since: { offset: 12 } }))?.error?.code).toBe(112);
    table.trimmed = 6;
    expect((await ask({ limit: 1, since: { offset: 2 } }))?.error?.code).toBe(112);
    expect((await ask({ limit: 2 }))?.history?.publications.map(({ offset }) => offset)).toEqual([7, 8]);
    expect(await back({ limit: 8 })).toEqual([10, 9, 8, 7]);
    expect(await back({ limit: 3, since: { offset: 9 } })).toEqual([8, 7]);
    expect(await back({ limit: 3, since: { offset: 6 } })).toEqual([]);
  });

  test("history in reverse has no hole either", async () => {
    const table = new EventTable();
    for (let n = 0; n < 10; n++) table.commit();
    const { connected } = hubOver(table, { ringEvents: 2 });
    const { socket, send } = await connected();
    table.events.splice(4, 1);
    send({ id: 5, history: { channel: "backfill", limit: 8, reverse: true, since: { offset: 9 } } });
    await settle();
    expect(socket.received()[0]?.error?.code).toBe(112);
  });

  test("history carries as many characters as one reply may, and at least one publication", async () => {
    const table = new EventTable();
    for (let n = 0; n < 10; n++) table.commit("x".repeat(100));
    const { connected } = hubOver(table, { recoverCharsMax: 400 });
    const { socket, send } = await connected();
    const ask = async (limit: number, reverse: boolean) => {
      send({ id: 5, history: { channel: "backfill", limit, reverse } });
      await settle();
      return socket.received()[0]?.history?.publications.map(({ offset }) => offset);
    };
    expect(await ask(-1, false)).toEqual([1, 2, 3]);
    expect(await ask(-1, true)).toEqual([10, 9, 8]);
    const tight = hubOver(table, { recoverCharsMax: 10 });
    const peer = await tight.connected();
    peer.send({ id: 5, history: { channel: "backfill", limit: 5 } });
    await settle();
    expect(peer.socket.received()[0]?.history?.publications).toHaveLength(1);
  });

  test("delivery to a crowd goes in slices, and keeps each member's order", async () => {
    const table = new EventTable();
    const { hub, connected, timers } = hubOver(table, { sendsPerTurn: 3 });
    const peers: Peer[] = [];
    for (let n = 0; n < 10; n++) {
      const peer = await connected();
      peer.send({ id: 2, subscribe: { channel: "backfill" } });
      await settle();
      peer.socket.received();
      peers.push(peer);
    }
    hub.publish("backfill", table.commit());
    expect(peers.filter(({ socket }) => socket.frames.length > 0)).toHaveLength(3);
    hub.publish("backfill", table.commit());
    await timers.advance(0);
    for (const { socket } of peers) expect(offsets(socket.received())).toEqual([1, 2]);
  });

  test("a member that leaves and recovers between two slices gets nothing twice", async () => {
    const table = new EventTable();
    const { hub, connected, timers } = hubOver(table, { sendsPerTurn: 2 });
    const { socket, send } = await connected();
    send({ id: 2, subscribe: { channel: "backfill" } });
    await settle();
    table.commit();
    table.commit();
    hub.publish("backfill", table.commit());
    await settle();
    expect(offsets(socket.received())).toEqual([1, 2]);
    send({ id: 3, unsubscribe: { channel: "backfill" } });
    send({ id: 4, subscribe: { channel: "backfill", recover: true, offset: 2, epoch: "e1" } });
    await timers.advance(10);
    const frames = socket.received();
    expect(frames.find(({ id }) => id === 4)?.subscribe?.publications?.map(({ offset }) => offset)).toEqual([
      3,
    ]);
    expect(offsets(frames)).toEqual([]);
  });

  test("every client gets each offset exactly once and in order, whatever is lost, raced or read late", async () => {
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({ do: fc.constant("publish" as const), count: fc.integer({ min: 1, max: 6 }) }),
      },
      fc.record({ do: fc.constant("skip" as const), count: fc.integer({ min: 1, max: 3 }) }),
      fc.record({
        do: fc.constantFrom("disconnect" as const, "connect" as const, "resubscribe" as const),
        client: fc.nat(2),
      }),
      fc.record({ do: fc.constantFrom("stop" as const, "read" as const), client: fc.nat(2) }),
      fc.record({ do: fc.constantFrom("hold" as const, "free" as const) }),
      fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 0, max: 400 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
        const table = new EventTable();
        const { hub, connected, timers } = hubOver(table, { ringEvents: 7, sendsPerTurn: 2 });
        const freed: (() => void)[] = [];
        let holding = false;
        table.gate = () => (holding ? new Promise<void>((resolve) => freed.push(resolve)) : undefined);
        const clients = [0, 1, 2].map(() => ({
          peer: undefined as Peer | undefined,
          epoch: "",
          last: -1,
          seen: [] as number[],
        }));
        type Client = (typeof clients)[number];
        const collect = (client: Client) => {
          for (const frame of client.peer?.socket.received() ?? []) {
            if (frame.error !== undefined && frame.error.code !== 100)
              throw new Error(`error ${frame.error.code}: ${frame.error.message}`);
            // History was held back for too long: the error is temporary, and the client tries again.
            if (frame.error !== undefined) subscribe(client);
            // A member that fell behind the ring is told to come again, and does, as the official client would.
            if (frame.push?.unsubscribe?.code === 2500) subscribe(client);
            const result = frame.subscribe;
            if (result !== undefined) {
              client.epoch = result.epoch ?? "";
              if (client.last < 0) client.last = result.offset ?? 0;
            }
            for (const pub of [...(result?.publications ?? []), ...publications([frame])]) {
              expect(pub.offset).toBe(client.last + 1);
              client.last += 1;
              client.seen.push(client.last);
            }
          }
        };
        const subscribe = (client: Client) =>
          client.peer?.send({
            id: 2,
            subscribe: {
              channel: "backfill",
              ...(client.last < 0 ? {} : { recover: true, offset: client.last, epoch: client.epoch }),
            },
          });
        const drop = (client: Client) => {
          collect(client);
          client.peer?.session.closed();
          client.peer = undefined;
        };
        for (const at of steps) {
          const client = "client" in at ? clients[at.client]! : clients[0]!;
          if (at.do === "publish") for (let n = 0; n < at.count; n++) hub.publish("backfill", table.commit());
          else if (at.do === "skip") for (let n = 0; n < at.count; n++) table.commit();
          else if (at.do === "disconnect") drop(client);
          else if (at.do === "connect" && client.peer === undefined) {
            client.peer = await connected();
            subscribe(client);
          } else if (at.do === "resubscribe" && client.peer !== undefined) {
            collect(client);
            if (client.peer.socket.reading && !holding) {
              client.peer.send({ id: 3, unsubscribe: { channel: "backfill" } });
              await settle();
              collect(client);
              subscribe(client);
            }
          } else if (at.do === "stop" && client.peer !== undefined) client.peer.socket.reading = false;
          else if (at.do === "read" && client.peer !== undefined) {
            client.peer.socket.take();
            client.peer.session.drained();
          } else if (at.do === "hold") holding = true;
          else if (at.do === "free") {
            holding = false;
            for (const free of freed.splice(0)) free();
          } else if (at.do === "pass") await timers.advance(at.ms);
          await settle();
        }
        holding = false;
        for (const free of freed.splice(0)) free();
        // Everybody comes (back), and one more event shows that the thread has held.
        for (const client of clients) {
          client.peer?.socket.take();
          client.peer?.session.drained();
          await settle();
          drop(client);
          client.peer = await connected();
          subscribe(client);
        }
        await timers.advance(0);
        hub.publish("backfill", table.commit());
        for (let round = 0; round < 5; round++) {
          await timers.advance(2_000);
          clients.forEach(collect);
        }
        for (const client of clients) {
          expect(client.last).toBe(table.events.length);
          expect(client.seen).toEqual(range(client.last - client.seen.length + 1, client.last));
        }
        const closing = hub.close();
        await timers.advance(0);
        await closing;
        expect(timers.pending).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
