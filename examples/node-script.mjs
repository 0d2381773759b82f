// A backfill from a script: starts it, follows it to its end, prints the levels, and exits 0 when it is complete.
//
//   node examples/node-script.mjs [URL] [SYMBOL] [DAY]
//
// Plain Node (20 or newer) on the built client; with Bun or Node, `import … from "tapeline/client"` does the same.
import { Tapeline, TapelineError } from "../dist/client.js";

const DAY_MS = 86_400_000;
const [
  url = "http://127.0.0.1:8080",
  named,
  day = new Date(Date.now() - 3 * DAY_MS).toISOString().slice(0, 10),
] = process.argv.slice(2);

const tapeline = new Tapeline(url);
try {
  const symbol = named ?? (await tapeline.http.ready()).symbol;
  const { job_id } = await tapeline.http.startBackfill({
    symbols: [symbol],
    start_date: day,
    end_date: day,
    order: "certify",
  });
  console.log(`${symbol} ${day}: job ${job_id}`);

  let last;
  for await (const job of tapeline.backfill(job_id)) {
    last = job;
    const what =
      job.change.kind === "transition" ? `${job.change.transition.from} → ${job.status}` : job.status;
    console.log(`${what}, ${job.progress_pct} %, ${job.chunks_done}/${job.chunks_total} chunks`);
  }

  const { levels, certainty, precision } = await tapeline.levels(symbol, { session: day }).first();
  for (const [name, value] of Object.entries(levels))
    if (value !== null) console.log(name.padEnd(10), String(value).padStart(14), certainty[name] ?? "");
  console.log(precision);
  process.exitCode = last?.status === "complete" ? 0 : 1;
} catch (error) {
  console.error(error instanceof TapelineError ? `${error.kind}: ${error.message}` : error);
  process.exitCode = 1;
} finally {
  tapeline.close();
}
