import type * as v from "valibot";
import type { ProblemName } from "../protocol/mod.ts";

/** What routes are about, in the order in which the document lists them. */
export const TAGS = {
  state: "How the server is.",
  levels: "Levels, profiles and what they are made of.",
  quality: "What is missing, and what contradicts the venue.",
  backfill: "Jobs that fetch trades or candles.",
  cache: "What is kept on the disk.",
  schedules: "Recurring backfills.",
  webhooks: "Who is told of jobs.",
  push: "Channels over WebSocket and SSE; `/asyncapi.json` describes them.",
  contracts: "This contract and the pages that show it.",
} as const satisfies Record<string, string>;
export type Tag = keyof typeof TAGS;

/** Parameters by name, each a schema of the text that an address holds. */
export type ParameterEntries = Readonly<Record<string, v.GenericSchema>>;

/** A request that is sent as it stands, and what comes of it. Ids of `EXAMPLE_IDS` stand for those that the server gave out. */
export interface RouteExample {
  readonly about: string;
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** The problem that it is answered with. Default: none, it succeeds. */
  readonly problem?: ProblemName;
  /** The JSON of an answer to it, as one was seen. */
  readonly answer?: unknown;
}

export interface AnswerContract {
  readonly status: 101 | 200 | 201 | 202 | 204;
  readonly about: string;
  /** Of its JSON; one of the named schemas. Absent: it has no JSON. */
  readonly schema?: v.GenericSchema;
  /** Default `application/json` where there is a schema; absent: it has no body. */
  readonly mediaType?: string;
  /** Whether the header `location` says where the new thing is. */
  readonly location?: true;
}

export interface BodyContract {
  /** One of the named schemas. */
  readonly schema: v.GenericSchema;
  /** Whether it may be left out. */
  readonly optional?: true;
}

/** What a route takes and answers, for programs that read it. The schemas are those that the route parses with and writes by. */
export interface RouteContract {
  /** Name of the operation, unique: what generated clients call it. */
  readonly operation: string;
  readonly tag: Tag;
  /** What `about` has no room for; Markdown. */
  readonly description?: string;
  /** A schema for each `:name` of the path. */
  readonly path?: ParameterEntries;
  /** Parameters of the address; `NoParameters` for a route that refuses any, absent for one that does not look at them. */
  readonly query?: { readonly entries: ParameterEntries };
  readonly body?: BodyContract;
  readonly answer: AnswerContract;
  /** Beside those that every route of its kind can end in: see {@link problemsOf}. */
  readonly problems?: readonly ProblemName[];
  /** Statuses of refusals before the app sees the request, each with what it means: problem documents of no kind of ours. */
  readonly refusals?: Readonly<Record<number, string>>;
  readonly examples: Readonly<Record<string, RouteExample>>;
}

/** A method of an address with its contract. */
export interface DescribedRoute {
  readonly method: string;
  /** With `:name` for its parts. */
  readonly path: string;
  readonly about: string;
  readonly contract: RouteContract;
}

const ADDRESS_PROBLEMS: readonly ProblemName[] = ["invalid-query"];
const BODY_PROBLEMS: readonly ProblemName[] = [
  "malformed-json",
  "body-too-large",
  "unsupported-media-type",
  "invalid-request",
];
const ALWAYS: readonly ProblemName[] = ["internal-error"];

/** Every problem that a route can end in, beside those of who may use it. */
export function problemsOf({ path, query, body, problems = [] }: RouteContract): ProblemName[] {
  const taken = [
    ...(path === undefined && query === undefined ? [] : ADDRESS_PROBLEMS),
    ...(body === undefined ? [] : BODY_PROBLEMS),
    ...problems,
    ...ALWAYS,
  ];
  return [...new Set(taken)];
}

/** Ids that stand in examples for those of a running server. */
export const EXAMPLE_IDS = {
  job: "0190b8a4-0000-7000-8000-000000000001",
  schedule: "0190b8a4-0000-7000-8000-000000000002",
  webhook: "0190b8a4-0000-7000-8000-000000000003",
  delivery: "17",
} as const;

/** Where the webhook of the examples is told. */
export const EXAMPLE_TARGET = "https://example.com/hooks/tapeline";
