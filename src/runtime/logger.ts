import pino from "pino";

export interface LoggerOptions {
  readonly level: string;
  /** File descriptor written to: 1 standard output, 2 standard error. */
  readonly fd: 1 | 2;
}

export type Logger = pino.Logger;

/** One JSON object a line, RFC 3339 times. */
export function createLogger({ level, fd }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd, sync: true }),
  );
}
