import { type App, startApp } from "../../src/app/mod.ts";
import { readConfig } from "../../src/config.ts";
import { type ThisProcess, thisProcess } from "../../src/runtime/mod.ts";
import type { Variables } from "./processes.ts";

export interface AppLogLine {
  readonly level: "info" | "warn" | "error";
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export interface AppInProcess {
  readonly app: App;
  /** The newest lines; older ones are forgotten. */
  readonly log: readonly AppLogLine[];
  /** What was called fatal: nothing, in a sound run. */
  readonly fatal: readonly Error[];
}

const LOG_LINES_MAX = 20_000;

/** Starts the app in this process and waits until its data can be read. Whoever calls closes it. */
export async function appInProcess(
  env: Variables,
  { follow, host = thisProcess() }: { readonly follow: boolean; readonly host?: ThisProcess },
): Promise<AppInProcess> {
  const log: AppLogLine[] = [];
  const fatal: Error[] = [];
  const note = (level: AppLogLine["level"]) => (fields: Record<string, unknown>, message: string) => {
    log.push({ level, fields, message });
    if (log.length > LOG_LINES_MAX) log.shift();
  };
  const app = await startApp({
    config: readConfig(env),
    duties: { follow },
    process: host,
    log: { debug: () => undefined, info: note("info"), warn: note("warn"), error: note("error") },
    onFatal: (error) => fatal.push(error),
  });
  await app.ready;
  return { app, log, fatal };
}
