import type { ProfileView } from "../protocol/mod.ts";
import type { AppContext } from "./route.ts";

/** Rows written in one turn of the event loop: about 1 ms of work. */
const ROWS_PER_TURN = 2_000;

/** A profile with its rows where they are asked for, without them otherwise; it is nobody else's. */
export function profileAnswer(
  c: AppContext,
  view: ProfileView,
  { bins }: { readonly bins: boolean },
): Response {
  if (bins) return profileResponse(view);
  view.release();
  return c.json(view.summary);
}

/**
 * A profile as a JSON response that is written in turns, so that a month of bins does not hold up every other answer. The rows are
 * those of the moment it was asked for.
 */
function profileResponse(view: ProfileView): Response {
  const encoder = new TextEncoder();
  const { rowCount } = view;
  // Its rows are gathered now.
  view.release();
  let next = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const from = next;
        next = Math.min(from + ROWS_PER_TURN, rowCount);
        const rows = JSON.stringify(view.bins(from, next)).slice(1, -1);
        const before = from === 0 ? `${JSON.stringify(view.summary).slice(0, -1)},"bins":[` : ",";
        const last = next >= rowCount;
        controller.enqueue(encoder.encode(`${before}${rows}${last ? "]}" : ""}`));
        if (last) controller.close();
        else await new Promise((resolve) => setTimeout(resolve, 0));
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: { "content-type": "application/json" } });
}
