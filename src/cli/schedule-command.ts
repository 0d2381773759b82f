import type { ScheduleAnswer } from "../protocol/mod.ts";
import { Api } from "./api.ts";
import { isBadRequest, messageOf, runCommand, withServer } from "./command.ts";
import { type CommandContext, EXIT_COMPLETE, EXIT_FAILED, EXIT_USAGE } from "./context.ts";
import { writeJsonLine } from "./json-lines.ts";
import { parseScheduleArguments, SCHEDULE_USAGE, type ScheduleArguments } from "./schedule-arguments.ts";

/** `bun run schedule …`. Answers the exit code. */
export function scheduleCommand(argv: readonly string[], context: CommandContext): Promise<number> {
  return runCommand(context, SCHEDULE_USAGE, async () => {
    const parsed = parseScheduleArguments(argv);
    if (parsed.kind === "help") {
      context.stdout.write(`${SCHEDULE_USAGE}\n`);
      return EXIT_COMPLETE;
    }
    return withServer(context, async (server) => {
      try {
        const exitCode = await run(parsed, new Api(server, context.signal), context);
        if (server.started && parsed.kind !== "list" && exitCode === EXIT_COMPLETE)
          context.stderr.write("No server is running, so schedules wait for one: bun run start\n");
        return exitCode;
      } catch (thrown) {
        if (context.signal.aborted || !isBadRequest(thrown)) throw thrown;
        context.stderr.write(`${messageOf(thrown)}\n`);
        return EXIT_USAGE;
      }
    });
  });
}

type Order = Exclude<ScheduleArguments, { kind: "help" }>;

async function run(order: Order, api: Api, context: CommandContext): Promise<number> {
  switch (order.kind) {
    case "list": {
      const { schedules } = await api.schedules();
      for (const schedule of schedules) show(schedule, order.json, context);
      if (schedules.length === 0 && !order.json) context.stdout.write("There are no schedules yet.\n");
      return EXIT_COMPLETE;
    }
    case "add":
      show(await api.addSchedule(order.body), order.json, context);
      return EXIT_COMPLETE;
    case "remove":
    case "enable":
    case "disable": {
      const found = await find(api, order.which);
      if (found === undefined) {
        context.stderr.write(
          `There is no schedule of the name or id "${order.which}"; bun run schedule list shows them.\n`,
        );
        return EXIT_FAILED;
      }
      if (order.kind === "remove") {
        await api.removeSchedule(found.id);
        if (order.json) writeJsonLine(context.stdout, { type: "schedule", ...found });
        else context.stdout.write(`removed ${found.name} (${found.id}); the jobs that it made stay\n`);
      } else
        show(await api.changeSchedule(found.id, { enabled: order.kind === "enable" }), order.json, context);
      return EXIT_COMPLETE;
    }
  }
}

async function find(api: Api, which: string): Promise<ScheduleAnswer | undefined> {
  const { schedules } = await api.schedules();
  return (
    schedules.find(({ name }) => name === which) ?? schedules.find(({ id }) => id === which.toLowerCase())
  );
}

function show(schedule: ScheduleAnswer, json: boolean, { stdout }: CommandContext): void {
  if (json) writeJsonLine(stdout, { type: "schedule", ...schedule });
  else stdout.write(`${scheduleText(schedule)}\n`);
}

function scheduleText(schedule: ScheduleAnswer): string {
  const { id, name, cron, zone, enabled, next_run_at, last_run_at, last_job_id, last_error } = schedule;
  const next = enabled ? `next ${next_run_at ?? "never"}` : "disabled";
  const lines = [`${name}  ${cron} (${zone})  ${next}`, `  ${id}  ${JSON.stringify(schedule.request)}`];
  if (last_run_at !== null) lines.push(`  last ${last_run_at}, job ${last_job_id ?? "none"}`);
  if (last_error !== null) lines.push(`  error: ${last_error}`);
  return lines.join("\n");
}
