import type { JobStatus } from "../../../db/mod.ts";
import type { Settled, SymbolRef } from "./types.ts";

/** What a job can be told from outside. */
export type JobCommand =
  | { readonly kind: "pause" }
  | { readonly kind: "resume" }
  | { readonly kind: "cancel" }
  /** Of the named symbols; of all of them by default. */
  | { readonly kind: "retry"; readonly symbols?: readonly SymbolRef[] | undefined }
  | ({ readonly kind: "adjust" } & JobAdjustment);

export interface JobAdjustment {
  /** Higher goes first. */
  readonly priority?: number | undefined;
  /** Chunks that may be leased at the same time; what is leased beyond it is not taken back. */
  readonly maxParallel?: number | undefined;
  /** Seconds from now until the job ends in error; null: it takes as long as it takes. */
  readonly deadlineSeconds?: number | null | undefined;
}

export type ControlOutcome =
  | ({ readonly kind: "moved" } & Settled)
  /** `why` follows "the job is STATE: ". Nothing was written. */
  | { readonly kind: "refused"; readonly state: JobStatus; readonly why: string }
  | { readonly kind: "unknown" };
