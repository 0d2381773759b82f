import { afterEach, expect, test } from "bun:test";
import type { PushLimits } from "../../src/push/mod.ts";
import { type Served, serve, until, World } from "./push-fixture.ts";
import { type StoppedClient, stoppedClient } from "./stopped-client.ts";

const LEVELS = "levels:binance:BTCUSDT";
const HEALTHY = 40;
const TIMEOUT_MS = 60_000;
/** Far more than the kernel takes for one connection. */
const LARGE = "x".repeat(64_000);

const opened: { close(): void }[] = [];
const running: Served[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) each.close();
  for (const served of running.splice(0)) await served.stop();
});

function started(world: World, limits: Partial<PushLimits>): Served {
  const served = serve(world, { limits: { conflateMs: 10, ...limits } });
  running.push(served);
  return served;
}

/** A client that reads, answers pings and keeps what came. */
function healthy(url: string, channels: readonly string[]) {
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws`);
  const lines: string[] = [];
  const state: { closed?: number } = {};
  const subscribes = channels.map((channel, at) => JSON.stringify({ id: at + 2, subscribe: { channel } }));
  socket.onopen = () => socket.send(['{"id":1,"connect":{}}', ...subscribes].join("\n"));
  socket.onmessage = ({ data }) => {
    for (const line of String(data).split("\n"))
      if (line === "{}") socket.send("{}");
      else lines.push(line);
  };
  socket.onclose = ({ code }) => {
    state.closed = code;
  };
  opened.push(socket);
  return { lines, state };
}

async function stopped(served: Served, channel: string): Promise<StoppedClient> {
  const before = served.hub.stats().subscriptions;
  const client = await stoppedClient(served.server.port);
  opened.push(client);
  client.send(`{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"${channel}"}}`);
  await until(() => served.hub.stats().subscriptions === before + 1);
  return client;
}

test(
  "a reader that stops on a lossless channel is closed with 3008, forty others get every frame, and what waits for it is bounded",
  async () => {
    const world = new World();
    const served = started(world, {});
    const { server, hub } = served;
    const others = Array.from({ length: HEALTHY }, () => healthy(server.url, ["backfill", LEVELS]));
    await until(() => hub.stats().subscriptions === 2 * HEALTHY);
    const slow = await stopped(served, "gaps:BTCUSDT");
    let most = 0;
    let rounds = 0;
    while (hub.stats().connections > HEALTHY) {
      rounds += 1;
      // The events of `gaps` are those of the same log: the slow one gets the large ones, the others the small ones too.
      hub.publish("backfill", world.commit({ round: rounds, text: LARGE }));
      hub.publish("gaps:binance:BTCUSDT", world.events.at(-1)!);
      world.state = { revision: rounds + 1, fields: { levels: { POC: rounds, VWAP: 1.5 } } };
      hub.touch(LEVELS);
      most = Math.max(most, hub.stats().outboxBytes);
      await until(() =>
        others.every(({ lines }) => lines.some((line) => line.includes(`"offset":${rounds}}`))),
      );
      for (const { lines } of others) expect(offsetsOf(lines)).toEqual(upTo(rounds));
      for (const { lines } of others) keepOffsets(lines);
    }
    expect(most).toBeGreaterThan(500_000);
    expect(most).toBeLessThanOrEqual(1_048_576 + HEALTHY * LARGE.length);
    expect(hub.stats()).toMatchObject({ connections: HEALTHY, subscriptions: 2 * HEALTHY });
    expect(await slow.closeCode()).toBe(3008);
    expect(others.map(({ state }) => state.closed)).toEqual(new Array(HEALTHY).fill(undefined));
  },
  TIMEOUT_MS,
);

test(
  "a reader that stops on a conflated channel alone is found by the pong that does not come, and costs one frame",
  async () => {
    const world = new World();
    const served = started(world, { pingMs: 100, pongMs: 400 });
    const { server, hub } = served;
    const other = healthy(server.url, [LEVELS]);
    await until(() => hub.stats().subscriptions === 1);
    const slow = await stopped(served, LEVELS);
    let most = 0;
    let revision = 1;
    while (hub.stats().connections > 1) {
      revision += 1;
      world.state = {
        revision,
        fields: { levels: { POC: revision, VWAP: 1.5 }, note: `${revision}${LARGE}` },
      };
      hub.touch(LEVELS);
      most = Math.max(most, hub.stats().outboxBytes);
      await until(
        () =>
          other.lines.some((line) => line.includes(`"revision":${revision},`)) ||
          hub.stats().connections === 0,
      );
      other.lines.length = 0;
    }
    expect(hub.stats()).toMatchObject({ connections: 1, subscriptions: 1 });
    // The frame that the socket kept, and the ping behind it; nothing is queued while it is behind.
    expect(most).toBeLessThan(2 * LARGE.length);
    expect(await slow.closeCode()).toBe(3012);
    expect(other.state.closed).toBeUndefined();
  },
  TIMEOUT_MS,
);

test(
  "a reader that stops on a quiet channel is closed within the times of ping and pong",
  async () => {
    const served = started(new World(), { pingMs: 50, pongMs: 100 });
    const slow = await stopped(served, LEVELS);
    await until(() => served.hub.stats().connections === 0);
    expect(await slow.closeCode()).toBe(3012);
  },
  TIMEOUT_MS,
);

const upTo = (last: number) => Array.from({ length: last }, (_, at) => at + 1);

function offsetsOf(lines: readonly string[]): number[] {
  return lines.flatMap((line) => {
    const offset = line.startsWith('{"push"') ? /"offset":(\d+)/.exec(line)?.[1] : undefined;
    return offset === undefined ? [] : [Number(offset)];
  });
}

/** Forgets what frames say beside their offsets. */
function keepOffsets(lines: string[]): void {
  const offsets = offsetsOf(lines);
  lines.splice(0, lines.length, ...offsets.map((offset) => `{"push":{"pub":{"offset":${offset}}}}`));
}
