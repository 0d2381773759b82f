import type { BackfillAccepted, JobAnswer, JobTransition, WireLevelSet } from "../protocol/mod.ts";
import type { SymbolResult } from "./results.ts";

/** Shows what happens to a job. Calls may come at any rate; each form shows as much of it as its reader can use. */
export interface Reporter {
  accepted(job: BackfillAccepted): void;
  job(job: JobAnswer): void;
  transition(transition: JobTransition): void;
  levels(set: WireLevelSet): void;
  results(results: readonly SymbolResult[]): void;
  /** The command ends with `exitCode`, with the job as it was seen last. */
  ended(job: JobAnswer, exitCode: number): void;
  failed(message: string): void;
  /** Leaves the terminal as it was found. Nothing follows but `failed`. */
  close(): void;
}
