import type { BackfillRequest } from "../../../src/backfill/request.ts";
import { digestOf } from "../../../src/backfill/segment-digest.ts";
import { ATTEMPTS_MAX } from "../../../src/backfill/store/claims.ts";
import { BACKFILL_CHANNEL, type JobEvent, jobChannel } from "../../../src/backfill/store/events.ts";
import {
  Coverage,
  foldMinutes,
  intersectRanges,
  isEndedState,
  JOB_EVENTS,
  type JobState,
  jobOutcome,
  rescaleBatch,
  sameScales,
  type TradeBatch,
} from "../../../src/core/mod.ts";
import { REFUSED_FOR_GOOD } from "./exchange.ts";
import type { ChunkRecord, JobRow, SegmentRow } from "./memory-tables.ts";
import type { World } from "./world.ts";

/** Everything that is wrong with the state that a run has left, in words; nothing when it is sound. */
export async function verdict(world: World, requests: readonly BackfillRequest[]): Promise<string[]> {
  const { tables } = world.database;
  const wrong: string[] = [];
  const tell = (what: string) => wrong.push(what);
  for (const job of tables.jobs.values()) checkJob(world, job, tell);
  for (const id of tables.series.keys()) checkSeries(world, id, tell);
  for (const request of requests) checkRequest(world, request, tell);
  await checkEvents(world, tell);
  return wrong;
}

type Tell = (what: string) => void;

function checkJob({ database: { tables }, calm }: World, job: JobRow, tell: Tell): void {
  const chunks = tables.chunksOf(job.id);
  const count = (status: string) => chunks.filter((chunk) => chunk.status === status).length;
  const sum = (of: (chunk: ChunkRecord) => number) => chunks.reduce((total, chunk) => total + of(chunk), 0);
  const name = `job ${job.id.slice(-3)}`;
  if (!isEndedState(job.status) || job.finishedAt === undefined)
    tell(`${name} did not end: ${job.status}, ${job.chunksDone}/${job.chunksTotal}, ${job.leased} leased`);
  const counters = [
    ["chunksDone", "done"],
    ["chunksFailed", "failed"],
    ["chunksCancelled", "cancelled"],
    ["leased", "leased"],
  ] as const;
  for (const [counter, status] of counters)
    if (job[counter] !== count(status))
      tell(`${name}: ${counter} is ${job[counter]}, ${count(status)} of its chunks are ${status}`);
  if (count("pending") > 0) tell(`${name} is ${job.status} with ${count("pending")} chunks to fetch`);
  const fetched = sum(({ records }) => records);
  if (job.recordsFetched !== fetched)
    tell(`${name}: ${job.recordsFetched} records fetched, its chunks say ${fetched}`);
  const ids = new Set(chunks.map(({ id }) => id));
  let inserted = 0;
  for (const { chunkId, rows } of tables.segments.values())
    if (chunkId !== undefined && ids.has(chunkId)) inserted += rows;
  if (job.recordsInserted !== inserted)
    tell(`${name}: ${job.recordsInserted} records inserted, its segments say ${inserted}`);
  for (const chunk of chunks) {
    checkAttempts(chunk, tell);
    if (calm && chunk.status === "done" && chunk.attempt !== 1)
      tell(`chunk ${chunk.id} took ${chunk.attempt} attempts though nothing failed`);
  }
}

function checkAttempts({ id, attempt, leaseToken, status, error }: ChunkRecord, tell: Tell): void {
  const least = status === "cancelled" ? 0 : 1;
  if (attempt < least || attempt > ATTEMPTS_MAX) tell(`chunk ${id} ended after ${attempt} attempts`);
  if (leaseToken < attempt) tell(`chunk ${id} has had ${attempt} attempts and ${leaseToken} leases`);
  const forGood = error === REFUSED_FOR_GOOD;
  if (status === "failed" && attempt < ATTEMPTS_MAX && !forGood)
    tell(`chunk ${id} was given up after ${attempt} attempts: ${error}`);
}

