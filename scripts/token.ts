import { tokenCommand } from "../src/cli/mod.ts";
import { DEFAULT_VENUE, readConfig } from "../src/config.ts";
import { commandContext } from "./command-context.ts";

process.exitCode = await tokenCommand(process.argv.slice(2), commandContext(), {
  readIssuer: () => readConfig(process.env).tokens,
  defaultVenue: DEFAULT_VENUE,
});
