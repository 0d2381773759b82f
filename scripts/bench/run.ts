/**
 * `bun run bench [NAME…]`: the benchmarks of this folder, one after the other, each in a process of its own. Without a name,
 * those that take no more than a minute.
 */
import { fileURLToPath } from "node:url";

/** Every benchmark that can be named; the ones marked run when none is. */
const BENCHES: Readonly<Record<string, "short" | "long">> = {
  "push-fanout": "short",
  "push-sockets": "short",
  "push-slow": "short",
  tape: "short",
  windows: "short",
  "window-proofs": "short",
  "profile-cache": "short",
  "resident-day": "short",
  "live-levels": "short",
  "channel-frames": "short",
  certify: "short",
  certainty: "short",
  responsive: "short",
  "push-load": "long",
  "push-idle": "long",
  "seam-hour": "long",
  commits: "long",
  "candle-jobs": "long",
};
const EXIT_USAGE = 2;

const named = process.argv.slice(2);
const unknown = named.filter((name) => !Object.hasOwn(BENCHES, name));
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(", ")}; there are ${Object.keys(BENCHES).join(", ")}.`);
  process.exit(EXIT_USAGE);
}
const chosen = named.length > 0 ? named : Object.keys(BENCHES).filter((name) => BENCHES[name] === "short");
let failed = 0;
for (const name of chosen) {
  console.log(`\n── ${name}`);
  const path = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const child = Bun.spawn([process.execPath, path], { stdio: ["ignore", "inherit", "inherit"] });
  if ((await child.exited) !== 0) failed++;
}
process.exit(failed === 0 ? 0 : 1);
