/**
 * The server of the responsiveness benchmark: an ordinary server that measures the delay of its own event loop.
 * SIGUSR2 ends one period of measurement and begins the next; every period is printed as a line `loop …`.
 */
import { startApp } from "../../src/app/mod.ts";
import { readConfig } from "../../src/config.ts";
import { createLogger, thisProcess } from "../../src/runtime/mod.ts";
import { percentile } from "./percentile.ts";

/** A timer due this often; what it comes late is the delay of the loop. */
const TICK_MS = 2;

const log = createLogger({ level: "warn", fd: 2 });
const app = await startApp({
  config: readConfig(process.env),
  duties: { follow: true },
  process: thisProcess(),
  log,
  onFatal: (error) => {
    log.fatal({ err: error }, "cannot go on");
    process.exit(1);
  },
});
await app.ready;

let delays: number[] = [];
let due = performance.now() + TICK_MS;
setInterval(() => {
  const now = performance.now();
  delays.push(Math.max(0, now - due));
  due = now + TICK_MS;
}, TICK_MS);

function report(): void {
  const text = [50, 99, 99.9].map((p) => `p${p} ${percentile(delays, p).toFixed(2)} ms`).join("   ");
  console.log(`loop ${text}   max ${Math.max(...delays).toFixed(2)} ms   (${delays.length})`);
  delays = [];
}

process.on("SIGUSR2", report);
process.on("SIGTERM", async () => {
  report();
  await app.close();
  process.exit(0);
});
console.log(`ready ${app.url}`);
