import * as v from "valibot";
import { waitForBackfill } from "../../src/client/mod.ts";
import {
  BackfillAccepted,
  JobAnswer,
  type JobSummary,
  RecentJobs,
  WireLevelSet,
  WireProfile,
} from "../../src/protocol/mod.ts";
import { until } from "./until.ts";

/** A job that does not end fails its test. */
const ENDED_TIMEOUT_MS = 30_000;
/** A request that hangs fails its test and not its file. */
const TIMEOUT_MS = 60_000;

/** The body of an answer that must be a success. */
export async function getJson<S extends v.GenericSchema>(url: string, schema: S): Promise<v.InferOutput<S>> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`GET ${url}: ${answer.status} ${text}`);
  return v.parse(schema, JSON.parse(text));
}

/** A running server's HTTP interface, as far as tests ask it. */
export class TapelineApi {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  levels(symbol: string, parameters: Readonly<Record<string, string>> = {}): Promise<WireLevelSet> {
    return getJson(`${this.url}/api/v1/levels/${symbol}?${new URLSearchParams(parameters)}`, WireLevelSet);
  }

  profile(symbol: string, parameters: Readonly<Record<string, string>>): Promise<WireProfile> {
    return getJson(`${this.url}/api/v1/profile/${symbol}?${new URLSearchParams(parameters)}`, WireProfile);
  }

  job(id: string): Promise<JobAnswer> {
    return getJson(`${this.url}/api/v1/backfill/status/${id}`, JobAnswer);
  }

  async recent(): Promise<readonly JobSummary[]> {
    return (await getJson(`${this.url}/api/v1/backfill/recent?limit=50`, RecentJobs)).jobs;
  }

  /** Asks for minutes of a symbol; `from` and `to` as RFC 3339 times or dates. Waits while the server is starting. */
  async backfill(symbol: string, from: string, to: string, force = false): Promise<string> {
    return until("the job to be accepted", async () => {
      const answer = await fetch(`${this.url}/api/v1/backfill`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ symbols: [symbol], start_date: from, end_date: to, force }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (answer.status === 503) return undefined;
      const body: unknown = await answer.json();
      if (answer.status !== 202)
        throw new Error(`POST /api/v1/backfill: ${answer.status} ${JSON.stringify(body)}`);
      return v.parse(BackfillAccepted, body).job_id;
    });
  }

  /** The job once it has ended. */
  ended(id: string, timeoutMs = ENDED_TIMEOUT_MS): Promise<JobAnswer> {
    return waitForBackfill({ url: this.url, jobId: id, timeoutMs, until: "ended" });
  }

  /** Ready as soon as what is on the disk can be read and the symbol is known. */
  async knows(symbol: string): Promise<void> {
    await until(`${symbol} to be known`, async () => {
      const answer = await fetch(`${this.url}/api/v1/levels/${symbol}`, {
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      await answer.body?.cancel();
      return answer.ok;
    });
  }
}
