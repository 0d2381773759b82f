import type { CacheFace, SchedulesFace, WebhooksFace } from "../../src/http/mod.ts";

/** Faces of a server without a schedule or a webhook, which makes none. */
export const NO_SCHEDULES: SchedulesFace = {
  list: () => [],
  find: () => undefined,
  create: () => ({ kind: "too_many", max: 0 }),
  change: () => ({ kind: "unknown" }),
  remove: () => false,
};

export const NO_WEBHOOKS: WebhooksFace = {
  list: () => [],
  find: () => undefined,
  create: () => ({ kind: "too_many", max: 0 }),
  change: () => undefined,
  remove: () => false,
  deliveries: () => undefined,
  resend: () => ({ kind: "unknown_webhook" }),
};

/** A disk with two files of the tape and a profile. */
export const SMALL_CACHE: CacheFace = {
  stats: async () => ({
    tape: { segments: 2, files: 2, bytes: 3_000_000, trades: 500 },
    profilesEnabled: true,
    profiles: { files: 1, bytes: 400_000, oldestMs: 0, newestMs: 60_000.5 },
  }),
  verify: async (after) => ({
    tape_files: 1,
    tape_damaged: after === undefined ? 0 : 1,
    profile_files: after === undefined ? 0 : 1,
    profiles_damaged: 0,
    next: after === undefined ? "1/20455" : null,
  }),
  clean: async () => ({
    profiles_removed: 1,
    profile_bytes: 400_000,
    tape_files_removed: 3,
    tape_bytes: 1_500_000,
  }),
};
