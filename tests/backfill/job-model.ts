import { expect } from "bun:test";
import type { JobCommand } from "../../src/backfill/store/command.ts";
import {
  chunkEndEvent,
  invariant,
  type JobState,
  type JobStateEvent,
  jobOutcome,
} from "../../src/core/mod.ts";

export type ModelCommand =
  | Exclude<JobCommand, { kind: "retry" }>
  | { readonly kind: "retry"; readonly symbol?: number };

export interface ModelChunk {
  /** Its place among the chunks of the job, which is also its rank. */
  readonly no: number;
  /** Index of its series. */
  readonly symbol: number;
  status: "pending" | "leased" | "done" | "failed" | "cancelled";
  attempt: number;
  token: number;
}

/**
 * A job as arithmetic: the machine of the core, and chunks counted one by one. What the database does is held against it after
 * every step.
 */
export class JobModel {
  /** Undefined until the job is made. */
  chunks: ModelChunk[] | undefined;
  state: JobState = "idle";
  readonly transitions: { readonly from: JobState; readonly to: JobState }[] = [];
  hasDeadline = false;
  maxParallel = 1;
  priority = 0;

  create(chunksOfSymbols: readonly number[], maxParallel: number, hasDeadline: boolean): void {
    this.chunks = chunksOfSymbols
      .flatMap((count, symbol) => Array.from({ length: count }, () => symbol))
      .map((symbol, no) => ({ no, symbol, status: "pending", attempt: 0, token: 0 }));
    this.maxParallel = maxParallel;
    this.hasDeadline = hasDeadline;
    this.#happen(this.chunks.length > 0 ? "plan" : "plan_empty");
  }

  get all(): readonly ModelChunk[] {
    invariant(this.chunks !== undefined, "the job has been made");
    return this.chunks;
  }

  count(status: ModelChunk["status"]): number {
    return this.all.filter((chunk) => chunk.status === status).length;
  }

  get counts() {
    return {
      chunksTotal: this.all.length,
      chunksDone: this.count("done"),
      chunksFailed: this.count("failed"),
      chunksCancelled: this.count("cancelled"),
      leased: this.count("leased"),
    };
  }

  get intent(): "run" | "pause" | "cancel" | undefined {
    if (this.state === "paused") return "pause";
    if (this.state === "pending" || this.state === "in_progress") return "run";
    // Of a job that ended by itself it says nothing.
    return this.state === "cancelled" ? "cancel" : undefined;
  }

  /** The chunk that the next claim takes. */
  next(): ModelChunk | undefined {
    const open = this.state === "pending" || this.state === "in_progress";
    if (!open || this.count("leased") >= this.maxParallel) return undefined;
    return this.all.find((chunk) => chunk.status === "pending");
  }

  claim(chunk: ModelChunk): void {
    chunk.status = "leased";
    chunk.attempt++;
    chunk.token++;
    this.#happen("claim");
  }

  end(chunk: ModelChunk, status: "done" | "failed"): void {
    expect(chunk.status).toBe("leased");
    chunk.status = status;
    this.#happen(chunkEndEvent(this.counts));
  }

  giveBack(chunk: ModelChunk, spent: boolean): void {
    expect(chunk.status).toBe("leased");
    if (!spent) chunk.attempt--;
    chunk.status = this.stopped ? "cancelled" : "pending";
    this.#happen("chunk_back");
  }

  get stopped(): boolean {
    return this.state === "cancelled" || this.state === "error";
  }

  /** True when the command is obeyed; a refusal changes nothing. */
  tell(command: ModelCommand): boolean {
    if (jobOutcome(this.state, command.kind).kind === "refused") return false;
    if (command.kind === "retry") {
      const wanted = this.all.filter(
        ({ status, symbol }) =>
          (status === "failed" || status === "cancelled") && symbol === (command.symbol ?? symbol),
      );
      if (wanted.length === 0) return false;
      for (const chunk of wanted) {
        chunk.status = "pending";
        chunk.attempt = 0;
      }
    }
    if (command.kind === "cancel") this.#callOff();
    if (command.kind === "adjust") {
      this.priority = command.priority ?? this.priority;
      this.maxParallel = command.maxParallel ?? this.maxParallel;
    }
    this.#happen(command.kind);
    return true;
  }

  /** True when the deadline ended the job. */
  passDeadline(): boolean {
    if (!this.hasDeadline || jobOutcome(this.state, "deadline").kind === "refused") return false;
    this.#callOff();
    this.#happen("deadline");
    return true;
  }

  #callOff(): void {
    for (const chunk of this.all) if (chunk.status === "pending") chunk.status = "cancelled";
  }

  #happen(event: JobStateEvent): void {
    const outcome = jobOutcome(this.state, event);
    invariant(outcome.kind !== "refused", `${event} cannot happen to a job that is ${this.state}`);
    if (outcome.kind === "stays") return;
    this.transitions.push({ from: this.state, to: outcome.to });
    this.state = outcome.to;
  }
}
