import { type JWTPayload, SignJWT } from "jose";

export const SECRET = "a secret of thirty-two bytes or more";
export const NOW_MS = Date.parse("2026-01-03T12:00:00Z");
export const NOW = NOW_MS / 1_000;
const HOUR = 3_600;

/** Claims that pass, with others on top; `undefined` takes one away. */
export function claimsOf(claims: Readonly<Record<string, unknown>> = {}): JWTPayload {
  return { sub: "alice", exp: NOW + HOUR, ...claims };
}

/** A token of our secret, signed as its issuer would. */
export function secretToken(
  claims: Readonly<Record<string, unknown>> = {},
  { secret = SECRET, alg = "HS256" }: { readonly secret?: string; readonly alg?: string } = {},
): Promise<string> {
  return new SignJWT(claimsOf(claims)).setProtectedHeader({ alg }).sign(new TextEncoder().encode(secret));
}

/** A token put together by hand, with whatever signature. */
export function forgedToken(header: unknown, claims: unknown, signature = ""): string {
  return `${part(header)}.${part(claims)}.${signature}`;
}

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
