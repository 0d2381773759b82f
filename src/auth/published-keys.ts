import { createLocalJWKSet, errors, type JWTVerifyGetKey } from "jose";
import * as v from "valibot";

/** Keys are fetched anew when they are older than this, ms: so long is a key believed that its owner has taken back. */
const KEYS_AGE_MAX_MS = 600_000;
/** Shortest time between two fetches, whatever tokens ask for and however the last one ended, ms. */
const FETCH_GAP_MS = 5_000;
/** Below the patience of push with an authorizer (4 s), so that its client hears the reason. */
const FETCH_TIMEOUT_MS = 3_000;
const BODY_BYTES_MAX = 262_144;
const KEYS_MAX = 100;

/** Members of a key are read by the library, which refuses what is none. */
const KeySetBody = v.object({
  keys: v.pipe(v.array(v.looseObject({ kty: v.string() })), v.maxLength(KEYS_MAX)),
});

/** The keys are not at hand: nothing can be said of a token that needs them. */
export class KeysUnavailable extends Error {
  override readonly name = "KeysUnavailable";
}

export interface PublishedKeysOptions {
  readonly url: string;
  readonly nowMs: () => number;
}

interface Known {
  readonly find: JWTVerifyGetKey;
  readonly fetchedAtMs: number;
}

/**
 * The public keys that an issuer of tokens publishes (a JWKS). They are kept for a while; a token that names another key has them fetched
 * again, so that an issuer may change its keys at any time. One fetch at a time, one per {@link FETCH_GAP_MS}.
 */
export class PublishedKeys {
  readonly #options: PublishedKeysOptions;
  #known: Known | undefined;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #fetching: Promise<Known> | undefined;

  constructor(options: PublishedKeysOptions) {
    this.#options = options;
  }

  /** The key that a token's header names. Throws {@link KeysUnavailable}, and what the library throws for a key that there is not. */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    const askedAtMs = this.#options.nowMs();
    const held = this.#known;
    const isFresh = held !== undefined && askedAtMs - held.fetchedAtMs < KEYS_AGE_MAX_MS;
    const known = isFresh ? held : await this.#fetch();
    try {
      return await known.find(header, token);
    } catch (thrown) {
      if (!(thrown instanceof errors.JWKSNoMatchingKey) || known !== held) throw thrown;
      return (await this.#fetch()).find(header, token);
    }
  };

  #fetch(): Promise<Known> {
    if (this.#fetching !== undefined) return this.#fetching;
    const nowMs = this.#options.nowMs();
    if (nowMs - this.#triedAtMs < FETCH_GAP_MS)
      return Promise.reject(new KeysUnavailable("the keys were asked for a moment ago"));
    this.#triedAtMs = nowMs;
    this.#fetching = this.#download()
      .then((find) => {
        this.#known = { find, fetchedAtMs: nowMs };
        return this.#known;
      })
      .finally(() => {
        this.#fetching = undefined;
      });
    return this.#fetching;
  }

  async #download(): Promise<JWTVerifyGetKey> {
    const { url } = this.#options;
    try {
      const response = await fetch(url, {
        headers: { accept: "application/jwk-set+json, application/json" },
        redirect: "error",
        signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
      });
      if (response.status !== 200) throw new Error(`it answered ${response.status}`);
      const { keys } = v.parse(KeySetBody, JSON.parse(await boundedText(response)));
      return createLocalJWKSet({ keys });
    } catch (thrown) {
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      throw new KeysUnavailable(`the keys at ${url} cannot be had: ${reason}`, { cause: thrown });
    }
  }
}

async function boundedText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.byteLength;
    if (bytes > BODY_BYTES_MAX) throw new Error(`it has more than ${BODY_BYTES_MAX} bytes`);
    text += decoder.decode(part, { stream: true });
  }
  return text + decoder.decode();
}
