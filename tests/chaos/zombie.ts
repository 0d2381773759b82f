import { type ChunkRunnerDeps, runChunk } from "../../src/backfill/chunk-runner.ts";
import type { JobStore } from "../../src/backfill/job-store.ts";

/** A zombie's chunk is taken over within its lease, a look of the reaper and whatever else is broken just then. */
const TAKEN_OVER_MS = 20_000;
const LEASE_MS = 600;
const POLL_MS = 50;

/**
 * A worker that never beats its heart and does not look at its clock: it claims a chunk, fetches it, sleeps until somebody
 * else owns it, and then commits. Answers what the database said to that.
 */
export async function zombieCommit(
  jobs: JobStore,
  deps: Omit<ChunkRunnerDeps, "jobs">,
): Promise<"nothing to claim" | "not taken over" | "committed" | "lost"> {
  const chunk = await jobs.claim({ owner: "zombie", leaseMs: LEASE_MS });
  if (chunk === undefined) return "nothing to claim";
  let overtaken = false;
  const late: JobStore = {
    ...jobs,
    async commit(lease, result) {
      const until = performance.now() + TAKEN_OVER_MS;
      while (!overtaken && performance.now() < until) {
        await Bun.sleep(POLL_MS);
        const row = await jobs.readChunk(lease.chunkId);
        overtaken = row !== undefined && row.leaseToken > lease.token;
      }
      return jobs.commit(lease, result);
    },
    readChunk: async () => undefined,
  };
  const outcome = await runChunk(
    { ...deps, jobs: late },
    chunk,
    new AbortController().signal,
    () => undefined,
  );
  return outcome.kind === "lost" && !overtaken ? "not taken over" : outcome.kind;
}
