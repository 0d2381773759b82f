/**
 * What our push costs on real sockets against a bare `Bun.serve` that publishes the same frames through Bun's own topics (and drops
 * silently what a slow reader does not take): a thousand connections to each, in the same process, in turns. A round is one frame to
 * every connection; the next begins when it has arrived everywhere.
 *
 *   bun scripts/bench/push-sockets.ts [--connections 1000] [--rounds 100] [--turns 16]
 *
 * Exit: 0, or 1 where our fan-out is below 80 % of the bare one, in frames a second.
 */
import { parseArgs } from "node:util";
import { percentile } from "./percentile.ts";
import { RawReader } from "./raw-readers.ts";
import { runBench, startWorld, waitUntil } from "./started-world.ts";

const { values: options } = parseArgs({
  options: {
    connections: { type: "string", default: "1000" },
    rounds: { type: "string", default: "100" },
    turns: { type: "string", default: "16" },
  },
});
const CONNECTIONS = Number(options.connections);
const ROUNDS = Number(options.rounds);
const RATIO_MIN = 0.8;
const KINDS = ["bare", "hub"] as const;
const COMMANDS = '{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"levels:binance:BTCUSDT"}}';
/** Replies to connect and subscribe. */
const REPLIES = 2;

await runBench(async (children) => {
  // No interval between two frames: only the sending is measured.
  const world = await startWorld(children, { CONFLATE_MS: "0" });
  const acks = await Bun.connect({
    hostname: "127.0.0.1",
    port: world.ackPort,
    socket: { data: () => undefined },
  });
  let arrived = 0;
  const onFrame = () => {
    if (++arrived < CONNECTIONS) return;
    arrived = 0;
    acks.write("x");
  };
  const bare = await RawReader.connectMany(CONNECTIONS, () => ({
    port: world.barePort,
    commands: "{}",
    onFrame,
  }));
  const ours = await RawReader.connectMany(CONNECTIONS, () => ({
    port: world.port,
    commands: COMMANDS,
    onFrame: (reader) => {
      if (reader.frames > REPLIES) onFrame();
    },
  }));
  await waitUntil("every subscription", () => ours.every(({ frames }) => frames === REPLIES));
  const bytes = () => [bare, ours].map((each) => each.reduce((sum, reader) => sum + reader.bytes, 0));

  const cpuUs: Record<(typeof KINDS)[number], number[]> = { bare: [], hub: [] };
  const perSecond: Record<(typeof KINDS)[number], number[]> = { bare: [], hub: [] };
  const before = bytes();
  // The first turn warms up.
  for (let turn = 0; turn <= Number(options.turns); turn++)
    for (const kind of KINDS) {
      const spent = await world.ask(`/rounds?kind=${kind}&count=${ROUNDS}`);
      if (turn === 0) continue;
      cpuUs[kind].push(spent["cpuUs"]! / ROUNDS / CONNECTIONS);
      perSecond[kind].push((ROUNDS * CONNECTIONS * 1_000) / spent["ms"]!);
    }
  const [bareBytes, ourBytes] = bytes().map((after, at) => after - before[at]!);
  const middle = (samples: readonly number[]) => percentile(samples, 50);
  for (const kind of KINDS)
    console.log(
      `${kind === "hub" ? "ours" : "bare"}  ${middle(cpuUs[kind]).toFixed(2)} µs of processor time a frame (${Math.min(...cpuUs[kind]).toFixed(2)} at best), ${Math.round(middle(perSecond[kind])).toLocaleString("en")} frames/s`,
    );
  // Turn by turn: what else the machine does differs more from one turn to the next than the two kinds within one.
  const ratio = middle(cpuUs.bare.map((us, turn) => us / cpuUs.hub[turn]!));
  const speed = middle(perSecond.hub.map((frames, turn) => frames / perSecond.bare[turn]!));
  console.log(`bytes ours : bare       ${(ourBytes! / bareBytes!).toFixed(3)}`);
  console.log(
    `frames/s, round by round ${(speed * 100).toFixed(0)} % of the bare server's; asked for is ${RATIO_MIN * 100} %`,
  );
  console.log(`for the same processor time ${(ratio * 100).toFixed(0)} % of its frames`);
  return speed >= RATIO_MIN;
});
