import type { Database, Drizzle } from "../../../db/mod.ts";

/** Everything inside one transaction goes through this; the embedded database has a single connection. */
export type Tx = Parameters<Parameters<Drizzle["transaction"]>[0]>[0];

export type Access = Pick<Database, "db" | "kind" | "sql" | "aside">;

/** Postgres channel of the nudges that follow a commit. They carry no truth: listeners read the tables. */
export const NUDGE_CHANNEL = "tapeline";
