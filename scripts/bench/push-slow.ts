/**
 * One reader that stops reading among a thousand that do. Everybody reads levels and events; one more connection reads a channel of two
 * megabytes a second, and in every second phase it stops reading without a word. Measured: the delay from an event's publication until
 * each of the thousand has it, with and without; what the server grows by; what becomes of the one.
 *
 *   bun scripts/bench/push-slow.ts [--connections 1000] [--phases 8] [--seconds 5]
 *
 * Exit: 0, or 1 where the others' 99th percentile is more than 1.2 times as long, the server grows by more than 2 MiB for it, or it is
 * closed with another code than 3008.
 */
import { parseArgs } from "node:util";
import { DelayHistogram } from "./delay-histogram.ts";
import { epochMs } from "./marks.ts";
import { percentile } from "./percentile.ts";
import { RawReader } from "./raw-readers.ts";
import { runBench, startWorld, waitUntil } from "./started-world.ts";

const { values: options } = parseArgs({
  options: {
    connections: { type: "string", default: "1000" },
    phases: { type: "string", default: "8" },
    seconds: { type: "string", default: "5" },
  },
});
const CONNECTIONS = Number(options.connections);
const RATIO_MAX = 1.2;
const GROWTH_MAX = 2 * 1_048_576;
const SLOW = 3008;
const COMMANDS = [
  '{"id":1,"connect":{}}',
  '{"id":2,"subscribe":{"channel":"levels:binance:BTCUSDT"}}',
  '{"id":3,"subscribe":{"channel":"backfill"}}',
].join("\n");
const FIREHOSE = '{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"gaps:BTCUSDT"}}';
const PUBLISHED = '"at":';

await runBench(async (children) => {
  const world = await startWorld(children);
  let delays = new DelayHistogram();
  const readers = await RawReader.connectMany(CONNECTIONS, () => ({
    port: world.port,
    commands: COMMANDS,
    onFrame: (_, text) => {
      const at = text.indexOf(PUBLISHED);
      if (at > 0) delays.add(epochMs() - Number.parseFloat(text.toString("latin1", at + PUBLISHED.length)));
    },
  }));
  await waitUntil("every subscription", () => readers.every(({ frames }) => frames >= 3));

  const all = { read: new DelayHistogram(), stopped: new DelayHistogram() };
  const growth: { read: number[]; stopped: number[] } = { read: [], stopped: [] };
  const codes: (number | undefined)[] = [];
  let outboxPeak = 0;
  // The first two phases warm up.
  for (let phase = -2; phase < Number(options.phases); phase++) {
    const kind = phase % 2 === 0 ? "read" : "stopped";
    const one = await RawReader.connect({ port: world.port, commands: FIREHOSE, onFrame: () => {} });
    await waitUntil("the one subscription", () => one.frames >= 2);
    if (kind === "stopped") one.stopReading();
    await world.ask("/memory?gc=1");
    delays = phase < 0 ? new DelayHistogram() : all[kind];
    const flowed = await world.ask(`/flow?ms=${Number(options.seconds) * 1_000}`);
    if (kind === "stopped") {
      const gone = flowed["connections"] === CONNECTIONS;
      one.readOn();
      if (gone) await waitUntil("the end of the slow connection", () => one.closeCode !== undefined);
      codes.push(one.closeCode);
      outboxPeak = Math.max(outboxPeak, flowed["outboxPeak"]!);
    } else one.end();
    if (phase >= 0) growth[kind].push(flowed["rssGrowth"]!);
    await waitUntil("its end", async () => (await world.ask("/memory"))["connections"] === CONNECTIONS);
  }

  const [read, stopped] = [all.read.percentile(99), all.stopped.percentile(99)];
  const [without, withOne] = [percentile(growth.read, 50), percentile(growth.stopped, 50)];
  console.log(`all of them read        ${all.read}`);
  console.log(`one has stopped         ${all.stopped}`);
  console.log(`ratio of the p99        ${(stopped / read).toFixed(2)}, at most ${RATIO_MAX} is allowed`);
  console.log(
    `the server grew by      ${Math.round(withOne / 1_024)} KiB with it, ${Math.round(without / 1_024)} KiB without; ${Math.round(outboxPeak / 1_024)} KiB waited for it at most`,
  );
  console.log(`the one was closed with ${codes.join(", ")}`);
  const unharmed = readers.every(({ closeCode }) => closeCode === undefined);
  console.log(`of the others           ${unharmed ? "nobody" : "SOMEBODY"} was closed`);
  return (
    unharmed &&
    stopped / read <= RATIO_MAX &&
    withOne - without <= GROWTH_MAX &&
    codes.every((code) => code === SLOW)
  );
});
