import type { CallOptions } from "./deps.ts";
import { failWith } from "./problem-response.ts";

/** Longest an answer may take, ms. */
export const DEADLINE_MS = 30_000;

/**
 * Runs `work` until it ends, the client goes or `deadlineMs` pass; its signal is aborted in the latter cases. Throws the problem
 * `deadline-exceeded` when time ran out.
 */
export async function withDeadline<T>(
  work: (options: CallOptions) => T | Promise<T>,
  { client, deadlineMs }: { readonly client: AbortSignal; readonly deadlineMs: number },
): Promise<T> {
  const controller = new AbortController();
  const leave = () => controller.abort(client.reason);
  client.addEventListener("abort", leave, { once: true });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const late = failWith(
        "deadline-exceeded",
        `There was no answer within ${deadlineMs / 1_000} s; ask again, or for less.`,
      );
      reject(late);
      controller.abort(late);
    }, deadlineMs);
  });
  try {
    return await Promise.race([work({ signal: controller.signal }), expired]);
  } finally {
    clearTimeout(timer);
    client.removeEventListener("abort", leave);
  }
}
