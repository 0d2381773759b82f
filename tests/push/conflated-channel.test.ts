import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { applyChangedFields } from "../../src/protocol/mod.ts";
import type { ConflatedSource, ConflatedState } from "../../src/push/mod.ts";
import { FakeTimers, makeHub, type Peer, publications, settle } from "./fakes.ts";

const CHANNEL = "levels:binance:BTCUSDT";

class LevelSource implements ConflatedSource {
  readonly kind = "conflated";
  state: ConflatedState = {
    revision: 1,
    fields: { symbol: "binance:BTCUSDT", levels: { POC: 10, VWAP: 10.5 } },
  };
  reads = 0;
  opened = 0;
  closed = 0;

  open() {
    this.opened += 1;
  }

  current() {
    this.reads += 1;
    return this.state;
  }

  close() {
    this.closed += 1;
  }

  set(levels: object, more: object = {}) {
    this.state = {
      revision: this.state.revision + 1,
      fields: { symbol: "binance:BTCUSDT", levels, ...more },
    };
  }
}

function hubOver(source: ConflatedSource, limits = {}) {
  return makeHub({ resolve: () => ({ kind: "source", source }), limits });
}

async function subscribed(connected: () => Promise<Peer>, channel = CHANNEL): Promise<Peer> {
  const peer = await connected();
  peer.send({ id: 2, subscribe: { channel } });
  await settle();
  return peer;
}

const revisionOf = (data: unknown) =>
  typeof data === "object" && data !== null && "revision" in data ? data.revision : undefined;

/** What has arrived is looked at this often, so that times of arrival are up to so much too late. */
const LOOK_MS = 1;

const distances = (timesMs: readonly number[]) => timesMs.slice(1).map((ms, at) => ms - timesMs[at]!);

const frames = (peer: Peer) => publications(peer.socket.received()).map(({ data }) => data);

/** Four peers, each in a lane of its own, of a source that takes `cost.ms` to read. Nothing has been read since they settled. */
async function fourLanesOver(cost: { ms: number }) {
  const timers = new FakeTimers();
  let readingMs = 0;
  const source = new LevelSource();
  const read = source.current.bind(source);
  source.current = () => {
    readingMs += cost.ms;
    return read();
  };
  const { hub, connected } = makeHub({
    resolve: () => ({ kind: "source", source }),
    limits: { laneMembersMax: 1, laneDistanceMs: 1 },
    timers: { now: () => timers.now() + readingMs, after: (delayMs, run) => timers.after(delayMs, run) },
  });
  const peers: Peer[] = [];
  for (let n = 0; n < 4; n++) peers.push(await subscribed(connected));
  await timers.advance(500);
  source.reads = 0;
  return { source, cost, hub, timers, peers };
}

