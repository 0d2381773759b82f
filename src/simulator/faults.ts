import * as v from "valibot";
import type { DistortedField, WrongTrade } from "./distortion.ts";
import { type FaultKind, type FaultRule, type FaultRuleInput, faultRuleSchema } from "./fault-rule.ts";
import { createPrng, mix, type Prng } from "./random.ts";

/** What a request, socket, subscription or frame is, for the rules to match. */
export interface FaultSubject {
  readonly path?: string;
  readonly symbol?: string | undefined;
  readonly target?: "rest" | "ws";
}

/** A rule with its counters. */
export interface FaultState {
  readonly id: number;
  readonly rule: FaultRule;
  readonly matched: number;
  readonly fired: number;
}

type IdRule = Pick<RuleOf<"id_gap">, "from_id" | "to_id">;
type RuleOf<K extends FaultKind> = Extract<FaultRule, { kind: K }>;

/** The faults that are asked for, in the order they came. */
export interface Faults {
  /** Adds a rule and answers its id. Throws valibot's error for a rule that is none. */
  add(rule: FaultRuleInput): number;
  list(): readonly FaultState[];
  /** Takes one rule away, or all; answers how many. */
  remove(id?: number): number;
  /** The first rule of the kind that matches and fires now. Matching counts. */
  fire<K extends FaultKind>(kind: K, subject: FaultSubject): RuleOf<K> | undefined;
  /** True when the trade `id` is inside of a gap. */
  hides(id: number, subject: FaultSubject): boolean;
  /** How the trade `id` is to be told wrong. */
  falsifies(id: number, subject: FaultSubject): WrongTrade | undefined;
  /** The field in which the candle of a minute is to contradict its trades. */
  contradicts(minute: number, subject: FaultSubject): DistortedField | undefined;
  /** Sum of the clock skews. */
  skewMs(): number;
  /** True while any rule of the kind stands. */
  has(kind: FaultKind): boolean;
  /** Numbers in [0, 1) for whatever a fault leaves to chance. */
  unit(): number;
}

/** Rules at the same time; more is a caller that forgot to clear. */
const RULES_MAX = 100;

interface Entry {
  readonly id: number;
  readonly rule: FaultRule;
  readonly prng: Prng;
  matched: number;
  fired: number;
}

/** Too many rules at once. */
export class FaultLimitError extends Error {
  override readonly name = "FaultLimitError";
}

export function createFaults(seed: number): Faults {
  const entries: Entry[] = [];
  const chance = createPrng(mix(seed, 0xfa17));
  let ids = 0;

  const matches = (rule: FaultRule, subject: FaultSubject): boolean =>
    (rule.path === undefined || subject.path?.startsWith(rule.path) === true) &&
    (rule.symbol === undefined || rule.symbol === subject.symbol) &&
    (!("target" in rule) || rule.target === "both" || rule.target === subject.target);

  const fires = (entry: Entry): boolean => {
    const { rule } = entry;
    entry.matched++;
    const turn = entry.matched - (rule.after ?? 0);
    if (turn <= 0 || (rule.count !== undefined && entry.fired >= rule.count)) return false;
    if (rule.every !== undefined && turn % rule.every !== 0) return false;
    if (rule.probability !== undefined && entry.prng.unit() >= rule.probability) return false;
    entry.fired++;
    return true;
  };

  const hits = (entry: Entry, { from_id, to_id }: IdRule, id: number, subject: FaultSubject): boolean =>
    id >= from_id && id < to_id && matches(entry.rule, subject) && fires(entry);

  return {
    add(input) {
      const rule = v.parse(faultRuleSchema, input);
      if (entries.length >= RULES_MAX)
        throw new FaultLimitError(
          `${RULES_MAX} fault rules stand already; remove some with DELETE /sim/faults`,
        );
      ids++;
      entries.push({ id: ids, rule, prng: createPrng(mix(seed, ids)), matched: 0, fired: 0 });
      return ids;
    },
    list: () => entries.map(({ id, rule, matched, fired }) => ({ id, rule, matched, fired })),
    remove(id) {
      const before = entries.length;
      for (let i = entries.length - 1; i >= 0; i--) {
        if (id === undefined || entries[i]!.id === id) entries.splice(i, 1);
      }
      return before - entries.length;
    },
    fire<K extends FaultKind>(kind: K, subject: FaultSubject): RuleOf<K> | undefined {
      const isKind = (rule: FaultRule): rule is RuleOf<K> => rule.kind === kind;
      for (const entry of entries) {
        const { rule } = entry;
        if (isKind(rule) && matches(rule, subject) && fires(entry)) return rule;
      }
      return undefined;
    },
    hides(id, subject) {
      for (const entry of entries)
        if (entry.rule.kind === "id_gap" && hits(entry, entry.rule, id, subject)) return true;
      return false;
    },
    falsifies(id, subject) {
      for (const entry of entries)
        if (entry.rule.kind === "wrong_trade" && hits(entry, entry.rule, id, subject)) return entry.rule;
      return undefined;
    },
    contradicts(minute, subject) {
      for (const entry of entries) {
        const { rule } = entry;
        if (rule.kind !== "wrong_candle" || minute < rule.from_minute || minute >= rule.to_minute) continue;
        if (matches(rule, subject) && fires(entry)) return rule.field;
      }
      return undefined;
    },
    skewMs() {
      let sum = 0;
      for (const { rule } of entries) if (rule.kind === "clock_skew") sum += rule.ms;
      return sum;
    },
    has: (kind) => entries.some(({ rule }) => rule.kind === kind),
    unit: chance.unit,
  };
}
