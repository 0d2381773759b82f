/** `bun run demo`: a simulated exchange, a server that follows it, and a backfill to watch. No network, nothing to install. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type App, startApp } from "../src/app/mod.ts";
import { readConfig } from "../src/config.ts";
import { formatDecimal } from "../src/core/mod.ts";
import { createLogger, thisProcess } from "../src/runtime/mod.ts";

const USAGE = `Usage: bun run demo [options]

  --exit-when-complete   end as soon as the backfill is complete (exit 0), or has failed (1)
  --port PORT            default 8080, or a free one when it is taken
  --keep DIR             keep the data in DIR, so that the next start resumes; default: a folder that is removed
`;
const SYMBOL = "DEMOUSDT";
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const DEFAULT_PORT = 8080;
const SIMULATOR_TIMEOUT_MS = 15_000;
const SHOW_INTERVAL_MS = 500;
const STOP_TIMEOUT_MS = 15_000;

function readOptions() {
  try {
    return parseArgs({
      options: {
        "exit-when-complete": { type: "boolean", default: false },
        port: { type: "string" },
        keep: { type: "string" },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (thrown) {
    console.error(`${thrown instanceof Error ? thrown.message : String(thrown)}\n\n${USAGE}`);
    process.exit(EXIT_USAGE);
  }
}

/** The exchange runs in a process of its own, as a real one would: what it costs is not the server's. */
async function startExchange() {
  const command = [
    process.execPath,
    script("simulate.ts"),
    "--symbol",
    `${SYMBOL}:demo`,
    "--until-stdin-ends",
  ];
  const child = Bun.spawn(command, {
    // Held open by this process: however it ends, the exchange ends with it.
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const timer = setTimeout(() => child.kill(), SIMULATOR_TIMEOUT_MS);
  let text = "";
  const decoder = new TextDecoder();
  for await (const part of child.stdout) {
    text += decoder.decode(part, { stream: true });
    const found = /BINANCE_REST_URL=(\S+)\s+BINANCE_WS_URL=(\S+)/.exec(text);
    if (found === null) continue;
    clearTimeout(timer);
    return { child, restUrl: found[1]!, wsUrl: found[2]! };
  }
  throw new Error("the simulated exchange did not start");
}

function script(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

async function start(
  dataDir: string,
  port: string | undefined,
  urls: { restUrl: string; wsUrl: string },
): Promise<App> {
  const begin = (portText: string) =>
    startApp({
      config: readConfig({
        DATA_SOURCE: "sim",
        SYMBOLS: SYMBOL,
        DATA_DIR: dataDir,
        PORT: portText,
        BINANCE_REST_URL: urls.restUrl,
        BINANCE_WS_URL: urls.wsUrl,
        LOG_LEVEL: process.env["LOG_LEVEL"] ?? "warn",
      }),
      duties: { follow: true },
      process: thisProcess(),
      log: createLogger({ level: process.env["LOG_LEVEL"] ?? "warn", fd: 2 }),
      onFatal: (error) => {
        console.error(error.message);
        process.exit(EXIT_FAILED);
      },
    });
  try {
    return await begin(port ?? String(DEFAULT_PORT));
  } catch (thrown) {
    const taken = thrown instanceof Error && "code" in thrown && thrown.code === "EADDRINUSE";
    if (port !== undefined || !taken) throw thrown;
    return begin("0");
  }
}

/** One line a moment: how far the backfill is and what the levels are meanwhile. */
async function show(app: App): Promise<string> {
  const engine = app.engine();
  const status = engine?.startup.status();
  const found = await engine?.levels.levelSet({});
  if (status === undefined || found?.kind !== "found") return "opening …";
  const { set } = found;
  const text = (name: "VWAP" | "POC" | "VAH" | "VAL" | "LAST") => {
    const value = set.levels[name];
    return `${name} ${value === null ? "—" : formatDecimal(value)}`;
  };
  return (
    `${status.status} ${status.percentage.toFixed(1).padStart(5)} %  ` +
    `${text("VWAP")}  ${text("POC")}  ${text("VAH")}  ${text("VAL")}  ${text("LAST")}  ${set.precision}`
  );
}

async function main(): Promise<number> {
  const options = readOptions();
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const startedAt = performance.now();
  const dataDir = options.keep ?? (await mkdtemp(join(tmpdir(), "tapeline-demo-")));
  const exchange = await startExchange();
  let app: App | undefined;
  try {
    app = await start(dataDir, options.port, exchange);
    console.log(`Tapeline serves ${SYMBOL} at ${app.url} (simulated market, data in ${dataDir})

  ${app.url}/examples/page shows its levels, bars and backfill
  curl ${app.url}/health
  curl '${app.url}/levels?symbol=${SYMBOL}'
  WebSocket ${app.url.replace("http", "ws")}/connection/websocket
    → {"id":1,"connect":{}}
    → {"id":2,"subscribe":{"channel":"levels:binance:${SYMBOL}"}}
`);
    const { promise: ended, resolve: end } = Promise.withResolvers<number>();
    for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => end(0));
    exchange.child.exited.then(() => end(EXIT_FAILED));
    let told = "";
    let showing = false;
    const timer = setInterval(async () => {
      if (showing) return;
      showing = true;
      const line = await show(app!).catch((thrown) => String(thrown));
      showing = false;
      if (line !== told) console.log(line);
      told = line;
      const status = app!.engine()?.startup.status().status;
      if (!options["exit-when-complete"]) return;
      if (status === "complete") end(0);
      if (status === "error" || status === "cancelled") end(EXIT_FAILED);
    }, SHOW_INTERVAL_MS);
    const code = await ended;
    clearInterval(timer);
    const took = ((performance.now() - startedAt) / 1_000).toFixed(1);
    console.log(`${await show(app)}\n${code === 0 ? "Done" : "Failed"} after ${took} s; stopping.`);
    return code;
  } finally {
    const cut = setTimeout(() => process.exit(EXIT_FAILED), STOP_TIMEOUT_MS);
    await app?.close();
    exchange.child.kill();
    await exchange.child.exited;
    if (options.keep === undefined) await rm(dataDir, { recursive: true, force: true });
    clearTimeout(cut);
  }
}

try {
  process.exit(await main());
} catch (thrown) {
  console.error(`demo: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  process.exit(EXIT_FAILED);
}
