import { TokenVerifier, tokenAuthorizer } from "../auth/mod.ts";
import type { Config } from "../config.ts";
import type { Authorizer } from "../push/mod.ts";

/** How clients are asked for tokens; `undefined` members: nobody is asked. */
export interface TokenChecks {
  /** Of requests. */
  readonly verifier: TokenVerifier | undefined;
  /** Of connections. */
  readonly authorizer: Authorizer | undefined;
  /** Made at each start, for commands of the user who runs this process. */
  readonly localToken: string | undefined;
}

/** `nowMs` is the clock of the machine: tokens are dated by it, wherever ours stands. */
export function openTokenChecks(
  tokens: Config["tokens"],
  { defaultVenue, nowMs }: { readonly defaultVenue: string; readonly nowMs: () => number },
): TokenChecks {
  if (tokens === null) return { verifier: undefined, authorizer: undefined, localToken: undefined };
  const localToken = `local-${crypto.randomUUID()}-${crypto.randomUUID()}`;
  const verifier = new TokenVerifier({ ...tokens, defaultVenue, nowMs, localToken });
  return { verifier, authorizer: tokenAuthorizer(verifier), localToken };
}
