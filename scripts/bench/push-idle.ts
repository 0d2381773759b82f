/**
 * What a connection costs that only waits: thousands of them, first without a subscription, then with one to a levels channel, held over
 * a round of pings. The server's resident memory and its heap, per connection; kernel buffers are not in it.
 *
 *   bun scripts/bench/push-idle.ts [--connections 10000] [--seconds 60]
 *
 * Needs two file descriptors a connection in all, one in each process (`ulimit -n`). Exit: 0, or 1 where a connection was closed, was not
 * pinged, or costs more than 20 kB.
 */
import { parseArgs } from "node:util";
import { processCost } from "./process-cost.ts";
import { RawReader } from "./raw-readers.ts";
import { runBench, startWorld, waitUntil } from "./started-world.ts";

const { values: options } = parseArgs({
  options: {
    connections: { type: "string", default: "10000" },
    seconds: { type: "string", default: "60" },
  },
});
const CONNECTIONS = Number(options.connections);
const SECONDS = Number(options.seconds);
const BYTES_MAX = 20_000;
/** Loopback has 28,000 ports for each address of ours. */
const CONNECTIONS_PER_ADDRESS = 10_000;
/** A first crowd that has left again: what it made the server set aside is no connection's. */
const WARM_UP = 500;
const SETTLE_MS = 2_000;
const CONNECT = '{"id":1,"connect":{}}';
const SUBSCRIBE = `${CONNECT}\n{"id":2,"subscribe":{"channel":"levels:binance:BTCUSDT"}}`;
/** Pings come every 25 s. */
const PING_SECONDS = 25;

await runBench(async (children) => {
  let passed = true;
  for (const [name, commands, replies] of [
    ["unsubscribed", CONNECT, 1],
    ["subscribed to levels", SUBSCRIBE, 2],
  ] as const) {
    const world = await startWorld(children);
    const open = (count: number) =>
      RawReader.connectMany(count, (at) => ({
        port: world.port,
        hostname: `127.0.0.${1 + Math.floor(at / CONNECTIONS_PER_ADDRESS)}`,
        commands,
        onFrame: () => {},
      }));
    const memory = async () => {
      await world.ask("/memory?gc=1");
      await Bun.sleep(SETTLE_MS);
      return await world.ask("/memory?gc=1");
    };
    for (const reader of await open(WARM_UP)) reader.end();
    const before = await memory();
    const startedAt = performance.now();
    const readers = await open(CONNECTIONS);
    await waitUntil("every reply", () => readers.every(({ frames }) => frames >= replies));
    const connectedMs = performance.now() - startedAt;
    const cpu = await processCost(world.script.child.pid);
    const early = await memory();
    await Bun.sleep(SECONDS * 1_000);
    const late = await memory();
    const held = await processCost(world.script.child.pid);
    const pinged = Math.min(...readers.map(({ frames }) => frames - replies));
    const closed = readers.filter(({ closeCode }) => closeCode !== undefined).length;
    const each = (field: string, at = late) => (at[field]! - before[field]!) / CONNECTIONS;
    console.log(`${CONNECTIONS.toLocaleString("en")} connections, ${name}`);
    console.log(`  opened in             ${(connectedMs / 1_000).toFixed(1)} s`);
    console.log(
      `  memory of each        ${Math.round(each("rss"))} bytes (${Math.round(each("rss", early))} at first), heap ${Math.round(each("heapSize"))} in ${each("objectCount").toFixed(1)} objects`,
    );
    console.log(
      `  while it waits        ${closed} closed, at least ${pinged} pings to each; ${((held.cpuSeconds - cpu.cpuSeconds) * 1_000).toFixed(0)} ms of processor time in ${SECONDS} s`,
    );
    const pingsDue = Math.floor(SECONDS / PING_SECONDS);
    passed &&= each("rss") <= BYTES_MAX && closed === 0 && pinged >= pingsDue;
    for (const reader of readers) reader.end();
    world.script.child.kill("SIGKILL");
    await world.script.child.exited;
  }
  console.log(`at most ${BYTES_MAX} bytes are asked for`);
  return passed;
});
