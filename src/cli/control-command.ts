import { Api } from "./api.ts";
import { isBadRequest, messageOf } from "./command.ts";
import { type CommandContext, EXIT_COMPLETE, EXIT_USAGE, type ServerAccess } from "./context.ts";
import type { ControlArguments } from "./control-arguments.ts";
import { writeJsonLine } from "./json-lines.ts";
import { jobText } from "./text.ts";

/** Tells a job what to do and shows it as it stands then. A state that does not allow it is a failure that says so. */
export async function controlJob(
  { command, jobId, body, json }: Extract<ControlArguments, { kind: "control" }>,
  context: CommandContext,
  server: ServerAccess,
): Promise<number> {
  try {
    const job = await new Api(server, context.signal).control(jobId, command, body);
    if (json) writeJsonLine(context.stdout, { type: "job", ...job });
    else context.stdout.write(`${jobText(job)}\n`);
  } catch (thrown) {
    if (!isBadRequest(thrown)) throw thrown;
    context.stderr.write(`${messageOf(thrown)}\n`);
    return EXIT_USAGE;
  }
  const open = command === "resume" || command === "retry";
  if (open && server.started)
    context.stderr.write("No server is running, so the job waits for one: bun run start\n");
  return EXIT_COMPLETE;
}
