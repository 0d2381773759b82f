import { afterAll, expect, test } from "bun:test";
import * as v from "valibot";
import { formatDay, LEVEL_NAMES, MS_PER_DAY } from "../../src/core/mod.ts";
import { applyChangedFields, BackfillAccepted, WireLevelSet } from "../../src/protocol/mod.ts";
import { environment, Workbench } from "../support/processes.ts";
import { PlainSubscriber, type Publication } from "../support/push-client.ts";
import { TapelineApi } from "../support/tapeline-api.ts";
import { until } from "../support/until.ts";

const SYMBOL = "DEMOUSDT";
/** Two whole days ago: no start-up backfill and no live trade touches it. */
const DAY = formatDay(Math.floor(Date.now() / MS_PER_DAY) - 2);
const TIMEOUT_MS = 300_000;
/** What the candles alone prove. */
const SKELETON_LEVELS = ["VWAP", "HIGH", "LOW", "OPEN", "LAST", "CD", "ORH", "ORL"] as const;

const bench = new Workbench();
afterAll(() => bench.close(), TIMEOUT_MS);

/** Every level set in the order in which a subscriber held them. */
function levelSets(first: unknown, publications: readonly Publication[]): WireLevelSet[] {
  let held = v.parse(v.looseObject({}), first);
  const sets = [v.parse(WireLevelSet, held)];
  for (const { data } of publications) {
    held = v.parse(v.looseObject({}), applyChangedFields(held, v.parse(v.looseObject({}), data)));
    sets.push(v.parse(WireLevelSet, held));
  }
  return sets;
}

async function certify(url: string, from: string, to: string): Promise<string> {
  const answer = await fetch(`${url}/api/v1/backfill`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ symbols: [SYMBOL], start_date: from, end_date: to, order: "certify" }),
  });
  expect(answer.status).toBe(202);
  return v.parse(BackfillAccepted, await answer.json()).job_id;
}

/** A claim of a level set about the finished day that the finished day contradicts. */
function violations(set: WireLevelSet, final: WireLevelSet): string[] {
  const found: string[] = [];
  for (const name of LEVEL_NAMES) {
    const truth = final.levels[name];
    const certainty = set.certainty[name];
    const value = set.levels[name];
    const said = `${name} at ${set.coverage.covered_minutes} minutes: ${certainty} ${value}`;
    if ((certainty === "exact" || certainty === "certain") && value !== truth)
      found.push(`${said}, the day has ${truth}`);
    if (certainty !== "bounded") continue;
    const interval = set.bounds[name];
    const holds = interval && truth !== null && interval[0] <= truth && truth <= interval[1];
    if (!holds) found.push(`${said} within ${JSON.stringify(interval)}, the day has ${truth}`);
  }
  return found;
}

test(
  "order certify, a day proves itself before its trades are there, and nothing that was proven changes",
  async () => {
    const exchange = await bench.exchange(["--symbol", `${SYMBOL}:demo`, "--weight-limit", "1000000"]);
    const server = await bench.server(
      environment(await bench.folder(), exchange, {
        SYMBOLS: SYMBOL,
        CONTEXT_BACKFILL_ENABLED: "false",
        LEVELS_INTERVAL_MS: "20",
        // A generated day is flat: of ten thousand bins no one would stand out before the end.
        PROFILE_TICK_SIZE: "1",
        LOG_LEVEL: "info",
      }),
    );
    const api = new TapelineApi(server.url);
    await api.knows(SYMBOL);
    const subscriber = await PlainSubscriber.connect(server.url);
    try {
      const { subscribed, publications } = await subscriber.subscribe(`levels:binance:${SYMBOL}@${DAY}`);
      const held = () => levelSets(subscribed.data, publications);
      // The candles of the day come because somebody looks at it: not one trade is there.
      const skeleton = await until("the candles alone to prove levels", () => {
        const newest = held().at(-1);
        return newest?.certainty.VWAP === "exact" ? newest : undefined;
      });
      expect(skeleton.coverage.covered_minutes).toBe(0);
      expect(SKELETON_LEVELS.map((name) => [name, skeleton.certainty[name]])).toEqual(
        SKELETON_LEVELS.map((name) => [name, "exact"]),
      );

      const job = await certify(server.url, DAY, DAY);
      const ended = await api.ended(job, TIMEOUT_MS);
      expect([ended.status, ended.chunks_failed]).toEqual(["complete", 0]);
      const final = await api.levels(SYMBOL, { session: DAY });
      expect(final.coverage.ratio).toBe(1);
      const sets = await until("the last level set", () => {
        const all = held();
        const last = all.at(-1);
        return last?.precision === "PRECISE" && last.backfill === null ? all : undefined;
      });
      const proven = sets.slice(sets.findIndex(({ certainty }) => certainty.VWAP === "exact"));
      expect(proven.flatMap((set) => violations(set, final))).toEqual([]);
      for (const set of proven)
        expect(SKELETON_LEVELS.filter((name) => set.certainty[name] !== "exact")).toEqual([]);
      // Bounds of the profile are reckoned a moment after the sums.
      const bounded = proven.slice(proven.findIndex(({ certainty }) => certainty.POC !== null));
      expect(new Set(bounded.map(({ certainty }) => certainty.POC))).toEqual(
        new Set(["bounded", "certain", "exact"]),
      );
      const early = proven.find(({ certainty }) => certainty.POC === "certain");
      expect(early?.coverage.ratio).toBeLessThan(1);
      // Once certain, always certain.
      const certain = bounded.map(({ certainty }) => certainty.POC !== "bounded");
      expect(certain.indexOf(true)).toBe(certain.lastIndexOf(false) + 1);
      console.log(
        `certify: POC certain with ${((early?.coverage.ratio ?? 1) * 100).toFixed(1)} % of the minutes and ` +
          `${(((early?.trade_count ?? 0) / final.trade_count) * 100).toFixed(1)} % of the trades`,
      );
    } finally {
      subscriber.close();
    }
    server.kill("SIGTERM");
    expect(await server.ended()).toBe(0);
  },
  TIMEOUT_MS,
);
