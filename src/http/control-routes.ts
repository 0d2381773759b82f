import {
  COMMAND_WORDS,
  type CommandWord,
  invalidRequest,
  type JobCommand,
  jobToWire,
  parseJobCommand,
  parseJobId,
  parseNoQuery,
  problem,
} from "../protocol/mod.ts";
import { commandContract } from "./backfill-contracts.ts";
import type { HttpDeps } from "./deps.ts";
import { readJsonBodyIfAny } from "./json-body.ts";
import { failWith, ProblemError } from "./problem-response.ts";
import { queryParameters } from "./query-parameters.ts";
import { type AppContext, type Route, timed, unavailable, valid } from "./route.ts";

const ABOUT: Readonly<Record<CommandWord, string>> = {
  pause: "stops a job for a while; what is under way lets go within 2 s and is fetched later",
  resume: "lets a paused job run on",
  cancel: "ends a job; what it has committed stays",
  retry: "fetches what a job has failed at or was called off {symbols?}",
  priority: "changes the place of a job in the queue {priority?, max_parallel?}",
};

/** What a job can be told. Each answers the job; 409 with the job's state where that does not allow it. */
export function controlRoutes(deps: HttpDeps): Route[] {
  return COMMAND_WORDS.map((word) => ({
    method: "POST",
    path: `/api/v1/backfill/:job_id/${word}`,
    about: ABOUT[word],
    contract: commandContract(word),
    handle: async (c) => {
      valid(parseNoQuery(queryParameters(c)));
      const id = valid(parseJobId(c.req.param("job_id") ?? ""));
      const body = await timed(c, deps, () => readJsonBodyIfAny(c.req.raw));
      const command = parseJobCommand(word, body, deps);
      if (command.kind === "refused") throw new ProblemError(invalidRequest(command.errors));
      return tell(c, deps, id, command.value);
    },
  }));
}

async function tell(c: AppContext, deps: HttpDeps, id: string, command: JobCommand): Promise<Response> {
  const outcome = await timed(c, deps, (options) => deps.control.tell(id, command, options));
  switch (outcome.kind) {
    case "told":
      return c.json(jobToWire(outcome.job));
    case "unknown":
      throw failWith("job-not-found", `There is no job ${id}; GET /api/v1/backfill/recent lists the newest.`);
    case "refused":
      throw new ProblemError({
        ...problem("job-state", `Job ${id} is ${outcome.state}: ${outcome.why}.`),
        state: outcome.state,
      });
    case "unavailable":
      throw unavailable(outcome);
  }
}
