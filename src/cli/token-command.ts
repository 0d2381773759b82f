import { signToken, type TokenFacts, type TokenKey } from "../auth/mod.ts";
import { runCommand } from "./command.ts";
import { type CommandContext, EXIT_COMPLETE, EXIT_FAILED } from "./context.ts";
import { parseTokenArguments, TOKEN_USAGE } from "./token-arguments.ts";

/** What a server of the same environment asks of tokens. */
export interface TokenIssuer extends Pick<TokenFacts, "audience" | "issuer"> {
  readonly key: TokenKey;
}

export interface TokenCommandOptions {
  /** Reads the environment; null: nobody is asked for a token. What it throws is laid before the user. */
  readonly readIssuer: () => TokenIssuer | null;
  /** Venue of a bare symbol. */
  readonly defaultVenue: string;
}

/** `bun run token …`. Answers the exit code. */
export function tokenCommand(
  argv: readonly string[],
  context: CommandContext,
  { readIssuer, defaultVenue }: TokenCommandOptions,
): Promise<number> {
  return runCommand(context, TOKEN_USAGE, async () => {
    const parsed = parseTokenArguments(argv, defaultVenue);
    if (parsed.kind === "help") {
      context.stdout.write(`${TOKEN_USAGE}\n`);
      return EXIT_COMPLETE;
    }
    const issuer = readIssuer();
    if (issuer === null || issuer.key.kind !== "secret") {
      context.stderr.write(
        issuer === null
          ? "TOKEN_HMAC_SECRET is not set: a server without it asks nobody for a token.\n"
          : "With TOKEN_JWKS_URL tokens are signed by their issuer, who alone has its private keys.\n",
      );
      return EXIT_FAILED;
    }
    const { key, audience, issuer: name } = issuer;
    const facts = { ...parsed.facts, audience, issuer: name };
    context.stdout.write(`${await signToken(facts, key.secret, context.nowMs())}\n`);
    return EXIT_COMPLETE;
  });
}
