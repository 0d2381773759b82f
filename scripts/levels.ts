import { levelsCommand } from "../src/cli/mod.ts";
import { commandContext } from "./command-context.ts";

process.exitCode = await levelsCommand(process.argv.slice(2), commandContext());
