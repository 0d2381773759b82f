import { MINUTES_PER_DAY, parseDay, type SessionCalendar } from "../core/mod.ts";
import type { NoSession } from "../http/mod.ts";

/** Names the sessions beside a date that has none. */
export function noSession(calendar: SessionCalendar, name: string, parameter = "session"): NoSession {
  const noon = ((parseDay(name) ?? 0) + 0.5) * MINUTES_PER_DAY;
  return {
    kind: "no_session",
    name,
    nearest: [calendar.latest(noon).name, calendar.next(noon).name],
    parameter,
  };
}
