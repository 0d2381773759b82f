import { DuckDBInstance } from "@duckdb/node-api";

/** Rows of one SQL statement by a DuckDB that knows nothing of ours; 64-bit integers and decimals as text. */
export async function plainQuery(sql: string): Promise<(readonly (string | number | boolean | null)[])[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    const reader = await connection.runAndReadAll(sql);
    return reader
      .getRowsJson()
      .map((row) => row.map((value) => (typeof value === "object" ? String(value) : value)));
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Every Parquet file below a tape directory, as a table for SQL. */
export function allFiles(tapeDir: string): string {
  return `read_parquet('${tapeDir}/**/*.parquet', hive_partitioning = false)`;
}

/** The named files of a tape directory, as a table for SQL. */
export function theseFiles(tapeDir: string, paths: readonly string[]): string {
  const list = paths.map((path) => `'${tapeDir}/${path}'`).join(", ");
  return `read_parquet([${list}], hive_partitioning = false)`;
}
