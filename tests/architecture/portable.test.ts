import { expect, test } from "bun:test";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const SRC = fileURLToPath(new URL("../../src", import.meta.url));
const NODE_TIMEOUT_MS = 30_000;
const run = promisify(execFile);

/** Bundles an entry that imports portable folders (`@/core/mod.ts`) and runs it under Node; answers what it printed. */
async function runUnderNode(entry: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tapeline-portable-"));
  try {
    const path = join(folder, "entry.ts");
    await writeFile(path, entry.replaceAll('"@/', `"${SRC}/`));
    const built = await Bun.build({
      entrypoints: [path],
      outdir: folder,
      target: "node",
      naming: "bundle.mjs",
    });
    expect(built.success).toBe(true);
    const node = Bun.which("node") ?? "node";
    const { stdout } = await run(node, [join(folder, "bundle.mjs")], { timeout: NODE_TIMEOUT_MS });
    return stdout;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

// Where Bun is installed by itself there may be no Node; CI has it.
const needsNode = test.skipIf(Bun.which("node") === null && process.env["CI"] !== "true");

needsNode("core, computes levels under Node", async () => {
  const printed = await runUnderNode(`
    import { TradeBatchBuilder, foldMinutes, foldWindow, formatDecimal, valueArea, vwap } from "@/core/mod.ts";
    const builder = new TradeBatchBuilder("aggregate", { priceScale: 0, sizeScale: 0 });
    for (const [id, price, size] of [[1, "100.5", "2"], [2, "101", "1"], [3, "100.5", "0.5"]])
      builder.push({ id, timeUs: id * 1_000_000, price, size, firstId: id, lastId: id, buy: id === 2 });
    const { minutes, scales } = foldMinutes(builder.build(), 5);
    const { profile, quoteVolume, volume } = foldWindow(minutes);
    console.log(JSON.stringify([formatDecimal(vwap(quoteVolume, volume, scales)), valueArea(profile.rows())]));
  `);
  expect(JSON.parse(printed)).toEqual(["100.643", { poc: 201, vah: 201, val: 201 }]);
});

needsNode("http, answers under Node", async () => {
  const printed = await runUnderNode(`
    import { createHttpApp } from "@/http/mod.ts";
    const never = () => { throw new Error("not asked for"); };
    const startup = { status: "in_progress", running: true, chunksDone: 1, chunksTotal: 4, percentage: 25, etaSeconds: null };
    const app = createHttpApp({
      levels: { levelSet: ({ symbol }) => ({ kind: "unknown_symbol", symbol: "binance:NONE" }), profile: never },
      backfill: { submit: never, job: () => undefined, recent: () => [], startup: () => startup },
      session: never, nowMs: () => 0, requestId: () => "id", log: { error: never }, defaultVenue: "binance", version: "0",
    });
    const answers = [];
    for (const path of ["/health", "/levels?symbol=NONE", "/api/v1/backfill/recent", "/nowhere", "/openapi.json"]) {
      const response = await app.fetch(new Request("http://localhost" + path));
      answers.push([response.status, response.headers.get("content-type"), await response.json()]);
    }
    console.log(JSON.stringify(answers));
  `);
  const [health, levels, recent, nowhere, contract] = JSON.parse(printed);
  expect(health).toEqual([
    200,
    expect.stringContaining("application/json"),
    { status: "degraded", backfill_status: "in_progress", backfill_complete: false },
  ]);
  expect(levels).toMatchObject([404, expect.stringContaining("application/problem+json"), { status: 404 }]);
  expect(recent).toMatchObject([200, expect.stringContaining("application/json"), { jobs: [] }]);
  expect(nowhere).toMatchObject([404, expect.stringContaining("application/problem+json"), { status: 404 }]);
  expect(contract).toMatchObject([200, "application/json", { openapi: "3.1.0" }]);
});

needsNode("protocol, loads under Node", async () => {
  const printed = await runUnderNode(`
    import * as protocol from "@/protocol/mod.ts";
    console.log(Object.keys(protocol).length > 0);
  `);
  expect(printed.trim()).toBe("true");
});
