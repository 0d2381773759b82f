import { afterAll, describe, expect, test } from "bun:test";
import { chmod, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { formatDay, MS_PER_DAY } from "../../src/core/mod.ts";
import { startSimulatorServer } from "../../src/runtime/mod.ts";
import { createGeneratedMarket, PRESETS } from "../../src/simulator/mod.ts";
import { lookInto } from "../support/data-dir.ts";
import { environment, logLines, type Variables, Workbench } from "../support/processes.ts";
import { TapelineApi } from "../support/tapeline-api.ts";
import { until } from "../support/until.ts";

/** Starts and stops of real processes. */
const SYMBOL = "DEMOUSDT";
const DAY = formatDay(Math.floor(Date.now() / MS_PER_DAY) - 2);
const TIMEOUT_MS = 300_000;
/** Of ten minutes each. */
const CHUNKS = 36;

const bench = new Workbench();
const exchange = startSimulatorServer({
  markets: [createGeneratedMarket({ symbol: SYMBOL, preset: { ...PRESETS.demo, tradesPerDay: 60_000 } })],
  weights: { limitPerMinute: 1_000_000 },
});
afterAll(async () => {
  await bench.close();
  await exchange.stop();
}, TIMEOUT_MS);

const followed = (dataDir: string, more: Variables = {}) =>
  environment(dataDir, exchange, { SYMBOLS: SYMBOL, CONTEXT_BACKFILL_ENABLED: "false", ...more });

async function health(url: string): Promise<unknown> {
  const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(5_000) });
  expect(answer.status).toBe(200);
  return answer.json();
}

