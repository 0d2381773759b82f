import { OperationFailure } from "../../core/mod.ts";

/** A command to a job starts over so often at most when its chunks change hands meanwhile. */
const TRIES_MAX = 5;

/** Thrown in a transaction to end it and start it over; leaves no {@link startingOver}. */
export class StartOver extends Error {
  override readonly name = "StartOver";
}

/**
 * Runs a command to a job until its transaction does not ask for another start: it must not wait for chunks while it holds the
 * job's row, because who holds them waits for that row. `run` is told whether it started over.
 * @throws {OperationFailure} transient, after {@link TRIES_MAX} starts.
 */
export async function startingOver<T>(jobId: string, run: (again: boolean) => Promise<T>): Promise<T> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    try {
      return await run(tries > 0);
    } catch (thrown) {
      if (!(thrown instanceof StartOver)) throw thrown;
    }
  }
  throw new OperationFailure(
    "transient",
    `job ${jobId} could not be told: ${TRIES_MAX} times its chunks changed hands meanwhile; try again`,
  );
}
