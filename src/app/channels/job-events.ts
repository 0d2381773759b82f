import { type JobEvent, type JobStore, jobChannel, type Settled } from "../../backfill/mod.ts";
import type { BackfillFace } from "../../http/mod.ts";
import { jobToWire } from "../../protocol/mod.ts";
import type { LosslessSource, PushHub, StreamPosition } from "../../push/mod.ts";

const SNAPSHOT_TIMEOUT_MS = 5_000;

export interface JobEventsDeps {
  readonly jobs: Pick<JobStore, "channelState" | "events">;
  readonly backfill: Pick<BackfillFace, "job">;
}

/** The transitions of all jobs, or of the one that is named, with the job itself for whoever comes. */
export function jobEvents({ jobs, backfill }: JobEventsDeps, name: string, jobId?: string): LosslessSource {
  return {
    kind: "lossless",
    position: async (): Promise<StreamPosition> =>
      (await jobs.channelState(name)) ?? { epoch: "", offset: 0 },
    history: async (since, limit) => (await jobs.events(name, since, limit)).map(toStream),
    ...(jobId === undefined
      ? {}
      : {
          snapshot: async () => {
            // No older than the position beside it.
            const signal = AbortSignal.timeout(SNAPSHOT_TIMEOUT_MS);
            const facts = await backfill.job(jobId, { signal, fresh: true });
            return facts === undefined ? null : jobToWire(facts);
          },
        }),
  };
}

/** A job moved: its transitions, and its progress for those who listen. */
export function publishJob(
  hub: Pick<PushHub, "publish" | "progress" | "listened">,
  { job, events }: Settled,
): void {
  for (const event of events) hub.publish(event.channel, toStream(event));
  const name = jobChannel(job.id);
  if (hub.listened(name))
    hub.progress(name, {
      job_id: job.id,
      status: job.status,
      progress_pct: job.progressPct,
      chunks_total: job.chunksTotal,
      chunks_done: job.chunksDone,
      chunks_failed: job.chunksFailed,
      total_records_fetched: job.recordsFetched,
      total_records_inserted: job.recordsInserted,
    });
}

function toStream({ offset, data }: JobEvent) {
  return { offset, data };
}
