import { DataDirBusy, findDataDirHolder } from "../../db/mod.ts";
import type { ServerAccess } from "../cli/mod.ts";
import { type Environment, readConfig } from "../config.ts";
import { pause } from "../core/mod.ts";
import { createLogger, thisProcess } from "../runtime/mod.ts";
import { startApp } from "./app.ts";

/** How long another process may take from its lock to its address. */
const PUBLISH_TIMEOUT_MS = 10_000;
const POLL_MS = 50;
/** An address in a lock is believed once it answers. */
const PROBE_TIMEOUT_MS = 2_000;
/** A server that a command starts is there for commands. */
const LOOPBACK = "127.0.0.1";

export interface ConnectOptions {
  readonly env: Environment;
  readonly signal: AbortSignal;
}

/**
 * The server of the configured data directory: the one that runs, or one started in this process for as long as the
 * command takes (it runs jobs, but follows nothing, and listens on loopback). It is asked with the token of `TAPELINE_TOKEN`, or
 * else with the one that it has for its own user. Throws `ConfigError`, `DataDirBusy`.
 */
export async function connectOrStart({ env, signal }: ConnectOptions): Promise<ServerAccess> {
  const access = await findOrStart({ env, signal });
  const given = env["TAPELINE_TOKEN"]?.trim();
  return given === undefined || given === "" ? access : { ...access, token: given };
}

async function findOrStart({ env, signal }: ConnectOptions): Promise<ServerAccess> {
  const config = readConfig(env);
  const host = thisProcess();
  if (config.databaseUrl === null) {
    const found = await runningServer(config.dataDir, signal);
    if (found !== undefined) return found;
  }
  const log = createLogger({ level: env["LOG_LEVEL"] === undefined ? "error" : config.logLevel, fd: 2 });
  try {
    const app = await startApp({
      config: { ...config, host: LOOPBACK, port: 0 },
      duties: { follow: false },
      process: host,
      log,
      onFatal: (error) => log.fatal({ err: error }, "the command's own server failed"),
    });
    try {
      await app.ready;
    } catch (thrown) {
      await app.close();
      throw thrown;
    }
    return { url: app.url, token: app.localToken, started: true, close: () => app.close() };
  } catch (thrown) {
    // Another command was quicker by a moment: use its server.
    if (!(thrown instanceof DataDirBusy)) throw thrown;
    const found = await runningServer(config.dataDir, signal);
    if (found === undefined) throw thrown;
    return found;
  }
}

async function runningServer(dataDir: string, signal: AbortSignal): Promise<ServerAccess | undefined> {
  const host = thisProcess();
  const timers = host.clock(0);
  const deadline = timers.now() + PUBLISH_TIMEOUT_MS;
  while (!signal.aborted && timers.now() < deadline) {
    const holder = await findDataDirHolder(dataDir, host);
    if (holder === undefined) return undefined;
    if (holder.url !== undefined && (await answers(holder.url)))
      return { url: holder.url, token: holder.token, started: false, close: () => Promise.resolve() };
    await pause(timers, POLL_MS, signal);
  }
  return undefined;
}

async function answers(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    return answer.ok;
  } catch {
    return false;
  }
}
