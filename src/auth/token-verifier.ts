import { errors, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from "jose";
import type { TokenVerdict } from "../protocol/mod.ts";
import {
  CLOCK_SKEW_SECONDS,
  type GrantedSubscription,
  type ReadClaims,
  readGrant,
  readSubscription,
} from "./claims.ts";
import { LOCAL_GRANT, sameText } from "./local-token.ts";
import { KeysUnavailable, PublishedKeys } from "./published-keys.ts";

/** Bytes of a shared secret: with fewer, whoever has one token can try all secrets. */
export const SECRET_BYTES_MIN = 32;
/** Characters of a token. */
const TOKEN_CHARS_MAX = 8_192;
/** Each kind of key is used with its own algorithms alone: a public key must never be taken for a shared secret. */
const SECRET_ALGORITHMS = ["HS256", "HS384", "HS512"];
const PUBLIC_ALGORITHMS = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];

/** What tokens are verified with: a secret shared with their issuer, or the keys that it publishes. */
export type TokenKey =
  | { readonly kind: "secret"; readonly secret: string }
  | { readonly kind: "published"; readonly url: string };

export interface TokenVerifierOptions {
  readonly key: TokenKey;
  /** Value that the claim `aud` must hold; absent: it is not looked at. */
  readonly audience?: string | undefined;
  /** Value that the claim `iss` must have; absent: it is not looked at. */
  readonly issuer?: string | undefined;
  readonly defaultVenue: string;
  readonly nowMs: () => number;
  /** A token of this process for commands of the same user, taken as it is; absent: none. */
  readonly localToken?: string | undefined;
}

export type SubscriptionVerdict =
  | { readonly kind: "granted"; readonly subscription: GrantedSubscription }
  | Exclude<TokenVerdict, { kind: "granted" }>;

type Verified =
  | { readonly kind: "claims"; readonly claims: unknown }
  | Exclude<TokenVerdict, { kind: "granted" }>;

/** Verifies tokens: their signature, their time, who they are for, and what they grant. Never throws for what a token holds. */
export class TokenVerifier {
  readonly #options: TokenVerifierOptions;
  readonly #algorithms: string[];
  readonly #key: JWTVerifyGetKey;

  /** Throws for a secret shorter than {@link SECRET_BYTES_MIN}. */
  constructor(options: TokenVerifierOptions) {
    this.#options = options;
    const { key, nowMs } = options;
    if (key.kind === "secret") {
      const secret = new TextEncoder().encode(key.secret);
      if (secret.byteLength < SECRET_BYTES_MIN)
        throw new TypeError(
          `a secret of ${secret.byteLength} bytes, at least ${SECRET_BYTES_MIN} are needed`,
        );
      this.#algorithms = SECRET_ALGORITHMS;
      this.#key = async () => secret;
    } else {
      this.#algorithms = PUBLIC_ALGORITHMS;
      this.#key = new PublishedKeys({ url: key.url, nowMs }).find;
    }
  }

  /** What the token of a connection or of a request grants. */
  async grant(token: string): Promise<TokenVerdict> {
    if (token === "") return { kind: "invalid", reason: "no token came" };
    const { localToken } = this.#options;
    if (localToken !== undefined && sameText(token, localToken))
      return { kind: "granted", grant: LOCAL_GRANT };
    const verified = await this.#verify(token);
    if (verified.kind !== "claims") return verified;
    const read = readGrant(verified.claims, this.#reading());
    return read.kind === "read" ? { kind: "granted", grant: read.value } : invalid(read);
  }

  /** What a subscription token grants. */
  async subscription(token: string): Promise<SubscriptionVerdict> {
    const verified = await this.#verify(token);
    if (verified.kind !== "claims") return verified;
    const read = readSubscription(verified.claims, this.#reading());
    return read.kind === "read" ? { kind: "granted", subscription: read.value } : invalid(read);
  }

  #reading() {
    const { defaultVenue, nowMs } = this.#options;
    return { defaultVenue, nowMs: nowMs() };
  }

  async #verify(token: string): Promise<Verified> {
    if (token.length > TOKEN_CHARS_MAX)
      return { kind: "invalid", reason: `more than ${TOKEN_CHARS_MAX} characters` };
    const { audience, issuer, nowMs } = this.#options;
    const options: JWTVerifyOptions = {
      algorithms: this.#algorithms,
      currentDate: new Date(nowMs()),
      clockTolerance: CLOCK_SKEW_SECONDS,
      // A token without an end could never be taken back: there is no list of revoked ones.
      requiredClaims: ["sub", "exp"],
      ...(audience === undefined ? {} : { audience }),
      ...(issuer === undefined ? {} : { issuer }),
    };
    try {
      return { kind: "claims", claims: await this.#claims(token, options) };
    } catch (thrown) {
      return refusal(thrown);
    }
  }

  async #claims(token: string, options: JWTVerifyOptions): Promise<unknown> {
    try {
      return (await jwtVerify(token, this.#key, options)).payload;
    } catch (thrown) {
      if (!(thrown instanceof errors.JWKSMultipleMatchingKeys)) throw thrown;
      // The token does not name its key, and several would fit.
      for await (const key of thrown) {
        try {
          return (await jwtVerify(token, key, options)).payload;
        } catch (failed) {
          if (!(failed instanceof errors.JWSSignatureVerificationFailed)) throw failed;
        }
      }
      throw new errors.JWSSignatureVerificationFailed();
    }
  }
}

function invalid({ reason }: Extract<ReadClaims<unknown>, { kind: "faulty" }>) {
  return { kind: "invalid", reason } as const;
}

function refusal(thrown: unknown): Exclude<TokenVerdict, { kind: "granted" }> {
  if (thrown instanceof KeysUnavailable) return { kind: "unavailable", reason: thrown.message };
  if (thrown instanceof errors.JWTExpired) return { kind: "expired", reason: "the token has expired" };
  if (thrown instanceof errors.JWTClaimValidationFailed)
    return { kind: "invalid", reason: `the claim ${thrown.claim} is missing or not accepted` };
  if (thrown instanceof errors.JWSSignatureVerificationFailed)
    return { kind: "invalid", reason: "its signature is not of our key" };
  if (thrown instanceof errors.JWKSNoMatchingKey)
    return { kind: "invalid", reason: "its key is not among those that are published" };
  if (thrown instanceof errors.JOSEAlgNotAllowed)
    return { kind: "invalid", reason: "its algorithm is not accepted" };
  if (thrown instanceof errors.JOSEError) return { kind: "invalid", reason: "it is no JSON Web Token" };
  throw thrown;
}
