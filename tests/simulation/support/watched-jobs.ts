import type { DispatcherDeps } from "../../../src/backfill/dispatcher.ts";
import type { ChunkLease, ClaimedChunk } from "../../../src/backfill/store/types.ts";
import type { CommitLedger } from "./commit-ledger.ts";
import type { Connection } from "./connection.ts";
import { neverAsked } from "./exchange.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { World } from "./world.ts";

/** The job store as the dispatcher of one process reaches it; the monitor sees what is asked and what is answered. */
export function watchedJobs(
  world: World,
  process: SimulatedProcess,
  connection: Connection,
  ledger: CommitLedger,
): DispatcherDeps["jobs"] {
  const { database, monitor } = world;
  const ask: Connection["ask"] = (name, effect) => connection.ask(name, effect);
  /** A question about a commit: its lost answers are counted. */
  const about = async <T>(what: number | string, name: string, effect: () => Promise<T>): Promise<T> => {
    try {
      return await ask(name, effect);
    } catch (thrown) {
      ledger.unanswered(what);
      if (name === "commit") monitor.tally.unanswered += 1;
      throw thrown;
    }
  };
  const told = <T extends { readonly kind: string }>(name: string, lease: ChunkLease, outcome: T): T => {
    world.trace(process, () => `${name} of chunk ${lease.chunkId}, token ${lease.token}: ${outcome.kind}`);
    if (outcome.kind === "lost") monitor.tally.refused += 1;
    return outcome;
  };
  const given = (chunk: ClaimedChunk | undefined): ClaimedChunk | undefined => {
    if (chunk === undefined) return undefined;
    const { chunkId, token } = chunk.lease;
    world.trace(process, () => `is given chunk ${chunkId}, token ${token}`);
    monitor.granted(process, chunk);
    return chunk;
  };
  const giveBack = <T extends { readonly kind: string }>(
    name: string,
    lease: ChunkLease,
    effect: () => Promise<T>,
  ): Promise<T> => {
    monitor.dropped(process, lease);
    ledger.gaveBack(lease);
    return ask(name, async () => told(name, lease, await effect()));
  };
  return {
    coverage: (id, range) => ask("coverage", () => database.coverage(id, range)),
    candleCoverage: () => neverAsked("candleCoverage"),
    growScales: (id, price, size) => ask("growScales", () => database.growScales(id, price, size)),
    pendingWork: () => ask("pendingWork", () => database.pendingWork()),
    job: (id) => about(id, "job", () => database.job(id)),
    readChunk: (id) => about(id, "readChunk", () => database.readChunk(id)),
    claim: async (options) => {
      const sentAt = process.now();
      const chunk = await ask("claim", async () => given(await database.claim(options)));
      if (chunk !== undefined) monitor.claimed(process, chunk, sentAt, options.leaseMs);
      return chunk;
    },
    heartbeat: async (lease, leaseMs) => {
      const sentAt = process.now();
      const answer = await ask("heartbeat", () => database.heartbeat(lease, leaseMs));
      if (answer === undefined) monitor.dropped(process, lease);
      else monitor.renewed(process, lease, sentAt);
      return answer;
    },
    commit: async (lease, result, next) => {
      monitor.commitSent(process, lease);
      const sentAt = process.now();
      const answer = await about(lease.chunkId, "commit", async () => {
        const outcome = told("commit", lease, await database.commit(lease, result, next));
        if (outcome.kind === "lost") return outcome;
        monitor.tally.commits += 1;
        const { seriesId, ranges } = ledger.committed(lease, outcome);
        world.covered(database.tables.seriesRow(seriesId).symbol, ranges);
        monitor.dropped(process, lease);
        if (given(outcome.next) !== undefined) monitor.tally.takenAlong += 1;
        return outcome;
      });
      if (answer.kind === "committed" && answer.next !== undefined && next !== undefined)
        monitor.claimed(process, answer.next, sentAt, next.leaseMs);
      return answer;
    },
    release: (lease) => giveBack("release", lease, () => database.release(lease)),
    fail: (lease, why) => giveBack("fail", lease, () => database.fail(lease, why)),
    retryLater: (lease, why) => giveBack("retryLater", lease, () => database.retryLater(lease, why)),
    expireDeadlines: () => ask("expireDeadlines", () => database.expireDeadlines()),
    reapExpired: () =>
      ask("reapExpired", async () => {
        const report = await database.reapExpired();
        monitor.tally.reaped += report.requeued + report.failed;
        monitor.tally.givenUp += report.failed;
        return report;
      }),
  };
}
