import * as v from "valibot";
import {
  type Grant,
  Problem,
  type PushError,
  parseRpc,
  pushError,
  type RpcCall,
  type RpcRequest,
  rpcReply,
} from "../protocol/mod.ts";
import type { Outbox } from "./outbox.ts";
import type { PushLimits } from "./push-limits.ts";
import { PushTimeoutError, type PushTimers, withinTime } from "./timers.ts";

/** The HTTP interface of this server, asked from inside by somebody whose grant is known. */
export type RpcHandler = (request: Request, grant: Grant) => Response | Promise<Response>;

export interface RpcDeskOptions {
  readonly handler: RpcHandler | undefined;
  readonly outbox: Outbox;
  readonly limits: PushLimits;
  readonly timers: PushTimers;
}

/** Nothing is ever sent there: the request does not leave this process. */
const ORIGIN = "http://rpc.invalid";
/** Statuses of answers that may be another one a moment later. */
const TEMPORARY: readonly number[] = [503, 504];
const FORBIDDEN = 403;
const TOO_LARGE = 413;
const TOO_LATE = 504;

/** The calls of one connection: bounded in number, time and size. */
export class RpcDesk {
  readonly #options: RpcDeskOptions;
  readonly #underWay = new Set<AbortController>();

  constructor(options: RpcDeskOptions) {
    this.#options = options;
  }

  /** Answers an error, or has replied itself. */
  async call(id: number, request: RpcRequest, grant: Grant): Promise<PushError | undefined> {
    const { handler, limits } = this.#options;
    if (handler === undefined) return pushError("not_available", "rpc is not offered here");
    const parsed = parseRpc(request);
    if (parsed.kind === "refused") return parsed.error;
    if (this.#underWay.size >= limits.rpcInFlightMax) {
      const error = pushError(
        "limit_exceeded",
        `at most ${limits.rpcInFlightMax} calls of a connection at a time`,
      );
      return { ...error, temporary: true };
    }
    const aborter = new AbortController();
    this.#underWay.add(aborter);
    try {
      return await this.#ask(id, handler, parsed.call, grant, aborter.signal);
    } finally {
      this.#underWay.delete(aborter);
      aborter.abort();
    }
  }

  /** The client has gone: nobody waits for the answers. */
  stop(): void {
    for (const aborter of this.#underWay) aborter.abort();
  }

  async #ask(
    id: number,
    handler: RpcHandler,
    call: RpcCall,
    grant: Grant,
    signal: AbortSignal,
  ): Promise<PushError | undefined> {
    const { limits, timers, outbox } = this.#options;
    const asked = `${call.method} ${call.path}`;
    let answer: Answer;
    try {
      answer = await withinTime(timers, limits.rpcMs, asked, async () =>
        readAnswer(await handler(requestOf(call, signal), grant), limits.rpcCharsMax),
      );
    } catch (error) {
      if (!(error instanceof PushTimeoutError)) throw error;
      return {
        code: TOO_LATE,
        message: `${error.message}; ${asked} may still be under way`,
        temporary: true,
      };
    }
    if (answer.text === undefined)
      return {
        code: TOO_LARGE,
        message: `the answer has more than ${limits.rpcCharsMax} characters; ask for less, or over HTTP: ${asked}`,
      };
    if (answer.status >= 400) return errorOf(answer.status, answer.text);
    outbox.send(rpcReply(id, answer.text));
    return undefined;
  }
}

interface Answer {
  readonly status: number;
  /** Undefined when it is too large. */
  readonly text: string | undefined;
}

function requestOf({ method, path, body }: RpcCall, signal: AbortSignal): Request {
  const url = `${ORIGIN}${path}`;
  return body === undefined
    ? new Request(url, { method, signal })
    : new Request(url, { method, signal, body, headers: { "content-type": "application/json" } });
}

async function readAnswer({ status, body }: Response, charsMax: number): Promise<Answer> {
  if (body === null) return { status, text: "null" };
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    text += part.value;
    if (text.length <= charsMax) continue;
    await reader.cancel();
    return { status, text: undefined };
  }
  return { status, text };
}

/** The problem of an answer as an error of the protocol: its status is the code, but who may not ask is told so as for a channel. */
function errorOf(status: number, text: string): PushError {
  const problem = v.safeParse(v.pipe(v.string(), v.parseJson(), Problem), text);
  const detail = problem.success ? problem.output.detail : `the request was answered with ${status}`;
  if (status === FORBIDDEN) return pushError("permission_denied", detail);
  return TEMPORARY.includes(status)
    ? { code: status, message: detail, temporary: true }
    : { code: status, message: detail };
}
