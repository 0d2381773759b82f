import * as v from "valibot";
import type { Database } from "../../db/mod.ts";
import { NUDGE_CHANNEL } from "../backfill/mod.ts";

const Nudge = v.object({
  work: v.optional(v.boolean()),
  job_id: v.optional(v.string()),
  intent: v.optional(v.picklist(["run", "pause", "cancel"])),
});
export type HeardNudge = v.InferOutput<typeof Nudge>;

export interface NudgeListeners {
  /** Something was committed. */
  readonly changed: (nudge: HeardNudge) => void;
  /** The connection that hears nudges was made, for the first time or again: what came meanwhile was not heard. */
  readonly connected: () => void;
}

/**
 * Hears other processes' commits through Postgres LISTEN, on a connection of its own that is made again when it breaks.
 * A nudge may be lost, and says nothing that the tables do not say. In the embedded database nobody speaks: nothing is
 * opened. Answers what ends it.
 */
export async function hearNudges(
  { kind, sql }: Pick<Database, "kind" | "sql">,
  { changed, connected }: NudgeListeners,
): Promise<() => Promise<void>> {
  if (kind === "embedded") return () => Promise.resolve();
  const listening = await sql.listen(
    NUDGE_CHANNEL,
    (payload) => {
      const nudge = read(payload);
      if (nudge !== undefined) changed(nudge);
    },
    connected,
  );
  return () => listening.unlisten();
}

/** Whether a nudge says that there may be something to claim. */
export function saysWork({ work, intent }: HeardNudge): boolean {
  return work === true || intent === "run";
}

/** Anybody may send on the channel: what is no nudge of ours is not heard. */
function read(payload: string): HeardNudge | undefined {
  try {
    const parsed = v.safeParse(Nudge, JSON.parse(payload));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}
