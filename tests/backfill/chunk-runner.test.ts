import { expect, test } from "bun:test";
import { type ChunkRunnerDeps, runChunk } from "../../src/backfill/chunk-runner.ts";
import type { ChunkRow, ClaimedChunk, CommitOutcome } from "../../src/backfill/store/types.ts";
import { instantTurns } from "../support/fake-clock.ts";
import { newProgress, SERIES } from "./memory-job-store.ts";

const RANGE = { lo: 28_000_000, hi: 28_000_010 };
const JOB = newProgress({ status: "in_progress", chunksTotal: 1 });
const CHUNK: ClaimedChunk = {
  lease: { chunkId: 3, token: 7 },
  job: JOB,
  series: SERIES,
  range: RANGE,
  source: "rest",
  timeframe: undefined,
  attempt: 1,
  checkpoint: undefined,
  events: [],
};

/** The chunk as the database has it, `done` or still out, under some lease. */
function rowOf(status: "leased" | "done", leaseToken: number): ChunkRow {
  return {
    id: 3,
    jobId: JOB.id,
    no: 0,
    seriesId: SERIES.id,
    range: RANGE,
    status,
    attempt: 1,
    leaseToken,
    leaseUntil: undefined,
    runAfter: new Date(0),
    records: 0,
    error: undefined,
    segmentIds: status === "done" ? [11] : [],
  };
}

/** A chunk whose minutes are all covered: what is left is its commit. `commits` and `rows` are the answers, in turn. */
async function commitWith(commits: readonly (CommitOutcome | Error)[], rows: readonly ChunkRow[]) {
  const asked = { commits: 0, reads: 0 };
  const unused = () => {
    throw new Error("nothing is fetched here");
  };
  const deps: ChunkRunnerDeps = {
    jobs: {
      coverage: async () => [{ ...RANGE, segmentId: 1 }],
      candleCoverage: unused,
      growScales: unused,
      job: async () => JOB,
      readChunk: async () => rows[asked.reads++],
      commit: async () => {
        const answer = commits[asked.commits++] ?? new Error("one commit too many");
        if (answer instanceof Error) throw answer;
        return answer;
      },
    },
    tape: { write: unused },
    pastMs: () => Number.POSITIVE_INFINITY,
    venueOf: unused,
    candleSourceOf: unused,
    turns: instantTurns(),
    sleep: async () => undefined,
  };
  const outcome = await runChunk(deps, CHUNK, new AbortController().signal);
  return { outcome, asked };
}

const GIVEN_UP = new Error("the connection was lost");

test("runChunk(), a commit that was given up and lands before it is sent again is found", async () => {
  const { outcome, asked } = await commitWith([GIVEN_UP], [rowOf("done", 7)]);
  expect(outcome).toMatchObject({ kind: "committed", segmentIds: [11] });
  expect(asked).toEqual({ commits: 1, reads: 1 });
});

test("runChunk(), a commit that was given up and lands in front of its repetition is not taken for another's", async () => {
  const { outcome, asked } = await commitWith(
    [GIVEN_UP, { kind: "lost" }],
    [rowOf("leased", 7), rowOf("done", 7)],
  );
  expect(outcome).toMatchObject({ kind: "committed", segmentIds: [11] });
  expect(asked).toEqual({ commits: 2, reads: 2 });
});

test("runChunk(), a chunk that somebody else has committed stays lost", async () => {
  const { outcome } = await commitWith([GIVEN_UP, { kind: "lost" }], [rowOf("leased", 7), rowOf("done", 8)]);
  expect(outcome).toEqual({ kind: "lost" });
});
