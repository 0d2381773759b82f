/** The composition root: builds everything, closes everything in reverse order. */
export { type App, type AppOptions, startApp } from "./app.ts";
export { BarsSource } from "./channels/bars-source.ts";
export { ProfileSource } from "./channels/profile-source.ts";
export { type ConnectOptions, connectOrStart } from "./connect.ts";
export type { Duties } from "./engine-deps.ts";
export type { EngineLog } from "./engine-log.ts";
export { NoSharedDatabase, startWorker, type Worker, type WorkerOptions } from "./worker.ts";
