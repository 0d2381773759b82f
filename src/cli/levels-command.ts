import { Api } from "./api.ts";
import { runCommand, withServer } from "./command.ts";
import { type CommandContext, EXIT_COMPLETE } from "./context.ts";
import { writeJsonLine } from "./json-lines.ts";
import { LEVELS_USAGE, type LevelsArguments, parseLevelsArguments } from "./levels-arguments.ts";
import { levelSetText } from "./text.ts";
import { comparisonText, nakedPocsText, windowText } from "./window-text.ts";

/** `bun run levels …`. Answers the exit code. */
export function levelsCommand(argv: readonly string[], context: CommandContext): Promise<number> {
  return runCommand(context, LEVELS_USAGE, async () => {
    const parsed = parseLevelsArguments(argv);
    if (parsed.kind === "help") {
      context.stdout.write(`${LEVELS_USAGE}\n`);
      return EXIT_COMPLETE;
    }
    return withServer(context, async (server) => {
      const onLoading = (detail: string) => context.stderr.write(`${detail}\n`);
      await answer(parsed, new Api(server, context.signal, { onLoading }), context);
      return EXIT_COMPLETE;
    });
  });
}

type Question = Exclude<LevelsArguments, { kind: "help" }>;

async function answer(asked: Question, api: Api, { stdout }: CommandContext): Promise<void> {
  const { symbol, valueArea, json } = asked;
  const show = (text: string) => stdout.write(`${text}\n`);
  switch (asked.kind) {
    case "levels": {
      const set = await api.levels(symbol, { session: asked.session, valueArea });
      if (json) writeJsonLine(stdout, { type: "levels", ...set });
      else show(levelSetText(set));
      return;
    }
    case "window": {
      const profile = await api.profile(symbol, { from: asked.from, to: asked.to, valueArea });
      if (json) writeJsonLine(stdout, { type: "window", ...profile });
      else show(windowText(profile));
      return;
    }
    case "naked": {
      const naked = await api.nakedPocs(symbol, asked.sessions);
      if (json) writeJsonLine(stdout, { type: "naked_pocs", ...naked });
      else show(nakedPocsText(naked));
      return;
    }
    case "compare": {
      const comparison = await api.compare(symbol, { a: asked.a, b: asked.b, valueArea });
      if (json) writeJsonLine(stdout, { type: "comparison", ...comparison });
      else show(comparisonText(comparison));
      return;
    }
  }
}
