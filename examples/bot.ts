/**
 * A bot that does not wait for a backfill to end: it watches partial VWAP and POC with what is proven of them, and acts as soon as
 * the POC is certain.
 *
 *   bun examples/bot.ts [URL] [SYMBOL] [DAY]
 */
import { Tapeline, TapelineError } from "tapeline/client";

const DAY_MS = 86_400_000;
/** Longest wait for a proof. */
const PATIENCE_MS = 10 * 60_000;

const [
  url = "http://127.0.0.1:8080",
  named,
  day = new Date(Date.now() - 4 * DAY_MS).toISOString().slice(0, 10),
] = process.argv.slice(2);

const tapeline = new Tapeline(url);
try {
  const symbol = named ?? (await tapeline.http.ready()).symbol;
  const { job_id } = await tapeline.http.startBackfill({
    symbols: [symbol],
    start_date: day,
    end_date: day,
    // The chunks that prove most come first.
    order: "certify",
  });
  console.log(`${symbol} ${day}: job ${job_id}`);

  const levels = tapeline.levels(symbol, { session: day });
  let shown = "";
  const stop = levels.on(({ levels: { VWAP, POC }, certainty, coverage }) => {
    const line = `VWAP ${VWAP} (${certainty.VWAP})  POC ${POC} (${certainty.POC})`;
    if (line !== shown) console.log(`${(coverage.ratio * 100).toFixed(1).padStart(5)} %  ${line}`);
    shown = line;
  });
  const proven = await levels.until(({ certainty: { POC } }) => POC === "certain" || POC === "exact", {
    timeoutMs: PATIENCE_MS,
  });
  stop();
  console.log(
    `POC ${proven.levels.POC} is ${proven.certainty.POC} with ${(proven.coverage.ratio * 100).toFixed(1)} % of the trades: ` +
      "this is where a bot would act.",
  );

  const job = await tapeline.backfill(job_id).ended({ timeoutMs: PATIENCE_MS });
  const final = await tapeline.http.levels({ symbol, session: day });
  console.log(`${job.status}: POC ${final.levels.POC} (${final.certainty.POC}), ${final.precision}`);
  process.exitCode = job.status === "complete" && final.levels.POC === proven.levels.POC ? 0 : 1;
} catch (error) {
  console.error(error instanceof TapelineError ? `${error.kind}: ${error.message}` : error);
  process.exitCode = 1;
} finally {
  tapeline.close();
}
