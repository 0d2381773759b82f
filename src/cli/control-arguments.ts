import { COMMAND_WORDS, type CommandWord, MAX_PARALLEL_MAX, PRIORITY_MAX } from "../protocol/mod.ts";
import { ofVenue, parseWords, takeAtMost, wholeNumber } from "./arguments.ts";
import { UsageError } from "./context.ts";

const WHOLE = /^-?\d+$/;
const COMMON = { json: { type: "boolean" }, help: { type: "boolean", short: "h" } } as const;

/** A command to a job: the last step of its address, and its body. */
export type ControlArguments =
  | { readonly kind: "help" }
  | {
      readonly kind: "control";
      readonly command: CommandWord;
      readonly jobId: string;
      readonly body: Readonly<Record<string, unknown>>;
      readonly json: boolean;
    };

/** Reads the words after `bun run backfill` where they are a command to a job; undefined where not. Throws {@link UsageError}. */
export function parseControlArguments(argv: readonly string[]): ControlArguments | undefined {
  const [first = "", ...rest] = argv;
  const command = COMMAND_WORDS.find((word) => word === first);
  if (command === undefined) return undefined;
  // A negative priority stands by itself, and would be taken for an option.
  const priority = command === "priority" && WHOLE.test(rest[1] ?? "") ? rest[1] : undefined;
  const { values, positionals } = parseWords(priority === undefined ? rest : rest.toSpliced(1, 1), {
    ...COMMON,
    venue: { type: "string" },
    "max-parallel": { type: "string" },
  });
  if (values.help === true) return { kind: "help" };
  const [jobId, ...more] = positionals;
  if (jobId === undefined) throw new UsageError(`${command}: expected a job, got none`);
  const parallel = values["max-parallel"];
  if (values.venue !== undefined && command !== "retry") throw new UsageError(`${command} takes no --venue`);
  if (parallel !== undefined && command !== "priority")
    throw new UsageError(`${command} takes no --max-parallel`);
  const of = { kind: "control", command, jobId, json: values.json === true } as const;
  switch (command) {
    case "retry": {
      const symbols = more.map((symbol) => ofVenue(symbol, values.venue));
      return { ...of, body: symbols.length === 0 ? {} : { symbols } };
    }
    case "priority":
      takeAtMost(more, priority === undefined ? 1 : 0, "priority takes one job and one priority");
      return { ...of, body: adjustment(priority ?? more[0], parallel) };
    default:
      takeAtMost(more, 0, `${command} takes one job`);
      return { ...of, body: {} };
  }
}

function adjustment(priority: string | undefined, parallel: string | undefined) {
  if (priority === undefined && parallel === undefined)
    throw new UsageError("priority: expected a priority, --max-parallel or both, got neither");
  return {
    ...(priority === undefined
      ? {}
      : { priority: wholeNumber("priority", priority, -PRIORITY_MAX, PRIORITY_MAX) }),
    ...(parallel === undefined
      ? {}
      : { max_parallel: wholeNumber("--max-parallel", parallel, 1, MAX_PARALLEL_MAX) }),
  };
}
