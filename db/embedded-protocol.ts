import * as v from "valibot";

/** What the owner of the embedded database tells its worker. */
export const ToWorker = v.variant("kind", [
  v.object({ kind: v.literal("open"), databaseDir: v.string(), socketPath: v.string() }),
  v.object({ kind: v.literal("close") }),
]);
export type ToWorker = v.InferOutput<typeof ToWorker>;

/** What the worker answers. `failed` is final: the worker serves nothing afterwards. */
export const FromWorker = v.variant("kind", [
  v.object({ kind: v.literal("ready") }),
  v.object({ kind: v.literal("closed") }),
  v.object({ kind: v.literal("failed"), message: v.string() }),
]);
export type FromWorker = v.InferOutput<typeof FromWorker>;