describe("a server", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    test(
      `${signal} in the middle of a backfill, gives its chunks back, and the next start goes on with them`,
      async () => {
        const dataDir = await bench.folder();
        const first = await bench.server(followed(dataDir));
        const api = new TapelineApi(first.url);
        const id = await api.backfill(SYMBOL, `${DAY}T06:00:00Z`, `${DAY}T12:00:00Z`);
        await until("some chunks", async () => (await api.job(id)).chunks_done >= 5);
        const beganAt = performance.now();
        first.kill(signal);
        // Later than its own limit it would have ended with 1.
        expect(await first.ended()).toBe(0);
        const tookMs = performance.now() - beganAt;
        expect(logLines(first.stdout()).at(-1)?.msg).toBe("stopped");
        const left = await lookInto(dataDir, async (jobs) => {
          const job = (await jobs.job(id))!;
          const rows = await Promise.all(
            Array.from({ length: job.chunksTotal }, (_, i) => jobs.readChunk(i + 1)),
          );
          return { job, rows };
        });
        expect([left.job.status, left.job.leased, left.job.chunksFailed]).toEqual(["in_progress", 0, 0]);
        const pending = left.rows.filter((row) => row?.status === "pending");
        expect(pending.length).toBe(CHUNKS - left.job.chunksDone);
        expect(pending.every((row) => row?.attempt === 0)).toBe(true);
        expect(left.rows.filter((row) => row?.status === "done").every((row) => row?.attempt === 1)).toBe(
          true,
        );

        const second = await bench.server(followed(dataDir));
        const ended = await new TapelineApi(second.url).ended(id, TIMEOUT_MS);
        expect([ended.status, ended.chunks_done, ended.chunks_total]).toEqual(["complete", CHUNKS, CHUNKS]);
        second.kill("SIGTERM");
        expect(await second.ended()).toBe(0);
        console.log(
          `lifecycle: ${signal} after ${left.job.chunksDone} of ${CHUNKS} chunks, ended after ${Math.round(tookMs)} ms`,
        );
      },
      TIMEOUT_MS,
    );

  test(
    "a second one on the same data directory is refused, with who holds it; commands find the running one",
    async () => {
      const dataDir = await bench.folder();
      const env = followed(dataDir);
      const server = await bench.server(env);
      const refused = await bench.run("serve", [], env);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain(String(server.pid));
      expect(refused.stderr).toContain(server.url);

      const quiet = { ...env, LOG_LEVEL: "warn" };
      const range = ["--from", `${DAY}T10:00:00Z`, "--to", `${DAY}T11:00:00Z`];
      const asked = await bench.run("backfill", [SYMBOL, ...range, "--detach", "--json"], quiet);
      expect({ code: asked.code, stderr: asked.stderr }).toEqual({ code: 0, stderr: "" });
      const { job_id: job } = v.parse(
        v.object({ job_id: v.string() }),
        JSON.parse(asked.stdout.split("\n")[0] ?? ""),
      );
      const watched = await bench.run("backfill", ["watch", job, "--json"], quiet);
      expect({ code: watched.code, stderr: watched.stderr }).toEqual({ code: 0, stderr: "" });
      expect(JSON.parse(watched.stdout.trim().split("\n").at(-1) ?? "")).toMatchObject({
        type: "end",
        job_id: job,
        status: "complete",
      });
      const list = await bench.run("backfill", ["list", "--json"], quiet);
      expect(list.stdout).toContain(`"job_id":"${job}"`);
      const status = await bench.run("backfill", ["status", job, "--json"], quiet);
      expect(JSON.parse(status.stdout)).toMatchObject({ job_id: job, status: "complete" });
      const startup = await bench.run("backfill", ["status", "--json"], quiet);
      expect(JSON.parse(startup.stdout)).toMatchObject({ type: "startup", status: "disabled" });
      const levels = await bench.run("levels", [SYMBOL, "--session", DAY, "--json"], quiet);
      expect({ code: levels.code, stderr: levels.stderr }).toEqual({ code: 0, stderr: "" });
      expect(JSON.parse(levels.stdout)).toMatchObject({ session: DAY, coverage: { covered_minutes: 60 } });
      expect(server.pid).toBeGreaterThan(0);
      await health(server.url);
      server.kill("SIGTERM");
      expect(await server.ended()).toBe(0);
    },
    TIMEOUT_MS,
  );

  test(
    "files of the tape that are gone or damaged are set aside and fetched again",
    async () => {
      const dataDir = await bench.folder();
      const env = followed(dataDir);
      const range = ["--from", `${DAY}T10:00:00Z`, "--to", `${DAY}T12:00:00Z`, "--json"];
      expect((await bench.run("backfill", [SYMBOL, ...range], env)).code).toBe(0);
      const listed = await lookInto(dataDir, (jobs) => jobs.listedFiles());
      expect(listed.length).toBe(12);
      const [gone = "", damaged = "", cut = ""] = listed.toSorted();
      const tape = join(dataDir, "tape");
      await rm(join(tape, gone));
      const bytes = new Uint8Array(await Bun.file(join(tape, damaged)).arrayBuffer());
      bytes[Math.floor(bytes.length / 2)]! ^= 0xff;
      await writeFile(join(tape, damaged), bytes);
      await writeFile(join(tape, cut), bytes.subarray(0, 100));

      exchange.exchange.requests.clear();
      const again = await bench.run("backfill", [SYMBOL, ...range], env);
      expect(again.code).toBe(0);
      const lines = again.stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      expect(lines.at(-1)).toMatchObject({ status: "complete", job: { chunks_total: 3, chunks_done: 3 } });
      const lo = Date.parse(`${DAY}T10:00:00Z`) / 60_000;
      const asked = exchange.exchange.requests
        .minutes(SYMBOL, lo, lo + 120)
        .filter(([, counts]) => counts.asked > 0);
      expect(asked.length).toBe(30);
      const result = lines.find(({ type }) => type === "result");
      expect(result).toMatchObject({ precision: "PRECISE", coverage: { covered_minutes: 120 } });
      const aside = await readdir(tape, { recursive: true });
      expect(aside.filter((path) => path.endsWith(".quarantined")).length).toBe(2);

      // The same numbers as of a download without mishap.
      const calm = await bench.run("backfill", [SYMBOL, ...range], followed(await bench.folder()));
      const undisturbed = calm.stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line))
        .find(({ type }) => type === "result");
      const { as_of: _, revision: __, ...ours } = result;
      const { as_of: ___, revision: ____, ...theirs } = undisturbed;
      expect(ours).toEqual(theirs);
    },
    TIMEOUT_MS,
  );

  test(
    "with the venue down, answers at once, serves what is committed and recovers when it comes up",
    async () => {
      const dataDir = await bench.folder();
      const range = ["--from", `${DAY}T10:00:00Z`, "--to", `${DAY}T11:00:00Z`, "--json"];
      expect((await bench.run("backfill", [SYMBOL, ...range], followed(dataDir))).code).toBe(0);
      const market = createGeneratedMarket({
        symbol: SYMBOL,
        preset: { ...PRESETS.demo, tradesPerDay: 5_000 },
      });
      const weights = { limitPerMinute: 1_000_000 };
      const absent = startSimulatorServer({ markets: [market], weights });
      const { port } = new URL(absent.restUrl);
      await absent.stop();
      const server = await bench.server(
        environment(dataDir, absent, {
          SYMBOLS: `${SYMBOL},OTHERUSDT`,
          CONTEXT_BOOTSTRAP_PREV_DAY: "false",
          BACKFILL_CHUNK_MINUTES: "60",
        }),
      );
      expect(await health(server.url)).toMatchObject({ status: "degraded", backfill_complete: false });
      const api = new TapelineApi(server.url);
      await api.knows(SYMBOL);
      const before = await api.levels(SYMBOL, { session: DAY });
      expect(before.coverage.covered_minutes).toBe(60);
      expect(before.levels.VWAP).not.toBeNull();
      const status = await until("the trouble to be told", async () => {
        const told = await (await fetch(`${server.url}/backfill/status`)).json();
        return told.error === undefined ? undefined : told;
      });
      expect(status).toMatchObject({ status: "pending", running: true });
      expect(status.error).toContain("/api/v3/exchangeInfo");
      const submitted = await fetch(`${server.url}/api/v1/backfill`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ symbols: ["OTHERUSDT"], start_date: DAY, end_date: DAY }),
      });
      // Taken at once; it is planned when the venue answers.
      expect(submitted.status).toBe(202);
      const { job_id: waiting } = v.parse(v.object({ job_id: v.string() }), await submitted.json());
      expect((await api.job(waiting)).status).toBe("pending");

      const other = createGeneratedMarket({
        symbol: "OTHERUSDT",
        preset: { ...PRESETS.demo, tradesPerDay: 5_000 },
      });
      const back = startSimulatorServer({ markets: [market, other], weights, port: Number(port) });
      try {
        await until("the start-up backfill", async () => {
          const told = await (await fetch(`${server.url}/health`)).json();
          return told.backfill_complete === true;
        });
        await until("the live stream", () => back.exchange.streams.sockets().length > 0);
        expect((await api.levels("OTHERUSDT")).precision).toBe("PRECISE");
        await until("the job that waited", async () => (await api.job(waiting)).status === "complete");
        server.kill("SIGTERM");
        expect(await server.ended()).toBe(0);
      } finally {
        await back.stop();
      }
    },
    TIMEOUT_MS,
  );
});

