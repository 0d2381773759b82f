import type { CacheAnswer } from "../protocol/mod.ts";
import { Api } from "./api.ts";
import { parseWords, takeAtMost } from "./arguments.ts";
import { runCommand, withServer } from "./command.ts";
import { type CommandContext, EXIT_COMPLETE, EXIT_FAILED, UsageError } from "./context.ts";
import { writeJsonLine } from "./json-lines.ts";

export const CACHE_USAGE = `bun run cache stats [--json]    what is kept on the disk
bun run cache verify [--json]   proves every file by its sha256; damaged ones are taken out and fetched again
bun run cache clean [--json]    removes profiles, which are made anew, and files that nobody lists

Exit: 0 complete, 1 failed (also when files were damaged), 2 usage.`;

const WORDS = ["stats", "verify", "clean"] as const;
const BYTES_PER_MB = 1_000_000;

/** `bun run cache …`. Answers the exit code. */
export function cacheCommand(argv: readonly string[], context: CommandContext): Promise<number> {
  return runCommand(context, CACHE_USAGE, async () => {
    const { values, positionals } = parseWords(argv, {
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    });
    if (values.help === true) {
      context.stdout.write(`${CACHE_USAGE}\n`);
      return EXIT_COMPLETE;
    }
    const word = WORDS.find((known) => known === positionals[0]);
    if (word === undefined)
      throw new UsageError(`expected one of ${WORDS.join(", ")}, got ${positionals[0] ?? "none"}`);
    takeAtMost(positionals.slice(1), 0, `${word} takes nothing more`);
    const json = values.json === true;
    return withServer(context, async (server) => {
      const api = new Api(server, context.signal);
      switch (word) {
        case "stats":
          return stats(api, json, context);
        case "verify":
          return verify(api, json, context);
        case "clean":
          return clean(api, json, context);
      }
    });
  });
}

async function stats(api: Api, json: boolean, { stdout }: CommandContext): Promise<number> {
  const answer = await api.cache();
  if (json) writeJsonLine(stdout, { type: "cache", ...answer });
  else stdout.write(`${statsText(answer)}\n`);
  return EXIT_COMPLETE;
}

/** The server proves some files with each answer, so that no answer takes long. */
async function verify(api: Api, json: boolean, { stdout }: CommandContext): Promise<number> {
  let after: string | null = null;
  let [files, damaged, profiles, profilesDamaged] = [0, 0, 0, 0];
  do {
    const part = await api.verifyCache(after ?? undefined);
    files += part.tape_files;
    damaged += part.tape_damaged;
    profiles += part.profile_files;
    profilesDamaged += part.profiles_damaged;
    after = part.next;
  } while (after !== null);
  if (json)
    writeJsonLine(stdout, {
      type: "cache_verified",
      ...{ tape_files: files, tape_damaged: damaged },
      ...{ profile_files: profiles, profiles_damaged: profilesDamaged },
    });
  else
    stdout.write(
      `${files} files of the tape proven, ${damaged} segments damaged; ${profiles} profiles proven, ${profilesDamaged} damaged\n`,
    );
  return damaged + profilesDamaged === 0 ? EXIT_COMPLETE : EXIT_FAILED;
}

async function clean(api: Api, json: boolean, { stdout }: CommandContext): Promise<number> {
  const answer = await api.cleanCache();
  if (json) writeJsonLine(stdout, { type: "cache_cleaned", ...answer });
  else
    stdout.write(
      `${answer.profiles_removed} profiles removed (${megabytes(answer.profile_bytes)}), ${answer.tape_files_removed} unlisted files of the tape (${megabytes(answer.tape_bytes)})\n`,
    );
  return EXIT_COMPLETE;
}

function statsText({ tape, profiles }: CacheAnswer): string {
  const { segments, files, bytes, trades } = tape;
  const kept = profiles.files === 0 ? "none" : `${profiles.files}, ${megabytes(profiles.bytes)}`;
  return [
    `tape      ${files} files in ${segments} segments, ${megabytes(bytes)}, ${trades} trades`,
    `profiles  ${profiles.enabled ? kept : "off (BACKFILL_CACHE_ENABLED)"}`,
  ].join("\n");
}

function megabytes(bytes: number): string {
  return `${(bytes / BYTES_PER_MB).toFixed(1)} MB`;
}
