import { withinTime } from "./waits.ts";

/** A token, or how to get one; it is asked again when the last one is not valid any more. */
export type TokenOption = string | (() => string | Promise<string>);

/** Longest wait for a token, ms. */
const TOKEN_TIMEOUT_MS = 10_000;

/** The token of a client, asked for once however many wait for it. */
export class Tokens {
  readonly #option: TokenOption | undefined;
  #held: string | undefined;
  #asking: Promise<string> | undefined;

  constructor(option: TokenOption | undefined) {
    this.#option = option;
    this.#held = typeof option === "string" ? option : undefined;
  }

  /** Whether another token can be had. */
  get renewable(): boolean {
    return typeof this.#option === "function";
  }

  /** The token as it is held; undefined when none was given or got yet. */
  get held(): string | undefined {
    return this.#held;
  }

  /** The token as it is held, asked for when there is none yet; undefined when this client has no token at all. */
  async current(): Promise<string | undefined> {
    return this.#held ?? (this.renewable ? this.renew(undefined) : undefined);
  }

  /** A token other than `stale`, the one that is not valid any more. Throws what the getter throws, or an error of kind `timeout`. */
  async renew(stale: string | undefined): Promise<string> {
    if (this.#held !== undefined && this.#held !== stale) return this.#held;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<string> {
    const option = this.#option;
    if (typeof option !== "function") throw new TypeError("this client has no getter of tokens");
    const held = await withinTime("the token", TOKEN_TIMEOUT_MS, undefined, async () => option());
    this.#held = held;
    return held;
  }
}
