/** Starts the simulated exchange alone and prints its base URLs. `bun run simulate --help` shows the options. */
import { parseArgs } from "node:util";
import { startSimulatorServer } from "../src/runtime/mod.ts";
import {
  createGeneratedMarket,
  type Market,
  PRESETS,
  presetOf,
  readRecordedMarket,
  readRecording,
} from "../src/simulator/mod.ts";

const USAGE = `Usage: bun run simulate [options]

  --symbol SYMBOL[:liquid|demo|thin]     a generated market (repeatable); default BTCUSDT:liquid, ETHUSDT:demo, XRPETH:thin
  --recorded SYMBOL=PATH[:DAYS]          a market from an archive file, moved by whole days; also :today, :yesterday
  --recording PATH                       a recorded WebSocket session, played to whoever subscribes
  --pace FACTOR                          speed of recorded sessions; 0 (default) as fast as the reader takes them
  --port PORT                            default: a free one
  --seed NUMBER                          default 1
  --clock-offset=MS                      added to the machine's clock, may be negative; default CLOCK_OFFSET_MS or 0
  --weight-limit NUMBER                  request weight in a minute; default 6000
  --until-stdin-ends                     stop when standard input ends: with the process that holds it
  --fault JSON                           a fault rule, as POST /sim/faults takes it (repeatable)
`;

const DAY_MS = 86_400_000;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

class UsageError extends Error {}

function readOptions() {
  try {
    return parseArgs({
      options: {
        symbol: { type: "string", multiple: true, default: [] },
        recorded: { type: "string", multiple: true, default: [] },
        recording: { type: "string", multiple: true, default: [] },
        pace: { type: "string", default: "0" },
        port: { type: "string", default: "0" },
        seed: { type: "string", default: "1" },
        "clock-offset": { type: "string" },
        "weight-limit": { type: "string", default: "6000" },
        fault: { type: "string", multiple: true, default: [] },
        "until-stdin-ends": { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function number(name: string, text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw new UsageError(`--${name}: expected a number, found "${text}"`);
  return value;
}

function generated(text: string, seed: number): Market {
  const [symbol = "", name = "demo"] = text.split(":");
  const preset = presetOf(name);
  if (!/^[A-Za-z0-9]{1,20}$/.test(symbol) || preset === undefined)
    throw new UsageError(`--symbol: expected SYMBOL:${Object.keys(PRESETS).join("|")}, found "${text}"`);
  return createGeneratedMarket({ symbol: symbol.toUpperCase(), preset, seed });
}

async function recorded(text: string, nowMs: number): Promise<Market> {
  const match = /^([A-Za-z0-9]{1,20})=(.+?)(?::(-?\d{1,6}|today|yesterday))?$/.exec(text);
  if (match === null) throw new UsageError(`--recorded: expected SYMBOL=PATH[:DAYS], found "${text}"`);
  const [, symbol = "", path = "", shift = "0"] = match;
  const options = { symbol: symbol.toUpperCase() };
  if (shift !== "today" && shift !== "yesterday")
    return readRecordedMarket(path, { ...options, shiftDays: Number(shift) });
  const { span } = await readRecordedMarket(path, options);
  const today = Math.floor(nowMs / DAY_MS);
  const shiftDays = today - (shift === "yesterday" ? 1 : 0) - Math.floor((span.lo * 60_000) / DAY_MS);
  return readRecordedMarket(path, { ...options, shiftDays });
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help) {
    console.log(USAGE);
    return;
  }
  const seed = number("seed", options.seed);
  const clockOffsetMs = number(
    "clock-offset",
    options["clock-offset"] ?? process.env["CLOCK_OFFSET_MS"] ?? "0",
  );
  const nothing = options.symbol.length + options.recorded.length + options.recording.length === 0;
  const symbols = nothing ? ["BTCUSDT:liquid", "ETHUSDT:demo", "XRPETH:thin"] : options.symbol;
  const nowMs = Date.now() + clockOffsetMs;
  const server = startSimulatorServer({
    markets: [
      ...symbols.map((text) => generated(text, seed)),
      ...(await Promise.all(options.recorded.map((text) => recorded(text, nowMs)))),
    ],
    recordings: await Promise.all(options.recording.map(readRecording)),
    pace: number("pace", options.pace),
    port: number("port", options.port),
    seed,
    clockOffsetMs,
    weights: { limitPerMinute: number("weight-limit", options["weight-limit"]) },
  });
  for (const rule of options.fault) {
    const answer = await fetch(`${server.restUrl}/sim/faults`, { method: "POST", body: rule });
    if (!answer.ok) {
      await server.stop();
      throw new UsageError(`--fault ${rule}: ${await answer.text()}`);
    }
  }
  console.log(`BINANCE_REST_URL=${server.restUrl}`);
  console.log(`BINANCE_WS_URL=${server.wsUrl}`);

  const { promise: asked, resolve } = Promise.withResolvers<void>();
  process.once("SIGINT", () => resolve());
  process.once("SIGTERM", () => resolve());
  if (options["until-stdin-ends"]) process.stdin.on("end", () => resolve()).resume();
  await asked;
  process.stdin.destroy();
  await server.stop();
}

try {
  await main();
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`${error.message}\n\n${USAGE}`);
    process.exit(EXIT_USAGE);
  }
  console.error(`simulate: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(EXIT_FAILED);
}
