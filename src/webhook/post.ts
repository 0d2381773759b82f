import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { LookupFunction } from "node:net";
import type { Address } from "./targets.ts";

/** Bytes of an answer that are read, to be thrown away: what the receiver has to say is its status. */
export const ANSWER_BYTES_MAX = 65_536;

export interface Post {
  readonly url: URL;
  /** Where to connect to. The name is not resolved again; it still names the host and the certificate. */
  readonly addresses: readonly Address[];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
}

export type PostOutcome =
  | { readonly kind: "answered"; readonly status: number; readonly retryAfter: string | undefined }
  | { readonly kind: "failed"; readonly reason: string };

/** Posts once, over a connection of its own. Redirects are not followed. Never rejects. */
export function post({ url, addresses, headers, body, signal }: Post): Promise<PostOutcome> {
  return new Promise((resolve) => {
    const failed = (error: Error) => resolve({ kind: "failed", reason: reasonOf(error, signal) });
    const open = url.protocol === "https:" ? httpsRequest : httpRequest;
    let sent: ClientRequest;
    try {
      sent = open(url, {
        method: "POST",
        agent: false,
        headers: { ...headers, "content-length": String(Buffer.byteLength(body)), connection: "close" },
        lookup: lookupOf(addresses),
        signal,
      });
    } catch (thrown) {
      return failed(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
    sent.once("response", (response) => {
      const { statusCode = 0, headers: answered } = response;
      drain(response, () =>
        resolve({ kind: "answered", status: statusCode, retryAfter: answered["retry-after"] }),
      );
    });
    sent.on("error", failed);
    sent.end(body);
  });
}

/** Reads an answer to its end, to its limit or to its failure; its status counts in each case. */
function drain(response: IncomingMessage, done: () => void): void {
  let bytes = 0;
  response.on("data", (part: Uint8Array) => {
    bytes += part.byteLength;
    if (bytes <= ANSWER_BYTES_MAX) return;
    done();
    response.destroy();
  });
  response.once("end", done);
  response.once("error", done);
  response.once("close", done);
}

function lookupOf(addresses: readonly Address[]): LookupFunction {
  return (_, options, answer) => {
    const first = addresses[0];
    if (first === undefined) answer(new Error("no address to connect to"), "");
    else if (options.all === true) answer(null, [...addresses]);
    else answer(null, first.address, first.family);
  };
}

function reasonOf(error: Error, signal: AbortSignal): string {
  if (!signal.aborted) return error.message;
  return signal.reason instanceof Error ? signal.reason.message : String(signal.reason);
}
