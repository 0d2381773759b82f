/** The database: its tables, how it is opened (embedded or Postgres), and the lock of a data directory. */
export { DatabaseFailure, type DatabaseStep, DataDirBusy } from "./errors.ts";
export {
  acquireDataDirLock,
  type DataDirLock,
  findDataDirHolder,
  type LockHolder,
  type ProcessProbe,
} from "./lock.ts";
export type { MigrationReport } from "./migrate.ts";
export {
  type Database,
  type Drizzle,
  type EmbeddedOptions,
  openEmbedded,
  openPostgres,
  type PostgresOptions,
} from "./open.ts";
export * from "./schema.ts";
export { prepareTemplate, type TemplateOptions, templatePath } from "./template.ts";
