import * as v from "valibot";
import { backoffMs, type FailureKind, OperationFailure, pause, type Timers, Turns } from "../../core/mod.ts";
import type { CallOptions } from "../venue.ts";
import { excerpt, MalformedAnswer, RequestFailure } from "./failures.ts";
import { refusalOf } from "./refusal.ts";
import type { RequestBudget } from "./request-budget.ts";
import { type Endpoint, joinUrl } from "./urls.ts";

/** How long an answer may take, its body included, ms. */
const TIMEOUT_MS = 10_000;
/** How often a request is sent when it fails by chance (time-out, reset, 5xx, malformed answer). */
const ATTEMPTS = 3;
/** Bounds of the waits between them, ms. */
const RETRY_WAIT = { baseMs: 250, maxMs: 4_000 };
/** A venue that asks for a longer wait than this is told to the caller, ms. */
const RETRY_AFTER_MS_MAX = 10_000;
/** The largest body we read, bytes: a page of trades takes 0.15 MB, an exchangeInfo of one symbol 5 kB. */
const BODY_BYTES_MAX = 32 * 2 ** 20;

const USED_WEIGHT_HEADER = "x-mbx-used-weight-1m";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface RestClientOptions {
  readonly baseUrl: string;
  readonly budget: RequestBudget;
  readonly timers: Timers;
  /** Answers [0, 1). */
  readonly random: () => number;
  readonly fetch: Fetch;
  /** Where answers wait to be parsed. Default a line of its own. */
  readonly turns?: Turns;
  /** Default 10,000. */
  readonly timeoutMs?: number;
  /** Sends of one request, the first included. Default 3. */
  readonly attempts?: number;
}

/** The one way to Binance's REST interface: budget, time-out, status, shape, a few tries, typed failures. */
export class RestClient {
  readonly #options: Required<RestClientOptions>;
  #requests = 0;

  constructor(options: RestClientOptions) {
    const { timers } = options;
    const turns = options.turns ?? new Turns({ timers, yieldTurn: () => pause(timers, 0) });
    this.#options = { timeoutMs: TIMEOUT_MS, attempts: ATTEMPTS, ...options, turns };
  }

  /** Requests sent so far, repeated ones included. */
  get requests(): number {
    return this.#requests;
  }

  /**
   * Asks for `endpoint` and reads the answer with `schema`.
   *
   * Throws {@link RequestFailure} or {@link MalformedAnswer}, both {@link OperationFailure}: `transient` after the last try,
   * `throttled` (429, 403), `banned` (418), `permanent` (400, 404, 451, …), `aborted`.
   */
  async get<S extends v.GenericSchema>(
    endpoint: Endpoint,
    schema: S,
    options: CallOptions,
  ): Promise<v.InferOutput<S>> {
    const { attempts, random, timers } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(endpoint, schema, options);
      } catch (thrown) {
        if (!(thrown instanceof OperationFailure) || thrown.kind !== "transient") throw thrown;
        const retryAfterMs = thrown.retryAfterMs ?? 0;
        if (attempt >= attempts || retryAfterMs > RETRY_AFTER_MS_MAX) throw thrown;
        await pause(timers, backoffMs(attempt, random, retryAfterMs, RETRY_WAIT), options.signal);
        if (options.signal.aborted)
          throw new RequestFailure("aborted", `GET ${endpoint.path}: aborted`, {
            path: endpoint.path,
            cause: thrown,
          });
      }
    }
  }

  async #attempt<S extends v.GenericSchema>(
    endpoint: Endpoint,
    schema: S,
    { signal, priority }: CallOptions,
  ): Promise<v.InferOutput<S>> {
    const { path } = endpoint;
    const permit = await this.#options.budget.acquire(endpoint.weight, signal, priority);
    let usedWeight: number | undefined;
    let answer: { readonly response: Response; readonly body: string };
    try {
      answer = await this.#send(path, signal);
      usedWeight = usedWeightOf(answer.response.headers);
      // Before the permit goes back: nobody may slip out between a ban and its being known.
      if (!answer.response.ok) throw this.#refuse(path, answer.response, answer.body);
    } finally {
      permit.done(usedWeight);
    }
    return this.#options.turns.take(() => readBody(path, answer.body, schema));
  }

  async #send(path: string, signal: AbortSignal): Promise<{ response: Response; body: string }> {
    const { baseUrl, fetch, timeoutMs, timers } = this.#options;
    const timeout = new AbortController();
    const cancel = timers.after(timeoutMs, () => timeout.abort());
    this.#requests++;
    try {
      const response = await fetch(joinUrl(baseUrl, path), {
        headers: { accept: "application/json" },
        signal: AbortSignal.any([signal, timeout.signal]),
      });
      return { response, body: await readText(path, response) };
    } catch (thrown) {
      if (thrown instanceof OperationFailure) throw thrown;
      const fail = (kind: FailureKind, what: string) =>
        new RequestFailure(kind, `GET ${path}: ${what}`, { path, cause: thrown });
      if (signal.aborted) throw fail("aborted", "aborted");
      if (timeout.signal.aborted) throw fail("transient", `no answer within ${timeoutMs} ms`);
      throw fail("transient", `no answer, ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    } finally {
      cancel();
    }
  }

  #refuse(path: string, response: Response, body: string): RequestFailure {
    const { budget } = this.#options;
    const { status } = response;
    const { kind, code, text, waitMs } = refusalOf(status, response.headers, body, budget.exchangeNowMs);
    let retryAfterMs = waitMs;
    if (kind === "banned" && waitMs !== undefined) retryAfterMs = budget.ban(waitMs);
    if (kind === "throttled") retryAfterMs = budget.throttle(waitMs);
    const words = text ?? excerpt(body);
    const coded = code === undefined ? "" : ` (code ${code})`;
    return new RequestFailure(kind, `GET ${path}: expected 200, found ${status}${coded}: ${words}`, {
      path,
      status,
      code,
      retryAfterMs,
    });
  }
}

async function readText(path: string, response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let bytes = 0;
  let text = "";
  if (response.body === null) return text;
  for await (const part of response.body) {
    bytes += part.byteLength;
    if (bytes > BODY_BYTES_MAX)
      throw new MalformedAnswer(path, `a body of at most ${BODY_BYTES_MAX} bytes`, `${bytes} bytes and more`);
    text += decoder.decode(part, { stream: true });
  }
  return text + decoder.decode();
}

function readBody<S extends v.GenericSchema>(path: string, body: string, schema: S): v.InferOutput<S> {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (thrown) {
    throw new MalformedAnswer(path, "JSON", body, thrown);
  }
  const parsed = v.safeParse(schema, json, { abortEarly: true });
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const at = v.getDotPath(issue);
  throw new MalformedAnswer(path, `${issue.expected ?? issue.type}${at === null ? "" : ` at ${at}`}`, body);
}

/** `X-MBX-USED-WEIGHT-1M`, or undefined when it is absent or no count. */
function usedWeightOf(headers: Headers): number | undefined {
  const text = headers.get(USED_WEIGHT_HEADER);
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