/** The listing of a series: disjoint, of committed segments whose files hold exactly the venue's trades. */
function checkSeries({ database: { tables }, exchange, tape }: World, seriesId: number, tell: Tell): void {
  const rows = tables.coverage.get(seriesId) ?? [];
  const { symbol } = tables.seriesRow(seriesId);
  rows.forEach((row, index) => {
    const next = rows[index + 1];
    if (next !== undefined && next.lo < row.hi) tell(`${symbol}: minute ${next.lo} has two owners`);
    const owner = tables.segments.get(row.segmentId);
    if (owner === undefined || owner.state !== "committed" || owner.seriesId !== seriesId)
      tell(`${symbol}: [${row.lo}, ${row.hi}) belongs to segment ${row.segmentId}, which is ${owner?.state}`);
    else if (row.lo < owner.range.lo || row.hi > owner.range.hi)
      tell(`${symbol}: segment ${owner.id} owns minutes outside of itself`);
  });
  for (const segment of tables.segments.values()) {
    if (segment.seriesId !== seriesId) continue;
    const owns = rows.some(({ segmentId }) => segmentId === segment.id);
    if (owns !== (segment.state === "committed"))
      tell(`${symbol}: segment ${segment.id} is ${segment.state} and owns ${owns ? "minutes" : "nothing"}`);
    checkSegment(segment, tape.files, exchange.tradesOf(symbol, segment.range), tell);
  }
}

function checkSegment(
  segment: SegmentRow,
  files: ReadonlyMap<string, TradeBatch>,
  truth: TradeBatch,
  tell: Tell,
): void {
  const name = `segment ${segment.id} [${segment.range.lo}, ${segment.range.hi})`;
  if (segment.rows !== truth.length) tell(`${name} has ${segment.rows} rows of ${truth.length}`);
  const file = segment.files[0];
  const batch = file === undefined ? undefined : files.get(file.path);
  if (truth.length === 0) {
    if (file !== undefined) tell(`${name} lists a file for no trades`);
    return;
  }
  if (batch === undefined) {
    tell(`${name} lists a file that is not there`);
    return;
  }
  if (segment.firstId !== String(truth.id[0]) || segment.lastId !== String(truth.id[truth.length - 1]))
    tell(`${name} has other ids than the venue`);
  const exact = sameScales(batch.scales, truth.scales) ? truth : rescaleBatch(truth, batch.scales);
  for (const column of ["id", "timeUs", "price", "size", "buy"] as const)
    if (
      exact[column]
        .subarray(0, exact.length)
        .some((value: number, row: number) => value !== batch[column][row])
    )
      tell(`${name}: its column ${column} is not the venue's`);
  if (segment.digest !== digestOf(foldMinutes(exact, 1))) tell(`${name} has the digest of other trades`);
}

/** Every minute that was asked for is there, or in a chunk that says that it has failed or was called off. */
function checkRequest(
  { database: { tables } }: World,
  { symbols, range }: BackfillRequest,
  tell: Tell,
): void {
  for (const { symbol } of symbols) {
    const series = [...tables.series.values()].find((row) => row.symbol === symbol);
    if (series === undefined) continue;
    const known = Coverage.of([
      ...(tables.coverage.get(series.id) ?? []),
      ...[...tables.chunks.values()]
        .filter(
          ({ seriesId, status }) => seriesId === series.id && (status === "failed" || status === "cancelled"),
        )
        .flatMap((chunk) => intersectRanges(chunk.range, range) ?? []),
    ]);
    for (const { lo, hi } of known.missing(range)) tell(`${symbol}: minutes [${lo}, ${hi}) were lost`);
  }
}

async function checkEvents({ database }: World, tell: Tell): Promise<void> {
  const all: JobEvent[] = [];
  for (;;) {
    const page = await database.events(BACKFILL_CHANNEL, all.length, 1_000);
    all.push(...page);
    if (page.length === 0) break;
  }
  if (all.some(({ offset }, index) => offset !== index + 1)) tell("the offsets of the channel have a hole");
  for (const job of database.tables.jobs.values()) {
    const own = await database.events(jobChannel(job.id), 0, 1_000);
    let status: JobState = "idle";
    own.forEach(({ offset, data }, index) => {
      if (offset !== index + 1) tell(`job ${job.id.slice(-3)}: event ${index + 1} has offset ${offset}`);
      if (data.from !== status || !leadsTo(status, data.to))
        tell(`job ${job.id.slice(-3)} went from ${status} by an event ${data.from} → ${data.to}`);
      status = data.to;
    });
    if (status !== job.status)
      tell(`job ${job.id.slice(-3)} is ${job.status}, its events end with ${status}`);
    if (all.filter(({ data }) => data.job_id === job.id).length !== own.length)
      tell(`job ${job.id.slice(-3)}: the channel of all jobs tells other events`);
  }
}

/** Whether the machine has a step between two states. */
function leadsTo(from: JobState, to: JobState): boolean {
  return JOB_EVENTS.some((event) => {
    const outcome = jobOutcome(from, event);
    return outcome.kind === "moves" && outcome.to === to;
  });
}
