import type * as v from "valibot";
import { BAR_INTERVALS } from "../core/mod.ts";
import {
  BARS_KEPT,
  type Channel,
  JobAnswer,
  JobProgress,
  JobTransition,
  WireBarsState,
  WireGapChange,
  WireLevelSet,
  WireProfileState,
} from "../protocol/mod.ts";
import { BARS_CHANGE, LEVEL_SET_CHANGE, PROFILE_CHANGE } from "./named-schemas.ts";
import { EXAMPLE_IDS } from "./route-contract.ts";
import {
  BARS_CHANGE_SEEN,
  BARS_SEEN,
  GAP_SEEN,
  JOB_SEEN,
  LEVEL_CHANGE_SEEN,
  LEVEL_SET_SEEN,
  PROFILE_CHANGE_SEEN,
  PROFILE_STATE_SEEN,
  PROGRESS_SEEN,
  TRANSITION_SEEN,
} from "./seen-answers.ts";

/** What a channel carries, in one of the forms that it comes in. */
export interface DataContract {
  readonly about: string;
  readonly schema: v.GenericSchema;
  /** As one was seen. */
  readonly example: unknown;
  /** Whether it has an offset: an event that is never lost. */
  readonly event?: true;
}

export interface ChannelContract {
  /** Names its schemas and messages. */
  readonly name: string;
  /** With `{name}` for its parts. */
  readonly address: string;
  readonly about: string;
  /** Conflated: the latest state wins. Lossless: every event, once, in order. */
  readonly delivery: "conflated" | "lossless";
  readonly parts: Readonly<Record<string, { readonly about: string; readonly example: string }>>;
  /** What the reply to a subscribe holds in `data`. Absent: nothing. */
  readonly state?: DataContract;
  readonly publications: Readonly<Record<string, DataContract>>;
}

const SYMBOL = { about: "VENUE:SYMBOL, or SYMBOL for the default venue", example: "binance:BTCUSDT" };
const DAY = { about: "the date of a session", example: "2026-01-02" };

const LEVEL_SET: DataContract = { about: "The whole set.", schema: WireLevelSet, example: LEVEL_SET_SEEN };
const LEVEL_CHANGE: DataContract = {
  about:
    "What changed since `previous_revision`, in absolute values; a field or member that is gone is null. With `previous_revision` null it is the whole set, and replaces what you hold.",
  schema: LEVEL_SET_CHANGE,
  example: LEVEL_CHANGE_SEEN,
};
const PROFILE: DataContract = {
  about: "The levels, and the bins by their lower edge.",
  schema: WireProfileState,
  example: PROFILE_STATE_SEEN,
};
const PROFILE_CHANGED: DataContract = {
  about:
    "What changed since `previous_revision`, in absolute values: of `bins` those that did, null for one that lost its volume. With `previous_revision` null it is the whole profile, and replaces what you hold.",
  schema: PROFILE_CHANGE,
  example: PROFILE_CHANGE_SEEN,
};

/** What a channel of levels carries, and one of a profile, whether it is of the running session or of a named one. */
const OF_LEVELS = {
  delivery: "conflated",
  state: LEVEL_SET,
  publications: { Change: LEVEL_CHANGE },
} as const;
const OF_PROFILE = {
  delivery: "conflated",
  state: PROFILE,
  publications: { Change: PROFILE_CHANGED },
} as const;

const TRANSITION: DataContract = {
  about: "A job went from a state to another one.",
  schema: JobTransition,
  example: TRANSITION_SEEN,
  event: true,
};

/** Every channel, by the kinds that `parseChannel` knows. */
export const CHANNELS: Readonly<Record<Channel["kind"], readonly ChannelContract[]>> = {
  levels: [
    {
      name: "Levels",
      address: "levels:{symbol}",
      about:
        "The level set of the running session. It rolls when the next session begins, and `session` says so.",
      parts: { symbol: SYMBOL },
      ...OF_LEVELS,
    },
    {
      name: "SessionLevels",
      address: "levels:{symbol}@{session}",
      about: "The level set of one session: how partial levels of a backfill of older days are followed.",
      parts: { symbol: SYMBOL, session: DAY },
      ...OF_LEVELS,
    },
  ],
  profile: [
    {
      name: "Profile",
      address: "profile:{symbol}",
      about:
        "The volume profile of the running session, with its levels. It rolls as `levels:{symbol}` does.",
      parts: { symbol: SYMBOL },
      ...OF_PROFILE,
    },
    {
      name: "SessionProfile",
      address: "profile:{symbol}@{session}",
      about: "The volume profile of one session.",
      parts: { symbol: SYMBOL, session: DAY },
      ...OF_PROFILE,
    },
  ],
  bars: [
    {
      name: "Bars",
      address: "bars:{symbol}:{interval}",
      about: `The newest ${BARS_KEPT} bars. The running one moves, and every bar that closes is told, to a reader that skipped frames too.`,
      delivery: "conflated",
      parts: { symbol: SYMBOL, interval: { about: BAR_INTERVALS.join(", "), example: "5m" } },
      state: { about: "The bars by their start.", schema: WireBarsState, example: BARS_SEEN },
      publications: {
        Change: {
          about:
            "Every bar that changed since `previous_revision`, whole, and null for one that is no longer among the newest. With `previous_revision` null it is the whole state, and replaces what you hold.",
          schema: BARS_CHANGE,
          example: BARS_CHANGE_SEEN,
        },
      },
    },
  ],
  backfill: [
    {
      name: "Backfill",
      address: "backfill",
      about: "Every transition of every job, those of the start-up backfill and of repairs among them.",
      delivery: "lossless",
      parts: {},
      publications: { Transition: TRANSITION },
    },
  ],
  job: [
    {
      name: "BackfillJob",
      address: "backfill:{job_id}",
      about: "One job: its transitions, and its progress beside them.",
      delivery: "lossless",
      parts: { job_id: { about: "the id of a job", example: EXAMPLE_IDS.job } },
      state: {
        about: "The job, as `GET /api/v1/backfill/status/{job_id}` has it.",
        schema: JobAnswer,
        example: JOB_SEEN,
      },
      publications: {
        Transition: TRANSITION,
        Progress: {
          about: "How far it is, between two transitions; without an offset, for only the latest matters.",
          schema: JobProgress,
          example: PROGRESS_SEEN,
        },
      },
    },
  ],
  gaps: [
    {
      name: "Gaps",
      address: "gaps:{symbol}",
      about: "Missing minutes found and filled, and minutes that contradict the venue's candles.",
      delivery: "lossless",
      parts: { symbol: SYMBOL },
      publications: {
        Change: {
          about: "Minutes were found missing or filled, or contradict the venue's candle or no longer do.",
          schema: WireGapChange,
          example: GAP_SEEN,
          event: true,
        },
      },
    },
  ],
};
