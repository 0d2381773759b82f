import {
  CalendarError,
  type CalendarRules,
  MINUTES_PER_DAY,
  parseOpeningRange,
  parseSessionHours,
  SessionCalendar,
} from "../core/mod.ts";
import { type EnvironmentReader, shown } from "./environment-reader.ts";

/** `SESSION`, `OPENING_RANGE` and `INITIAL_BALANCE_MINUTES`: rules that a calendar can be made of, or their faults. */
export function readSessionRules(reader: EnvironmentReader): CalendarRules {
  const hours = read(reader, "SESSION", (text) => checked({ hours: parseSessionHours(text) }));
  // Where the opening range lies can be told beside sound hours alone; its form can be told by itself.
  const opening = read(reader, "OPENING_RANGE", (text) => {
    const openingRange = parseOpeningRange(text);
    return hours === undefined ? { openingRange } : checked({ ...hours, openingRange });
  });
  return {
    ...hours,
    ...opening,
    initialBalanceMinutes: reader.whole("INITIAL_BALANCE_MINUTES", {
      min: 1,
      max: MINUTES_PER_DAY,
      fallback: 60,
    }),
  };
}

/** Undefined for a fault; no rules where the variable is not set. */
function read(
  reader: EnvironmentReader,
  name: string,
  parse: (text: string) => CalendarRules,
): CalendarRules | undefined {
  const text = reader.get(name);
  if (text === undefined) return {};
  try {
    return parse(text);
  } catch (thrown) {
    if (!(thrown instanceof CalendarError)) throw thrown;
    reader.fault(name, thrown.expected, shown(thrown.found));
    return undefined;
  }
}

function checked(rules: CalendarRules): CalendarRules {
  new SessionCalendar(rules);
  return rules;
}
