import { beforeAll, expect, test } from "bun:test";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { serverAssets } from "../../src/app/assets.ts";
import { clientBuilt, consumer, fromRoot } from "../support/client-built.ts";

/** What a page loads for the client, bytes. */
const GZIP_BYTES_MAX = 40_000;
const TIMEOUT_MS = 180_000;
const run = promisify(execFile);

beforeAll(clientBuilt, TIMEOUT_MS);

test("dist/client.js, is at most 40 kB gzip, and loads nothing but itself", async () => {
  const script = await readFile(fromRoot("dist/client.js"));
  const bytes = Bun.gzipSync(script).length;
  console.log(`client: ${script.length} bytes, ${bytes} gzip`);
  expect(bytes).toBeLessThanOrEqual(GZIP_BYTES_MAX);
  const imports = new Bun.Transpiler({ loader: "js" }).scanImports(script);
  expect(imports.filter(({ kind }) => kind === "import-statement")).toEqual([]);
});

test("/client.js, is the built client", async () => {
  const asset = serverAssets().find(({ path }) => path === "/client.js");
  const content = await asset?.read();
  expect(asset?.contentType).toBe("text/javascript; charset=utf-8");
  expect(Buffer.from(content?.bytes ?? []).equals(await readFile(fromRoot("dist/client.js")))).toBe(true);
});

const TYPED = `
import { Tapeline, TapelineError } from "tapeline/client";
const tapeline = new Tapeline("http://127.0.0.1:8080", { token: async () => "token" });
for await (const set of tapeline.levels("BTCUSDT", { session: "2026-01-02" })) {
  const vwap: number | string | null = set.levels.VWAP;
  // @ts-expect-error a state is read only
  set.levels.VWAP = vwap;
}
for await (const { bars } of tapeline.bars("BTCUSDT", "5m")) bars[0]?.open satisfies number | string | null | undefined;
for await (const job of tapeline.backfill("id"))
  if (job.change.kind === "transition") job.change.transition.to satisfies string;
for await (const update of tapeline.gaps("BTCUSDT"))
  if (update.kind === "event") update.event.change satisfies "found" | "filled" | "mismatch" | "resolved";
const job: string = (await tapeline.jobs().until(({ to }) => to === "complete", { timeoutMs: 1_000 })).job_id;
// @ts-expect-error there is no such command
await tapeline.http.control(job, "explode");
// @ts-expect-error there is no such interval
tapeline.bars("BTCUSDT", "7m");
export const poc: string | null = (await tapeline.http.levels({ symbol: "BTCUSDT" })).certainty.POC;
export const isOurs = (error: unknown) => error instanceof TapelineError && error.kind === "unknown";
`;

for (const [module, resolution] of [
  ["nodenext", "nodenext"],
  ["esnext", "bundler"],
])
  test(
    `tapeline/client, has types for a project with ${resolution} resolution`,
    () =>
      consumer(async (folder) => {
        await writeFile(join(folder, "index.ts"), TYPED);
        const flags = `--noEmit --strict --skipLibCheck false --target es2022 --lib es2022,dom,dom.iterable --module ${module} --moduleResolution ${resolution} index.ts`;
        const { stdout } = await run(
          process.execPath,
          [fromRoot("node_modules/typescript/bin/tsc"), "--types", "", ...flags.split(" ")],
          { cwd: folder, timeout: TIMEOUT_MS },
        ).catch((thrown: { stdout?: string }) => ({ stdout: thrown.stdout ?? String(thrown) }));
        expect(stdout).toBe("");
      }),
    TIMEOUT_MS,
  );

// Where Bun is installed by itself there may be no Node; CI has it.
const withNode = test.skipIf(Bun.which("node") === null && process.env["CI"] !== "true");

for (const program of ["node", process.execPath])
  (program === "node" ? withNode : test)(
    `tapeline/client, is found by ${program === "node" ? "Node" : "Bun"}`,
    () =>
      consumer(async (folder) => {
        const text =
          'import { Tapeline } from "tapeline/client"; console.log(new Tapeline("http://h").status.state);';
        await writeFile(join(folder, "index.mjs"), text);
        const { stdout } = await run(program, ["index.mjs"], { cwd: folder, timeout: TIMEOUT_MS });
        expect(stdout.trim()).toBe("disconnected");
      }),
    TIMEOUT_MS,
  );
