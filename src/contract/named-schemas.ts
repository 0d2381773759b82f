import type * as v from "valibot";
import * as p from "../protocol/mod.ts";

type Group = Readonly<Record<string, v.GenericSchema>>;

/** Small schemas that many others hold. */
const SHARED: Group = {
  Number: p.WireNumber,
  JobStatus: p.JobStatus,
  Coverage: p.WireCoverage,
  ValueArea: p.WireValueArea,
};

const LEVELS: Group = {
  LevelSet: p.WireLevelSet,
  BackfillOfLevels: p.BackfillOfLevels,
};

const BARS: Group = {
  Bar: p.WireBar,
  Bars: p.WireBars,
  Symbol: p.WireSymbol,
  Symbols: p.WireSymbols,
};

const WINDOWS: Group = {
  ProfileBin: p.WireBin,
  Profile: p.ProfileAnswer,
  Window: p.WireWindow,
  PeriodProfiles: p.WirePeriods,
  Comparison: p.WireComparison,
  NakedPocs: p.WireNakedPocs,
};

const STATE: Group = {
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

const JOBS: Group = {
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

const AUTOMATION: Group = {
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

/**
 * The schemas that have a name in the contracts, in groups that are converted one at a time. A schema refers by name to those of its
 * own group and to the shared ones.
 */
export const NAMED_SCHEMAS: { readonly shared: Group; readonly groups: readonly Group[] } = {
  shared: SHARED,
  groups: [LEVELS, BARS, WINDOWS, STATE, JOBS, AUTOMATION],
};