describe("conflated channel", () => {
  test("subscribe answers the full set, not recoverable", async () => {
    const { connected } = hubOver(new LevelSource());
    const { socket } = await subscribed(connected);
    expect(socket.received()).toEqual([
      {
        id: 2,
        subscribe: { data: { symbol: "binance:BTCUSDT", levels: { POC: 10, VWAP: 10.5 }, revision: 1 } },
      },
    ]);
  });

  test("frames carry changed fields with both revisions, one per interval however often it is touched", async () => {
    const source = new LevelSource();
    const { hub, connected, timers } = hubOver(source);
    const peer = await subscribed(connected);
    peer.socket.received();
    source.set({ POC: 10, VWAP: 10.6 });
    hub.touch(CHANNEL);
    await timers.advance(0);
    expect(frames(peer)).toEqual([{ levels: { VWAP: 10.6 }, revision: 2, previous_revision: 1 }]);
    for (let n = 0; n < 50; n++) {
      source.set({ POC: 11, VWAP: 11 + n });
      hub.touch(CHANNEL);
      await timers.advance(1);
    }
    expect(frames(peer)).toEqual([]);
    await timers.advance(50);
    expect(frames(peer)).toEqual([{ levels: { POC: 11, VWAP: 60 }, revision: 52, previous_revision: 2 }]);
  });

  test("a touch without a change sends nothing", async () => {
    const { hub, connected, timers } = hubOver(new LevelSource());
    const peer = await subscribed(connected);
    peer.socket.received();
    hub.touch(CHANNEL);
    await timers.advance(200);
    expect(frames(peer)).toEqual([]);
  });

  test("the state is read once per interval for all, and not at all while nobody listens", async () => {
    const source = new LevelSource();
    const { hub, connected, timers } = hubOver(source);
    hub.touch(CHANNEL);
    await timers.advance(200);
    expect(source.reads).toBe(0);
    const peers = [await subscribed(connected), await subscribed(connected), await subscribed(connected)];
    const reads = source.reads;
    source.set({ POC: 12 });
    hub.touch(CHANNEL);
    await timers.advance(200);
    expect(source.reads).toBe(reads + 1);
    const sent = peers.map(({ socket }) => socket.frames.at(-1));
    expect(new Set(sent).size).toBe(1);
    expect(hub.listened(CHANNEL)).toBe(true);
    for (const { session } of peers) session.closed();
    expect(hub.listened(CHANNEL)).toBe(false);
    expect(source.closed).toBe(1);
    hub.touch(CHANNEL);
    await timers.advance(200);
    expect(source.reads).toBe(reads + 1);
  });

  test("a slow reader's frames are merged, and another reader does not notice", async () => {
    const source = new LevelSource();
    const { hub, connected, timers } = hubOver(source);
    const slow = await subscribed(connected);
    const quick = await subscribed(connected);
    slow.socket.received();
    quick.socket.received();
    slow.socket.reading = false;
    for (let n = 1; n <= 20; n++) {
      source.set({ POC: n, VWAP: 10.5 }, { trade_count: n });
      hub.touch(CHANNEL);
      await timers.advance(100);
      expect(frames(quick)).toHaveLength(1);
    }
    expect(hub.stats().outboxBytes).toBeLessThan(500);
    slow.socket.take();
    slow.session.drained();
    await timers.advance(100);
    expect(frames(slow)).toEqual([
      { levels: { POC: 1 }, trade_count: 1, revision: 2, previous_revision: 1 },
      { levels: { POC: 20 }, trade_count: 20, revision: 21, previous_revision: 2 },
    ]);
    expect(slow.socket.closed).toBeUndefined();
  });

  test("subscribers by different names of one channel share it, each under its own name", async () => {
    const source = new LevelSource();
    const { hub, connected, timers } = hubOver(source);
    const peers = [await subscribed(connected, "levels:btcusdt"), await subscribed(connected, CHANNEL)];
    for (const { socket } of peers) socket.received();
    source.set({ POC: 12 });
    hub.touch(CHANNEL);
    await timers.advance(100);
    expect(peers.map(({ socket }) => socket.received()[0]?.push?.channel)).toEqual([
      "levels:btcusdt",
      CHANNEL,
    ]);
    expect(source.opened).toBe(1);
  });

  test("a revision that fell sends the whole set, which replaces what is held", async () => {
    const source = new LevelSource();
    const { hub, connected, timers } = hubOver(source);
    const peer = await subscribed(connected);
    peer.socket.received();
    source.state = { revision: 0, fields: { levels: { POC: 1 } } };
    hub.touch(CHANNEL);
    await timers.advance(100);
    expect(frames(peer)).toEqual([{ levels: { POC: 1 }, revision: 0, previous_revision: null }]);
  });

  test("a slow reader notices that the store began anew, also when the revision has risen past its own again", async () => {
    const source = new LevelSource();
    const { hub, connected, timers } = hubOver(source);
    const slow = await subscribed(connected);
    const quick = await subscribed(connected);
    slow.socket.reading = false;
    for (const revision of [2, 0, 1, 2, 3]) {
      source.state = { revision, fields: { levels: { POC: revision } } };
      hub.touch(CHANNEL);
      await timers.advance(100);
    }
    for (const { socket } of [slow, quick]) socket.received();
    slow.socket.take();
    slow.session.drained();
    await timers.advance(100);
    expect(frames(slow)).toEqual([
      { symbol: null, levels: { POC: 2, VWAP: null }, revision: 2, previous_revision: 1 },
      { levels: { POC: 3 }, revision: 3, previous_revision: null },
    ]);
  });

  test("a crowd gets its frames lane by lane, each lane at its own interval and with the state of its moment", async () => {
    const source = new LevelSource();
    const { hub, connected, timers } = hubOver(source, { laneMembersMax: 2, laneDistanceMs: 3 });
    const peers: Peer[] = [];
    for (let n = 0; n < 6; n++) peers.push(await subscribed(connected));
    await timers.advance(100);
    for (const { socket } of peers) socket.received();
    const arrivals: { readonly peer: number; readonly atMs: number; readonly revision: unknown }[] = [];
    const startMs = timers.now();
    for (let ms = 0; ms < 310; ms += LOOK_MS) {
      source.set({ POC: ms });
      hub.touch(CHANNEL);
      await timers.advance(LOOK_MS);
      peers.forEach(({ socket }, peer) => {
        for (const { data } of publications(socket.received()))
          arrivals.push({ peer, atMs: timers.now() - startMs, revision: revisionOf(data) });
      });
    }
    const lanes = [0, 2, 4].map((peer) => arrivals.filter((each) => each.peer === peer));
    for (const lane of lanes) {
      expect(lane.length).toBeGreaterThanOrEqual(3);
      // What was set just before the turn of this lane, not what another lane has read.
      for (const { atMs, revision } of lane) expect(revision).toBe(1 + atMs);
      // A run that is a tenth late does not delay the next, which may also come a fiftieth nearer to its place.
      expect(Math.min(...distances(lane.map(({ atMs }) => atMs)))).toBeGreaterThanOrEqual(88 - LOOK_MS);
      expect(lane.length).toBeLessThanOrEqual(4);
    }
    const turns = [...new Set(arrivals.map(({ atMs }) => atMs))].sort((a, b) => a - b);
    expect(Math.min(...distances(turns))).toBeGreaterThanOrEqual(3 - LOOK_MS);
    for (const atMs of turns) expect(arrivals.filter((each) => each.atMs === atMs)).toHaveLength(2);
  });

  test("the lanes of a crowd spread over the interval, and none waits for one that is late", async () => {
    const source = new LevelSource();
    const { hub, connected, timers } = hubOver(source, { laneMembersMax: 1, laneDistanceMs: 2 });
    const peers: Peer[] = [];
    for (let n = 0; n < 10; n++) peers.push(await subscribed(connected));
    const turns: number[] = [];
    for (let ms = 0; ms < 6_000; ms += LOOK_MS) {
      source.set({ POC: ms });
      hub.touch(CHANNEL);
      await timers.advance(LOOK_MS);
      for (const { socket } of peers)
        if (publications(socket.received()).length > 0) turns.push(timers.now());
    }
    // Ten frames a second and connection.
    expect(turns.length).toBeGreaterThanOrEqual(10 * 59);
    expect(turns.length).toBeLessThanOrEqual(10 * 61);
    const settled = turns.slice(-100);
    expect(Math.min(...distances(settled))).toBeGreaterThanOrEqual(10 - LOOK_MS);
    expect(Math.max(...distances(settled))).toBeLessThanOrEqual(10 + LOOK_MS);
  });

  test("a reading that took long for once is not shared by the lanes after it", async () => {
    const { source, cost, hub, timers, peers } = await fourLanesOver({ ms: 1 });
    cost.ms = 30;
    source.set({ POC: 12 });
    hub.touch(CHANNEL);
    await timers.advance(1);
    cost.ms = 1;
    source.set({ POC: 13 });
    hub.touch(CHANNEL);
    await timers.advance(50);
    expect(source.reads).toBeGreaterThan(1);
    expect(peers.map((peer) => revisionOf(publications(peer.socket.received()).at(-1)?.data))).toContain(3);
  });

  test("what takes long to read is read for several lanes at once, and nobody is left behind", async () => {
    const { source, hub, timers, peers } = await fourLanesOver({ ms: 6 });
    await timers.advance(500);
    expect(source.reads).toBe(0);
    source.set({ POC: 12 });
    hub.touch(CHANNEL);
    await timers.advance(2);
    // Read already by the first lane; for the others it has not happened yet.
    source.set({ POC: 13 });
    hub.touch(CHANNEL);
    await timers.advance(8);
    expect(peers.map((peer) => revisionOf(publications(peer.socket.received()).at(-1)?.data))).toEqual([
      2, 2, 2, 2,
    ]);
    expect(source.reads).toBe(1);
    await timers.advance(200);
    expect(
      peers.slice(1).map((peer) => revisionOf(publications(peer.socket.received()).at(-1)?.data)),
    ).toEqual([3, 3, 3]);
  });

  test("a crowd that joins within one interval shares one read, and is brought on from it", async () => {
    const source = new LevelSource();
    const { connected, timers } = hubOver(source, { laneMembersMax: 1 });
    await subscribed(connected);
    // Nobody says that it has changed: whoever joins on the shared state asks for the newer one.
    source.set({ POC: 12 });
    const peers = [await subscribed(connected), await subscribed(connected)];
    expect(source.reads).toBe(1);
    await timers.advance(100);
    for (const { socket } of peers) {
      const [reply, frame] = socket.received();
      expect(reply?.subscribe?.data).toMatchObject({ revision: 1 });
      expect(frame?.push?.pub?.data).toEqual({
        levels: { POC: 12, VWAP: null },
        revision: 2,
        previous_revision: 1,
      });
    }
  });

  test("a source that throws ends the subscriptions with 2500, and the next one opens it anew", async () => {
    const source = new LevelSource();
    const { hub, connected, timers, errors } = hubOver(source);
    const peer = await subscribed(connected);
    peer.socket.received();
    const { state } = source;
    source.current = () => {
      throw new Error("store is broken");
    };
    hub.touch(CHANNEL);
    await timers.advance(100);
    expect(peer.socket.received().map(({ push }) => push?.unsubscribe?.code)).toEqual([2500]);
    expect(errors).toEqual([`reading the state of a conflated channel (${CHANNEL}): store is broken`]);
    source.current = () => state;
    peer.send({ id: 3, subscribe: { channel: CHANNEL } });
    await settle();
    expect(peer.socket.received()[0]?.subscribe).toBeDefined();
  });

  test("frames laid over the full set give the source's state, whatever a reader misses", async () => {
    const change = fc.record({
      levels: fc.dictionary(
        fc.constantFrom("POC", "VAH", "VAL", "VWAP"),
        fc.option(fc.integer({ min: 0, max: 3 })),
      ),
      missing: fc.array(fc.nat(2), { maxLength: 2 }),
      precision: fc.constantFrom("IMPRECISE", "PRECISE"),
      reading: fc.boolean(),
      passMs: fc.integer({ min: 0, max: 150 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 30 }), async (changes) => {
        const source = new LevelSource();
        const { hub, connected, timers } = hubOver(source, { laneMembersMax: 1, heldStatesMax: 3 });
        const peers = [await subscribed(connected), await subscribed(connected), await subscribed(connected)];
        const [slow] = peers;
        for (const { levels, missing, precision, reading, passMs } of changes) {
          if (reading) {
            slow!.socket.take();
            slow!.session.drained();
          } else slow!.socket.reading = false;
          const all = { POC: null, VAH: null, VAL: null, VWAP: null, ...levels };
          source.set(all, { missing, precision });
          hub.touch(CHANNEL);
          await timers.advance(passMs);
        }
        slow!.socket.take();
        slow!.session.drained();
        await timers.advance(500);
        for (const { socket } of peers) {
          let held: object = {};
          let revision = 0;
          for (const frame of socket.received()) {
            const data = frame.subscribe?.data ?? frame.push?.pub?.data;
            if (typeof data !== "object" || data === null) throw new Error("a frame without data");
            const whole = "previous_revision" in data && data.previous_revision === null;
            if ("previous_revision" in data && !whole) expect(data.previous_revision).toBe(revision);
            held = whole ? data : applyChangedFields(held, data);
            revision = "revision" in held && typeof held.revision === "number" ? held.revision : Number.NaN;
          }
          expect(held).toMatchObject(source.state.fields);
          expect(revision).toBe(source.state.revision);
        }
      }),
      { numRuns: 100 },
    );
  });
});
