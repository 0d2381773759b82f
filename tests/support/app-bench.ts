import {
  type SimulatorServer,
  type SimulatorServerOptions,
  startSimulatorServer,
} from "../../src/runtime/mod.ts";
import { type AppInProcess, appInProcess } from "./app-in-process.ts";
import { type Variables, Workbench } from "./processes.ts";

/** A workbench whose apps and exchanges run in this process. All that was opened on it is closed with it, the last first. */
export class AppBench extends Workbench {
  readonly #closing: (() => Promise<unknown>)[] = [];

  openExchange(options: SimulatorServerOptions): SimulatorServer {
    const exchange = startSimulatorServer(options);
    this.opened(() => exchange.stop());
    return exchange;
  }

  async openApp(env: Variables, options: Parameters<typeof appInProcess>[1]): Promise<AppInProcess> {
    const started = await appInProcess(env, options);
    this.opened(() => started.app.close());
    return started;
  }

  /** Something else was opened; `close` closes it. */
  opened(close: () => Promise<unknown>): void {
    this.#closing.push(close);
  }

  override async close(): Promise<void> {
    for (const close of this.#closing.splice(0).reverse()) await close();
    await super.close();
  }
}
