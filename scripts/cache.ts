import { cacheCommand } from "../src/cli/mod.ts";
import { commandContext } from "./command-context.ts";

process.exitCode = await cacheCommand(process.argv.slice(2), commandContext());
