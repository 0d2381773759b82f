import { scheduleCommand } from "../src/cli/mod.ts";
import { commandContext } from "./command-context.ts";

process.exitCode = await scheduleCommand(process.argv.slice(2), commandContext());
