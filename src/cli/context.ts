/** Where a command writes; what Node calls a writable stream. */
export type OutputStream = NodeJS.WritableStream & { readonly isTTY?: boolean | undefined };

/** The server that a command talks to. */
export interface ServerAccess {
  /** Base URL, e.g. `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Sent with every request and connection; undefined: none. */
  readonly token: string | undefined;
  /** True when this process started the server, so that work ends with the command. */
  readonly started: boolean;
  /** Gives the server up; stops it when this process started it. */
  close(): Promise<void>;
}

/** All that a command needs from the process it runs in. */
export interface CommandContext {
  /** Finds the running server, or starts one in this process. */
  connect(signal: AbortSignal): Promise<ServerAccess>;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly nowMs: () => number;
  /** Aborted by the user's interrupt. */
  readonly signal: AbortSignal;
}

export const EXIT_COMPLETE = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
export const EXIT_INTERRUPTED = 130;

/** The command line cannot be understood. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
