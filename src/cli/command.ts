import { ApiError } from "./api.ts";
import {
  type CommandContext,
  EXIT_FAILED,
  EXIT_INTERRUPTED,
  EXIT_USAGE,
  type ServerAccess,
  UsageError,
} from "./context.ts";

/** Lays a command's failure before the user and gives its exit code. `usage` follows a usage error. */
export async function runCommand(
  { stderr, signal }: CommandContext,
  usage: string,
  run: () => Promise<number>,
): Promise<number> {
  try {
    return await run();
  } catch (thrown) {
    if (signal.aborted) return EXIT_INTERRUPTED;
    if (thrown instanceof UsageError) {
      stderr.write(`${thrown.message}\n\n${usage}\n`);
      return EXIT_USAGE;
    }
    stderr.write(`${messageOf(thrown)}\n`);
    return EXIT_FAILED;
  }
}

/** Runs with the server, and gives it up afterwards whatever happens. */
export async function withServer<T>(
  context: CommandContext,
  run: (server: ServerAccess) => Promise<T>,
): Promise<T> {
  context.signal.throwIfAborted();
  const server = await context.connect(context.signal);
  try {
    return await run(server);
  } finally {
    await server.close();
  }
}

/** A refusal of the request itself is the caller's to correct: a usage error in another place. */
export function isBadRequest(thrown: unknown): boolean {
  return thrown instanceof ApiError && (thrown.status === 400 || thrown.status === 422);
}

export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
