/** Tokens: who a client is and what it may do. Runs wherever web crypto and `fetch` exist. */
export { signToken, type TokenFacts } from "./sign-token.ts";
export { tokenAuthorizer } from "./token-authorizer.ts";
export {
  SECRET_BYTES_MIN,
  type TokenKey,
  TokenVerifier,
  type TokenVerifierOptions,
} from "./token-verifier.ts";
