import type { BackfillService } from "../backfill/mod.ts";
import type { CallOptions, ControlOutcome, BackfillControl as HttpBackfillControl } from "../http/mod.ts";
import type { JobCommand } from "../protocol/mod.ts";
import type { BackfillFace } from "./backfill-face.ts";

export interface BackfillControlDeps {
  readonly service: Pick<BackfillService, "control">;
  readonly face: Pick<BackfillFace, "job">;
}

/** Commands to jobs, as the HTTP app gives them. */
export class BackfillControl implements HttpBackfillControl {
  readonly #deps: BackfillControlDeps;

  constructor(deps: BackfillControlDeps) {
    this.#deps = deps;
  }

  async tell(id: string, command: JobCommand, options: CallOptions): Promise<ControlOutcome> {
    const outcome = await this.#deps.service.control(id, command);
    if (outcome.kind !== "moved") return outcome;
    const job = await this.#deps.face.job(id, { ...options, fresh: true });
    return job === undefined ? { kind: "unknown" } : { kind: "told", job };
  }
}
