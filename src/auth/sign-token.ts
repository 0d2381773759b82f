import { SignJWT } from "jose";

/** What a new token says; see docs/security.md. */
export interface TokenFacts {
  readonly user: string;
  /** Absent: `read`. */
  readonly scopes?: readonly string[] | undefined;
  /** Absent: all channels. */
  readonly channels?: readonly string[] | undefined;
  /** Makes it a subscription token, for this channel alone. */
  readonly channel?: string | undefined;
  readonly lifetimeSeconds: number;
  readonly audience?: string | undefined;
  readonly issuer?: string | undefined;
}

/** Signs a token with a shared secret (HS256). */
export function signToken(facts: TokenFacts, secret: string, nowMs: number): Promise<string> {
  const { user, scopes, channels, channel, lifetimeSeconds, audience, issuer } = facts;
  const now = Math.floor(nowMs / 1_000);
  const token = new SignJWT({
    ...(scopes === undefined ? {} : { scope: scopes.join(" ") }),
    ...(channels === undefined ? {} : { channels: [...channels] }),
    ...(channel === undefined ? {} : { channel }),
  })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setSubject(user)
    .setIssuedAt(now)
    .setExpirationTime(now + lifetimeSeconds);
  if (audience !== undefined) token.setAudience(audience);
  if (issuer !== undefined) token.setIssuer(issuer);
  return token.sign(new TextEncoder().encode(secret));
}
