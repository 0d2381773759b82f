import { afterAll, beforeAll, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import * as v from "valibot";
import type { Database } from "../../db/mod.ts";
import { OPEN_TIMEOUT_MS, openTestDatabase } from "../support/databases.ts";

let database: Database;
let other: Database;

beforeAll(async () => {
  // One connection, so that a place in the pool that is lost is missed at once.
  database = await openTestDatabase("postgres", { poolSize: 1 });
  other = await openTestDatabase("postgres", { poolSize: 1 });
}, OPEN_TIMEOUT_MS);
afterAll(async () => {
  await database.close();
  await other.close();
}, OPEN_TIMEOUT_MS);

const Pid = v.tuple([v.object({ pid: v.number() })]);

test("openPostgres(), a transaction whose connection is cut between two statements rejects, and the pool goes on", async () => {
  for (let round = 0; round < 3; round++) {
    const cut = database.db.transaction(async (tx) => {
      const [{ pid }] = v.parse(Pid, [...(await tx.execute(sql`select pg_backend_pid() as pid`))]);
      await other.sql`select pg_terminate_backend(${pid})`;
      // Long enough for the end to arrive: the next statement meets a connection that is gone.
      await Bun.sleep(50);
      await tx.execute(sql`select ${round}::int`);
    });
    await expect(cut).rejects.toThrow();
    expect([...(await database.db.execute(sql`select 1 as one`))]).toEqual([{ one: 1 }]);
  }
});
