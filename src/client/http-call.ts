import * as v from "valibot";
import { Problem } from "../protocol/mod.ts";
import { kindOfStatus, messageOf, TapelineError } from "./tapeline-error.ts";
import type { Tokens } from "./tokens.ts";
import { pauseMs, withinTime } from "./waits.ts";

/** Longest wait for an answer, ms: a little more than the server allows itself. */
const TIMEOUT_MS = 35_000;
/** Between two questions for a window whose days are still being read, ms. */
const LOADING_RETRY_MS = 1_000;
const UNAUTHORIZED = 401;

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Longest wait for the answer, ms. Default 35,000. */
  readonly timeoutMs?: number | undefined;
}

/** Values of an address; what is undefined is left out. */
export type Parameters = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Call<T> {
  readonly method?: "GET" | "POST";
  /** Steps of the path, encoded here. */
  readonly path: readonly string[];
  readonly parameters?: Parameters | undefined;
  readonly body?: unknown;
  readonly answer: v.GenericSchema<unknown, T>;
}

/** Asks the HTTP interface of one server. */
export class HttpCaller {
  readonly #url: string;
  readonly #tokens: Tokens;

  constructor(url: string, tokens: Tokens) {
    this.#url = url;
    this.#tokens = tokens;
  }

  /**
   * The answer to a call. While the server says that it is reading the days of a long window, it is asked again. Throws
   * {@link TapelineError}, or the reason of the signal.
   */
  call<T>(call: Call<T>, { signal, timeoutMs = TIMEOUT_MS }: CallOptions = {}): Promise<T> {
    const { method = "GET", path, parameters = {}, body } = call;
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters))
      if (value !== undefined) query.set(name, String(value));
    const address = `${this.#url}/${path.map(encodeURIComponent).join("/")}${query.size === 0 ? "" : `?${query}`}`;
    const what = `${method} ${address}`;
    return withinTime(what, timeoutMs, signal, async (either) => {
      for (;;) {
        const { status, json } = await this.#authorized(what, address, { method, signal: either }, body);
        if (status < 400) return understood(what, status, json, call.answer);
        const error = refusedBy(what, status, json);
        if (error.problem?.type !== "/problems/loading") throw error;
        await pauseMs(LOADING_RETRY_MS, either);
      }
    });
  }

  /** With the token, and once more with a fresh one if that one is not valid any more. */
  async #authorized(what: string, address: string, init: RequestInit, body: unknown) {
    const token = await this.#tokens.current();
    const first = await this.#send(what, address, init, body, token);
    if (first.status !== UNAUTHORIZED || !this.#tokens.renewable) return first;
    return this.#send(what, address, init, body, await this.#tokens.renew(token));
  }

  async #send(
    what: string,
    address: string,
    init: RequestInit,
    body: unknown,
    token: string | undefined,
  ): Promise<{ status: number; json: unknown }> {
    const headers = new Headers();
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    if (body !== undefined) headers.set("content-type", "application/json");
    try {
      const response = await fetch(address, {
        ...init,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, json: parseJson(await response.text()) };
    } catch (thrown) {
      init.signal?.throwIfAborted();
      throw new TapelineError("unreachable", `${what} got no answer: ${messageOf(thrown)}`, {
        cause: thrown,
      });
    }
  }
}

function understood<T>(what: string, status: number, json: unknown, schema: v.GenericSchema<unknown, T>): T {
  const parsed = v.safeParse(schema, json);
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  throw new TapelineError(
    "foreign",
    `${what} answered ${status}, but not as expected: ${v.getDotPath(issue) ?? "the body"}: ${issue.message}`,
    { status },
  );
}

function refusedBy(what: string, status: number, json: unknown): TapelineError {
  const parsed = v.safeParse(Problem, json);
  if (!parsed.success)
    return new TapelineError(
      "foreign",
      `${what} answered ${status} without a problem document: is another program at this address?`,
      { status },
    );
  const { title, detail, errors = [] } = parsed.output;
  const faults = errors.length > 1 ? errors.map((fault) => `\n  ${fault.message}`).join("") : "";
  const message = `${what}: ${title}: ${detail}${faults}`;
  return new TapelineError(kindOfStatus(status), message, { status, problem: parsed.output });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
