import { sql } from "drizzle-orm";
import { bigint, customType, timestamp } from "drizzle-orm/pg-core";

/** Kinds of columns that the tables share. */

/** `[lo, hi)` in minutes since the epoch, as Postgres prints it. */
export const int8range = customType<{ data: string; driverData: string }>({ dataType: () => "int8range" });

export const instant = (name: string) => timestamp(name, { withTimezone: true, mode: "date", precision: 6 });
export const whole = (name: string) => bigint(name, { mode: "number" });

/** SQL list of the allowed values of a text column. */
export function oneOf(column: string, values: readonly string[]) {
  return sql.raw(`"${column}" in (${values.map((value) => `'${value}'`).join(", ")})`);
}
