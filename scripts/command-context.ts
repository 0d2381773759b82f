import { connectOrStart } from "../src/app/mod.ts";
import { type CommandContext, EXIT_INTERRUPTED } from "../src/cli/mod.ts";

/** What a command gets from this process. The first interrupt ends it in order, the second at once. */
export function commandContext(): CommandContext {
  const interrupt = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const)
    process.on(name, () => {
      if (interrupt.signal.aborted) process.exit(EXIT_INTERRUPTED);
      interrupt.abort();
    });
  return {
    connect: (signal) => connectOrStart({ env: process.env, signal }),
    stdout: process.stdout,
    stderr: process.stderr,
    nowMs: Date.now,
    signal: interrupt.signal,
  };
}
