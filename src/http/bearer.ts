import { type Grant, problem, type TokenVerdict } from "../protocol/mod.ts";
import { ProblemError } from "./problem-response.ts";

/** Verifies the tokens of requests. */
export interface Tokens {
  grant(token: string): Promise<TokenVerdict>;
}

const BEARER = /^Bearer +([\w.~+/-]+=*) *$/i;
/** When keys could not be had, seconds. */
const RETRY_SECONDS = 5;

/**
 * What the `authorization` header of a request grants (RFC 6750). Tokens in the address are not taken: addresses end up in logs.
 * Ends the request with 401 when there is no valid token, with 503 while it cannot be told; `onUnavailable` hears why.
 */
export async function bearerGrant(
  header: string | undefined,
  tokens: Tokens,
  onUnavailable: (reason: string) => void,
): Promise<Grant> {
  if (header === undefined) throw unauthorized("This takes a token: send authorization: Bearer TOKEN.");
  const token = BEARER.exec(header)?.[1];
  if (token === undefined)
    throw unauthorized("The authorization is not Bearer TOKEN.", "it is no bearer token");
  const verdict = await tokens.grant(token);
  switch (verdict.kind) {
    case "granted":
      return verdict.grant;
    case "expired":
    case "invalid":
      throw unauthorized(`The token is not accepted: ${verdict.reason}.`, verdict.reason);
    case "unavailable":
      onUnavailable(verdict.reason);
      throw new ProblemError(problem("unavailable", "The keys of tokens cannot be had now."), {
        "retry-after": String(RETRY_SECONDS),
      });
  }
}

/** A request without any authorization is told no error code (RFC 6750, 3.1). */
function unauthorized(detail: string, fault?: string): ProblemError {
  const error = fault === undefined ? "" : `, error="invalid_token", error_description="${fault}"`;
  return new ProblemError(problem("unauthorized", detail), {
    "www-authenticate": `Bearer realm="tapeline"${error}`,
  });
}
