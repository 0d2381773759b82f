import type { ChunkLease, CommitOutcome } from "../../../src/backfill/store/types.ts";
import { invariant, type MinuteRange } from "../../../src/core/mod.ts";
import type { SeriesStore } from "../../../src/store/mod.ts";
import type { MemoryTables } from "./memory-tables.ts";

/** How often the runner asks what became of a commit. With every answer lost, nobody can know. */
const COMMIT_TRIES = 3;

interface Commit {
  readonly chunkId: number;
  readonly jobId: string;
  readonly seriesId: number;
  readonly ranges: readonly MinuteRange[];
}

/** The commits of one process that went through, and how much of that it was told. */
export class CommitLedger {
  readonly #tables: MemoryTables;
  readonly #commits: Commit[] = [];
  /** Chunks that were given back: whoever lets go looks for its commit no more. */
  readonly #letGo = new Set<number>();
  /** Answers about a chunk or a job that were lost on their way. */
  readonly #unanswered = new Map<number | string, number>();

  constructor(tables: MemoryTables) {
    this.#tables = tables;
  }

  committed({ chunkId }: ChunkLease, { segmentIds }: Extract<CommitOutcome, { kind: "committed" }>): Commit {
    const chunk = this.#tables.chunks.get(chunkId);
    invariant(chunk !== undefined, "a committed chunk exists");
    const { jobId, seriesId } = chunk;
    const ranges = segmentIds.map((id) => this.#tables.segments.get(id)!.range);
    const commit = { chunkId, jobId, seriesId, ranges };
    this.#commits.push(commit);
    return commit;
  }

  gaveBack({ chunkId }: ChunkLease): void {
    this.#letGo.add(chunkId);
  }

  /** `what`: the id of a chunk or of a job. */
  unanswered(what: number | string): void {
    this.#unanswered.set(what, this.#lost(what) + 1);
  }

  /** Minutes that went through for this process, which could have learned of it, and that its memory does not have. */
  unknownMinutes(storeOf: (seriesId: number) => SeriesStore | undefined): readonly string[] {
    return this.#commits
      .filter(({ chunkId, jobId }) => {
        const lost = this.#lost(chunkId) + this.#lost(jobId);
        return lost < (this.#letGo.has(chunkId) ? 1 : COMMIT_TRIES);
      })
      .flatMap(({ chunkId, seriesId, ranges }) =>
        ranges
          .filter((range) => storeOf(seriesId)?.covered.covers(range) !== true)
          .map(({ lo, hi }) => `[${lo}, ${hi}) of chunk ${chunkId}`),
      );
  }

  #lost(what: number | string): number {
    return this.#unanswered.get(what) ?? 0;
  }
}
