import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Sql } from "postgres";
import type { Crew } from "./crew.ts";

/** What is done to the workers and to what they stand on. */
export const FAULTS = ["kill", "suspend", "terminate", "restart", "full_disk"] as const;
export type Fault = (typeof FAULTS)[number];

/** A small database on a busy machine is back long before. */
const RECOVERY_MS = 30_000;

export interface FaultWorld {
  readonly crew: Crew;
  /** An administrator's connection to the cluster; its own backend is spared. */
  readonly admin: Sql;
  readonly database: string;
  /** A file system of its own, small enough to be filled; undefined where none can be mounted. */
  readonly disk: string | undefined;
  readonly leaseMs: number;
  readonly random: () => number;
}

/** Brings one fault about and, where it does not end by itself, ends it. Workers that die are replaced. */
export async function inflict(fault: Fault, world: FaultWorld): Promise<void> {
  const { crew, random, leaseMs } = world;
  const index = Math.floor(random() * crew.size);
  switch (fault) {
    case "kill":
      return crew.kill(index);
    case "suspend": {
      const { pid } = crew.worker(index);
      process.kill(pid, "SIGSTOP");
      await Bun.sleep(leaseMs * 1.7);
      process.kill(pid, "SIGCONT");
      return;
    }
    case "terminate":
      await asked(
        () => world.admin`
          select pg_terminate_backend(pid) from (
            select pid from pg_stat_activity where datname = ${world.database} order by random() limit 6) victims`,
      );
      return;
    case "restart":
      return restart(world);
    case "full_disk":
      if (world.disk !== undefined) await fill(world.disk, 1_200);
      return;
  }
}

/** A backend that dies makes Postgres throw everybody out, recover from its log and start anew. */
async function restart({ admin, database }: FaultWorld): Promise<void> {
  const [victim] = await asked(
    () => admin<{ pid: number }[]>`
      select pid from pg_stat_activity where datname = ${database} and backend_type = 'client backend' limit 1`,
  );
  if (victim === undefined) return;
  try {
    process.kill(victim.pid, "SIGKILL");
  } catch {
    // Its connection has just ended by itself; the next fault will find another.
  }
  await Bun.sleep(100);
  await asked(() => admin`select 1`);
}

/** Asks again while the database recovers from the last fault. */
async function asked<T>(ask: () => PromiseLike<T>): Promise<T> {
  const until = performance.now() + RECOVERY_MS;
  for (;;) {
    try {
      return await ask();
    } catch (thrown) {
      if (performance.now() > until) throw thrown;
      await Bun.sleep(100);
    }
  }
}

/** Takes every free byte for a while. */
async function fill(disk: string, ms: number): Promise<void> {
  const ballast = join(disk, "ballast");
  const file = await open(ballast, "w");
  try {
    const block = Buffer.alloc(262_144, 1);
    for (;;) {
      const { bytesWritten } = await file.write(block).catch(() => ({ bytesWritten: 0 }));
      if (bytesWritten < block.length) break;
    }
    await Bun.sleep(ms);
  } finally {
    await file.close();
    await rm(ballast, { force: true });
  }
}