describe("a tape that cannot be written", () => {
  test(
    "ends a backfill with a clear error, and the server serves on",
    async () => {
      const dataDir = await bench.folder();
      const tape = join(dataDir, "elsewhere");
      await mkdir(tape, { recursive: true });
      const server = await bench.server(
        followed(dataDir, { BACKFILL_CACHE_DIR: tape, BACKFILL_CHUNK_MINUTES: "60" }),
      );
      const api = new TapelineApi(server.url);
      await api.knows(SYMBOL);
      // A file where the series' folder should go stops every user, root too.
      await writeFile(join(tape, "venue=binance"), "in the way");
      await chmod(join(tape, "venue=binance"), 0o444);
      const id = await api.backfill(SYMBOL, `${DAY}T10:00:00Z`, `${DAY}T11:00:00Z`);
      const job = await api.ended(id, TIMEOUT_MS);
      expect(job.status).toBe("error");
      expect(job.error).toContain("to the tape");
      await health(server.url);
      await rm(join(tape, "venue=binance"));
      const again = await api.ended(await api.backfill(SYMBOL, `${DAY}T10:00:00Z`, `${DAY}T11:00:00Z`));
      expect(again.status).toBe("complete");
      server.kill("SIGTERM");
      expect(await server.ended()).toBe(0);
    },
    TIMEOUT_MS,
  );
});
