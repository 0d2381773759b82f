// A page on the client: levels with what is proven of them, bars, and the backfill that fills them in. No build step.
//
// ?symbol=BTCUSDT names the symbol (default: the first that the server follows), #token=… a token where the server asks for one.
import { Tapeline } from "/client.js";
import { drawChart, drawCoverage } from "/examples/chart.js";

const INTERVAL = "5m";
const GROUPS = {
  Today: ["VWAP", "POC", "VAH", "VAL", "HIGH", "LOW", "OPEN", "LAST", "CD", "rangeToday"],
  "Opening range, initial balance": ["ORH", "ORL", "IBH", "IBL"],
  "Day before": ["PDH", "PDL", "VWAPprev", "POCprev", "VAHprev", "VALprev"],
};
/** Bars of the running session that are shown. */
const BARS_SHOWN = 150;
/** What is not pushed is read again when something has changed, at most so often, ms. */
const READ_MS = 2_000;

const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? undefined;
const tapeline = new Tapeline(location.origin, { token });
const at = (id) => document.getElementById(id);

tapeline.onStatus(({ state, reason }) => {
  at("status").textContent = state;
  at("status").className = `status ${state}`;
  at("status").title = reason;
});

/** Answers at once, also while the server is still starting. */
const symbol =
  new URLSearchParams(location.search).get("symbol") ?? (await tapeline.http.ready().catch(trouble))?.symbol;

/** What is shown now; leaving it ends all that it follows. */
let leave = () => {};

/** Shows the running session, or the one of a day. */
function show(session) {
  leave();
  const stop = new AbortController();
  leave = () => stop.abort();
  const options = { signal: stop.signal };
  let drawn = { bars: [], range: undefined, name: undefined };
  let followed;
  let reading = 0;
  let frame = 0;
  at("progress").hidden = true;
  at("job").textContent = "Backfill";
  at("counts").textContent = "None is under way.";
  at("log").replaceChildren();

  const levels = tapeline.levels(symbol, session === undefined ? options : { ...options, session });
  levels.on(
    (set) => {
      // At most once a frame, and not at all while nobody looks.
      if (frame === 0) frame = requestAnimationFrame(draw);
      const job = set.backfill?.job_id;
      if (job !== undefined && job !== followed) void followJob(job, options);
      followed = job ?? followed;
      if (reading === 0) reading = setTimeout(read, drawn.range === undefined ? 0 : READ_MS);
    },
    { onError: trouble },
  );
  if (session === undefined)
    tapeline.bars(symbol, INTERVAL, options).on(
      ({ bars }) => {
        drawn = { ...drawn, bars: bars.slice(-BARS_SHOWN) };
        if (frame === 0) frame = requestAnimationFrame(draw);
      },
      { onError: trouble },
    );
  at("running").hidden = session === undefined;

  function draw() {
    frame = 0;
    const set = levels.state;
    if (set === undefined) return;
    drawSet(set);
    drawChart(at("chart"), drawn.bars, set);
    drawCoverage(at("coverage"), set.coverage, drawn.name === set.session ? drawn.range : undefined);
  }

  /** The hours of the session, and of a past one its bars: the channel has the newest bars only. */
  async function read() {
    const name = levels.state?.session;
    if (name === undefined) return;
    try {
      const range = await tapeline.http.session({ symbol, session: name }, options);
      const query = { symbol, interval: INTERVAL, from: range.from, to: range.to };
      const bars = session === undefined ? undefined : (await tapeline.http.bars(query, options)).bars;
      drawn = { bars: bars ?? drawn.bars, range, name };
      draw();
    } catch (error) {
      if (!stop.signal.aborted) trouble(error);
    } finally {
      reading = 0;
    }
  }
}

function drawSet(set) {
  at("symbol").textContent = set.symbol;
  at("last").textContent = price(set.levels.LAST);
  at("session").textContent = set.session;
  at("precision").textContent = set.precision;
  const { covered_minutes, expected_minutes } = set.coverage;
  at("covered").textContent =
    `${covered_minutes} of ${expected_minutes} minutes, ${set.trade_count.toLocaleString("en")} trades`;
  const rows = Object.entries(GROUPS).flatMap(([title, names]) => [
    row("group", [[title, ""]]),
    ...names.map((name) => {
      const how = set.certainty[name] ?? "";
      const bounds = set.bounds[name];
      return row("", [
        [name, ""],
        [price(set.levels[name]), `value ${how}`],
        [bounds === undefined ? "" : `${bounds[0]} – ${bounds[1]}`, "interval"],
      ]);
    }),
  ]);
  at("levels").replaceChildren(...rows);
}

/** Follows a job to its end: every transition once, progress between them. */
async function followJob(jobId, options) {
  at("log").replaceChildren();
  try {
    for await (const job of tapeline.backfill(jobId, options)) {
      at("job").textContent = `Backfill ${job.status.replace("_", " ")}`;
      at("progress").hidden = false;
      at("progress").value = job.progress_pct;
      const eta =
        job.eta_seconds === null || job.eta_seconds === 0 ? "" : `, about ${job.eta_seconds} s left`;
      at("counts").textContent =
        `${job.progress_pct} %, ${job.chunks_done} of ${job.chunks_total} chunks, ` +
        `${job.total_records_inserted.toLocaleString("en")} trades${eta}`;
      if (job.change.kind !== "transition") continue;
      const { at: when, from, to } = job.change.transition;
      const item = document.createElement("li");
      item.textContent = `${when.slice(11, 19)} ${from} → ${to}`;
      at("log").append(item);
    }
  } catch (error) {
    if (!options.signal.aborted) trouble(error);
  }
}

function row(kind, cells) {
  const made = document.createElement("tr");
  made.className = kind;
  for (const [content, kindOfCell] of cells) {
    const cell = document.createElement("td");
    cell.textContent = content;
    cell.className = kindOfCell;
    if (kind === "group") cell.colSpan = 3;
    made.append(cell);
  }
  return made;
}

/** Prices may come as text where a number could not hold them; what is not known is a dash and never a zero. */
function price(value) {
  return value === null ? "—" : Number(value).toLocaleString("en", { maximumFractionDigits: 8 });
}

function trouble(error) {
  at("trouble").hidden = false;
  at("trouble").textContent = error instanceof Error ? error.message : String(error);
}

at("day").value = new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10);
at("running").addEventListener("click", () => show(undefined));
at("start").addEventListener("click", async () => {
  const day = at("day").value;
  const request = { symbols: [symbol], start_date: day, end_date: day, order: "certify" };
  await tapeline.http.startBackfill(request).then(() => show(day), trouble);
});

if (symbol !== undefined) show(undefined);
