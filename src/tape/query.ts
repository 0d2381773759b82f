import { type Json, JsonDuckDBValueConverter, StatementType } from "@duckdb/node-api";
import { InvariantError } from "../core/mod.ts";
import type { Engine } from "./engine.ts";
import { messageOf, TapeError } from "./tape-error.ts";
import type { TapeCallOptions } from "./tape-file.ts";

/** Rows answered unless told otherwise. */
const ROWS_MAX = 10_000;

export interface QueryOptions extends TapeCallOptions {
  /** Rows to answer at most. Default 10,000. */
  readonly rowsMax?: number;
}

export interface QueryAnswer {
  readonly columns: readonly string[];
  /** Values as JSON: integers of 64 bits and more, decimals and times as text. */
  readonly rows: readonly (readonly Json[])[];
  /** True when there were more rows than `rowsMax`. */
  readonly truncated: boolean;
}

/**
 * Answers one SELECT. Nothing but the tape's directory can be read, and nothing changed.
 * Throws {@link TapeError}: `refused` for anything but one SELECT, `read` for SQL that fails, `timeout`, `aborted`.
 */
export async function queryTape(
  engine: Engine,
  sql: string,
  { signal, rowsMax = ROWS_MAX }: QueryOptions = {},
): Promise<QueryAnswer> {
  if (sql.trim() === "") throw new TapeError("refused", "expected one SELECT, found nothing");
  try {
    return await engine.with(signal, async (session) => {
      const statements = await session.call((connection) => connection.extractStatements(sql));
      if (statements.count !== 1)
        throw new TapeError("refused", `expected one SELECT, found ${statements.count} statements`);
      const prepared = await session.call(() => statements.prepare(0));
      try {
        if (prepared.statementType !== StatementType.SELECT)
          throw new TapeError(
            "refused",
            `expected a SELECT, found a statement of type ${StatementType[prepared.statementType]}`,
          );
        const result = await session.call(() => prepared.stream());
        const rows: (readonly Json[])[] = [];
        for (;;) {
          const chunk = await session.call(() => result.fetchChunk());
          const ended = chunk === null || chunk.rowCount === 0;
          if (!ended) rows.push(...chunk.convertRows(JsonDuckDBValueConverter));
          if (ended || rows.length > rowsMax)
            return {
              columns: result.columnNames(),
              rows: rows.slice(0, rowsMax),
              truncated: rows.length > rowsMax,
            };
        }
      } finally {
        prepared.destroySync();
      }
    });
  } catch (cause) {
    if (cause instanceof TapeError || cause instanceof InvariantError) throw cause;
    throw new TapeError("read", `the query failed: ${messageOf(cause)}`, { cause });
  }
}
