import { backfillCommand } from "../src/cli/mod.ts";
import { commandContext } from "./command-context.ts";

process.exitCode = await backfillCommand(process.argv.slice(2), commandContext());
