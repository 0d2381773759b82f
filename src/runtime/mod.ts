/** The only folder that names Bun's server and the process. */
export { type AssetAddress, bundleAsset, fileAsset, pageAsset } from "./assets.ts";
export { createLogger, type Logger, type LoggerOptions } from "./logger.ts";
export { isLoopback } from "./loopback.ts";
export { originAllowed } from "./origin.ts";
export {
  type SimulatorServer,
  type SimulatorServerOptions,
  startSimulatorServer,
} from "./simulator-server.ts";
export { systemTimers } from "./system-timers.ts";
export { type ThisProcess, thisProcess } from "./this-process.ts";
export { type ListenOptions, listen, type WebServer } from "./web-socket-server.ts";
