/**
 * `bun scripts/bench/commits.ts [--workers 8] [--chunks 20000] [--jobs 1] [--covered]`: claims and commits a second on Postgres
 * (an empty database of yours with `DATABASE_URL`, else one of the tests' kind, whose durability is off), with chunks that need no download, each worker a process of its own with one
 * connection. Each has done 1,000 commits before the clock starts: what is measured is a worker that has run for some seconds, not the
 * compiler. `--covered`: every commit also writes a segment and its coverage. Afterwards it compares counters with rows, and
 * explains a claim among 100,000 chunks.
 */
import { parseArgs } from "node:util";
import { type Database, openPostgres } from "../../db/mod.ts";
import { createJobStore, type JobStore } from "../../src/backfill/mod.ts";
import { postgresCluster } from "../../tests/support/mod.ts";
import { percentile } from "./percentile.ts";

const CHUNK_MINUTES = 10;
const EXPLAINED_CHUNKS = 100_000;
const LEASE_MS = 60_000;
/** Commits of a worker before the clock starts. */
const WARM_COMMITS = 1_000;
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
  await runChunks(store, name, WARM_COMMITS);
  console.log("ready");
  for await (const _line of console) break;
  const startedAt = performance.now();
  const { commits, lost } = await runChunks(store, name, Number.POSITIVE_INFINITY);
  const report: Report = { commits, lost, ms: performance.now() - startedAt };
  console.log(JSON.stringify(report));
  await database.close();
}

/** Claims and commits up to `most` chunks, as long as there are any. */
async function runChunks(store: JobStore, name: string, most: number) {
  let commits = 0;
  let lost = 0;
  const options = { owner: name, leaseMs: LEASE_MS };
  let chunk = await store.claim(options);
  while (chunk !== undefined) {
    const { range } = chunk;
    const segments = values.covered
      ? [{ kind: "backfill" as const, range, files: [], rows: 0, digest: "", origin: "bench" }]
      : [];
    const isLast = commits + lost + 1 >= most;
    const result = { recordsFetched: 0, segments };
    const outcome = await store.commit(chunk.lease, result, isLast ? undefined : options);
    if (outcome.kind === "committed") commits++;
    else lost++;
    if (isLast) break;
    // As the dispatcher does it: what a commit took along is next, else it asks for more.
    chunk = (outcome.kind === "committed" ? outcome.next : undefined) ?? (await store.claim(options));
  }
  return { commits, lost };
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
  await fill(database, 1, workers * WARM_COMMITS, "warming up");
  const children = Array.from({ length: workers }, (_, n) =>
    Bun.spawn(
      [process.execPath, import.meta.path, "--worker", `w${n}`, ...(values.covered ? ["--covered"] : [])],
      { env: { ...process.env, DATABASE_URL: url }, stdin: "pipe", stdout: "pipe", stderr: "inherit" },
    ),
  );
  const outputs = children.map((child) => lines(child.stdout));
  for (const output of outputs) await output.next();
  await fill(database, Number(values.jobs), Number(values.chunks), "throughput");
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
