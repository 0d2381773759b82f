import type * as v from "valibot";
import * as p from "../protocol/mod.ts";
import { changeSchema } from "./change-schema.ts";

export type SchemaGroup = Readonly<Record<string, v.GenericSchema>>;

/** Small schemas that many others hold. */
export const SHARED: SchemaGroup = {
  Number: p.WireNumber,
  JobStatus: p.JobStatus,
  Coverage: p.WireCoverage,
  ValueArea: p.WireValueArea,
};

const LEVELS: SchemaGroup = {
  LevelSet: p.WireLevelSet,
  BackfillOfLevels: p.BackfillOfLevels,
};

const BARS: SchemaGroup = {
  Bar: p.WireBar,
  Bars: p.WireBars,
  Symbol: p.WireSymbol,
  Symbols: p.WireSymbols,
};

const WINDOWS: SchemaGroup = {
  ProfileBin: p.WireBin,
  Profile: p.ProfileAnswer,
  Window: p.WireWindow,
  PeriodProfiles: p.WirePeriods,
  Comparison: p.WireComparison,
  NakedPocs: p.WireNakedPocs,
};

const STATE: SchemaGroup = {
  Health: p.HealthAnswer,
  Ready: p.ReadyAnswer,
  StartupBackfill: p.StartupAnswer,
  SessionReport: p.SessionReport,
  Gaps: p.GapsAnswer,
  Cache: p.CacheAnswer,
  CacheChecked: p.CacheChecked,
  CacheCleaned: p.CacheCleaned,
  FieldFault: p.FieldFault,
  Problem: p.Problem,
};

const JOBS: SchemaGroup = {
  BackfillRequest: p.BackfillBody,
  BackfillAccepted: p.BackfillAccepted,
  JobDetail: p.JobDetail,
  Job: p.JobAnswer,
  JobSummary: p.JobSummary,
  RecentJobs: p.RecentJobs,
  EmptyRequest: p.NoFields,
  RetryRequest: p.RetryBody,
  AdjustRequest: p.AdjustBody,
};

const AUTOMATION: SchemaGroup = {
  RelativeRange: p.RelativeRange,
  RequestTemplate: p.RequestTemplate,
  ScheduleRequest: p.ScheduleBody,
  ScheduleChange: p.ScheduleChange,
  Schedule: p.ScheduleAnswer,
  ScheduleList: p.ScheduleList,
  WebhookRequest: p.WebhookBody,
  WebhookChange: p.WebhookChange,
  Webhook: p.WebhookAnswer,
  WebhookCreated: p.WebhookCreated,
  WebhookList: p.WebhookList,
  WebhookMessage: p.WebhookPayload,
  Delivery: p.DeliveryAnswer,
  DeliveryList: p.DeliveryList,
};

/** What changed of a level set. */
export const LEVEL_SET_CHANGE = changeSchema(p.WireLevelSet);

/** What changed of the newest bars. */
export const BARS_CHANGE = changeSchema(p.WireBarsState);

/** What changed of a profile. */
export const PROFILE_CHANGE = changeSchema(p.WireProfileState);

/** What is pushed, and stands in no answer. */
const PUSHED: SchemaGroup = {
  LevelSetChange: LEVEL_SET_CHANGE,
  PriceProfile: p.WireProfileState,
  PriceProfileChange: PROFILE_CHANGE,
  NewestBars: p.WireBarsState,
  NewestBarsChange: BARS_CHANGE,
  JobTransition: p.JobTransition,
  JobProgress: p.JobProgress,
  GapChange: p.WireGapChange,
};

/** What routes take and answer, in groups that are converted one at a time. */
export const ROUTE_GROUPS: readonly SchemaGroup[] = [LEVELS, BARS, WINDOWS, STATE, JOBS, AUTOMATION];

const NAMES: ReadonlyMap<v.GenericSchema, string> = new Map(
  [SHARED, ...ROUTE_GROUPS, PUSHED].flatMap((group) =>
    Object.entries(group).map(([name, schema]) => [schema, name] as const),
  ),
);

/** The name of a schema in the contracts; undefined when it has none. */
export function nameOf(schema: v.GenericSchema): string | undefined {
  return NAMES.get(schema);
}
