import { Api } from "./api.ts";
import { LEVELS_USAGE, parseLevelsArguments } from "./arguments.ts";
import { runCommand, withServer } from "./command.ts";
import { type CommandContext, EXIT_COMPLETE } from "./context.ts";
import { writeJsonLine } from "./json-lines.ts";
import { levelSetText } from "./text.ts";

/** `bun run levels …`. Answers the exit code. */
export function levelsCommand(argv: readonly string[], context: CommandContext): Promise<number> {
  return runCommand(context, LEVELS_USAGE, async () => {
    const parsed = parseLevelsArguments(argv);
    if (parsed.kind === "help") {
      context.stdout.write(`${LEVELS_USAGE}\n`);
      return EXIT_COMPLETE;
    }
    const { symbol, session, valueArea, json } = parsed;
    return withServer(context, async (server) => {
      const set = await new Api(server.url, context.signal).levels(symbol, { session, valueArea });
      if (json) writeJsonLine(context.stdout, { type: "levels", ...set });
      else context.stdout.write(`${levelSetText(set)}\n`);
      return EXIT_COMPLETE;
    });
  });
}
