/**
 * `bun scripts/bench/commits.ts [--workers 8] [--chunks 20000] [--jobs 1] [--covered]`: claims and commits a second on Postgres
 * (an empty database of yours with `DATABASE_URL`, else one of the tests' kind, whose durability is off), with chunks that need no download, each worker a process of its own with one
 * connection. `--covered`: every commit also writes a segment and its coverage. Afterwards it compares counters with rows,
 * and explains a claim among 100,000 chunks.
 */
import { parseArgs } from "node:util";
import { type Database, openPostgres } from "../../db/mod.ts";
import { createJobStore } from "../../src/backfill/mod.ts";
import { postgresCluster } from "../../tests/support/postgres-cluster.ts";
import { percentile } from "./percentile.ts";

const CHUNK_MINUTES = 10;
const EXPLAINED_CHUNKS = 100_000;
const LEASE_MS = 60_000;
/** Claims measured among the 100,000. */
const CLAIMS = 200;

interface Report {
  readonly commits: number;
  readonly lost: number;
  readonly ms: number;
}

const { values } = parseArgs({
  options: {
    workers: { type: "string", default: "8" },
    chunks: { type: "string", default: "20000" },
    jobs: { type: "string", default: "1" },
    covered: { type: "boolean", default: false },
    /** Internal: this process is one of the workers. */
    worker: { type: "string" },
  },
});

async function work(name: string): Promise<void> {
  const database = await openPostgres({ url: process.env["DATABASE_URL"] ?? "", poolSize: 1 });
  const store = createJobStore(database);
  await store.pendingWork();
  console.log("ready");
  for await (const _line of console) break;
  const startedAt = performance.now();
  let commits = 0;
  let lost = 0;
  for (;;) {
    const chunk = await store.claim({ owner: name, leaseMs: LEASE_MS });
    if (chunk === undefined) break;
    const outcome = await store.commit(chunk.lease, {
      recordsFetched: 0,
      ...(values.covered
        ? {
            segments: [
              { kind: "backfill", range: chunk.range, files: [], rows: 0, digest: "", origin: "bench" },
            ],
          }
        : {}),
    });
    if (outcome.kind === "committed") commits++;
    else lost++;
  }
  const report: Report = { commits, lost, ms: performance.now() - startedAt };
  console.log(JSON.stringify(report));
  await database.close();
}

async function fill(database: Database, jobs: number, chunks: number, label: string): Promise<void> {
  const store = createJobStore(database);
  const series = await store.ensureSeries({
    venue: "bench",
    market: "spot",
    symbol: label,
    priceScale: 2,
    sizeScale: 2,
    tickUnits: 1,
    lotUnits: 1,
    binUnits: 1,
  });
  const each = Math.ceil(chunks / jobs);
  for (let job = 0; job < jobs; job++)
    await store.createJob({
      request: { bench: label },
      requestKey: `${label}-${job}-${crypto.randomUUID()}`,
      dataset: "trades",
      maxParallel: 1_000,
      chunks: Array.from({ length: each }, (_, no) => ({
        seriesId: series.id,
        range: { lo: (job * each + no) * CHUNK_MINUTES, hi: (job * each + no + 1) * CHUNK_MINUTES },
        source: "rest" as const,
        rank: no,
      })),
    });
  // Not the tables that are still empty: a plan for an empty table reads all of it, and is kept while the table fills.
  await database.sql`analyze backfill_job, backfill_chunk, backfill_part, series`;
}

async function throughput(url: string, database: Database): Promise<void> {
  const workers = Number(values.workers);
  await fill(database, Number(values.jobs), Number(values.chunks), "throughput");
  const children = Array.from({ length: workers }, (_, n) =>
    Bun.spawn(
      [process.execPath, import.meta.path, "--worker", `w${n}`, ...(values.covered ? ["--covered"] : [])],
      { env: { ...process.env, DATABASE_URL: url }, stdin: "pipe", stdout: "pipe", stderr: "inherit" },
    ),
  );
  const outputs = children.map((child) => lines(child.stdout));
  for (const output of outputs) await output.next();
  const startedAt = performance.now();
  for (const child of children) {
    child.stdin.write("go\n");
    await child.stdin.end();
  }
  let commits = 0;
  let lost = 0;
  for (const output of outputs) {
    const report: Report = JSON.parse((await output.next()).value ?? "{}");
    commits += report.commits;
    lost += report.lost;
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  await Promise.all(children.map((child) => child.exited));
  console.log(
    `${commits} claims and commits by ${workers} workers of ${values.jobs} job(s)${values.covered ? ", each with a segment" : ""}: ` +
      `${Math.round(commits / seconds)} commits/s, ${lost} lost, ${seconds.toFixed(1)} s`,
  );
  const [wrong] = await database.sql`
    select count(*)::int as wrong from backfill_job j where status <> 'complete' or leased <> 0
      or chunks_done <> (select count(*) from backfill_chunk c where c.job_id = j.id and c.status = 'done')`;
  console.log(`jobs whose counters differ from their rows: ${wrong?.["wrong"]}`);
}

async function explainClaim(database: Database): Promise<void> {
  await database.sql`truncate backfill_job, backfill_chunk, segment, coverage cascade`;
  await fill(database, 2, EXPLAINED_CHUNKS, "explained");
  const store = createJobStore(database);
  const took: number[] = [];
  for (let n = 0; n < CLAIMS; n++) {
    const at = performance.now();
    await store.claim({ owner: "explained", leaseMs: LEASE_MS });
    took.push(performance.now() - at);
  }
  console.log(
    `claim among ${EXPLAINED_CHUNKS} pending chunks, round trip: p50 ${percentile(took, 50).toFixed(2)} ms, p99 ${percentile(took, 99).toFixed(2)} ms`,
  );
  // The very statement that the store has prepared in this session.
  const [prepared] = await database.sql<{ name: string }[]>`
    select name from pg_prepared_statements where statement like '%found as materialized%' and statement not like '%pg_prepared%'`;
  if (prepared === undefined) throw new Error("the claim is no prepared statement of this session any more");
  const plan = await database.sql.unsafe(
    `explain (analyze, buffers, costs off) execute "${prepared.name}"('explained', ${LEASE_MS})`,
  );
  for (const row of plan) console.log(`  ${row["QUERY PLAN"]}`);
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    rest += decoder.decode(bytes, { stream: true });
    for (let at = rest.indexOf("\n"); at >= 0; at = rest.indexOf("\n")) {
      yield rest.slice(0, at);
      rest = rest.slice(at + 1);
    }
  }
  return undefined;
}

if (values.worker !== undefined) {
  await work(values.worker);
} else {
  const url = process.env["DATABASE_URL"] ?? (await postgresCluster()).urlOf("postgres");
  const database = await openPostgres({ url, poolSize: 1 });
  const settings =
    await database.sql`select name, setting from pg_settings where name in ('server_version', 'fsync', 'synchronous_commit')`;
  console.log(settings.map((row) => `${row["name"]} ${row["setting"]}`).join(", "));
  await throughput(url, database);
  await explainClaim(database);
  await database.close();
}
process.exit(0);
