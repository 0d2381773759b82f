import type { ProblemName } from "../protocol/mod.ts";
import { PROBLEM_MEDIA_TYPE, PROBLEMS, Problem, type Scope } from "../protocol/mod.ts";
import { type JsonSchema, namedJsonSchemas, namesWithin, parameterSchema, refTo } from "./json-schemas.ts";
import { ROUTE_GROUPS } from "./named-schemas.ts";
import {
  type DescribedRoute,
  type ParameterEntries,
  problemsOf,
  type RouteContract,
  type RouteExample,
  TAGS,
} from "./route-contract.ts";

export interface OpenApiOptions {
  readonly version: string;
  /** The scope that a route takes; undefined: it is open to everybody. */
  readonly scopeOf: (route: DescribedRoute) => Scope | undefined;
  /** Lets others have their turn between two parts of the work. */
  readonly giveWay: () => Promise<void>;
}

/** Routes described in one turn. */
const ROUTES_PER_TURN = 2;

const ABOUT = `Levels of a trade tape: VWAP, point of control, value area, opening range, those of the day before; what is missing of them, and the
backfills that fetch it. JSON, snake_case, UTC times. Prices and sizes are numbers that print exactly; one with more than 15 significant
digits is a string. Unknown fields and parameters are refused. Every refusal is a problem document (RFC 9457) that names each fault.
Every answer carries \`x-request-id\`. Without a secret the server answers 421 to a request that names another host than this machine.
What is pushed is described by [/asyncapi.json](/asyncapi.json).`;

type Document = Readonly<Record<string, unknown>>;

/** The OpenAPI 3.1 document of these routes. */
export async function openApiDocument(
  routes: readonly DescribedRoute[],
  { version, scopeOf, giveWay }: OpenApiOptions,
): Promise<Document> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [at, route] of routes.entries()) {
    if (at % ROUTES_PER_TURN === 0) await giveWay();
    const path = route.path.replaceAll(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, scopeOf(route)) };
  }
  const schemas = await namedJsonSchemas(ROUTE_GROUPS, { target: "draft-2020-12", giveWay });
  const used = await namesWithin(paths, schemas, giveWay);
  return {
    openapi: "3.1.0",
    info: { title: "Tapeline", version, description: ABOUT, license: { name: "MIT", identifier: "MIT" } },
    servers: [{ url: "/", description: "This server." }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: Object.fromEntries([...schemas].filter(([name]) => used.has(name))),
      headers: {
        RequestId: {
          description: "Names the request in the server's log: your own id, where you sent a good one.",
          schema: { type: "string" },
        },
        Location: {
          description: "Where the new thing is.",
          schema: { type: "string", format: "uri-reference" },
        },
      },
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description:
            "A token with the claims `sub`, `exp`, `scope` (`read`, `backfill`) and `channels`. A server without a secret listens on loopback only, and wants none.",
        },
      },
    },
  };
}

function operationOf({ about, contract, path, method }: DescribedRoute, scope: Scope | undefined): Document {
  const { operation, tag, description, body, answer, examples } = contract;
  const parameters = [
    ...parametersOf(contract.path, "path", examples),
    ...parametersOf(contract.query?.entries, "query", examples),
  ];
  const where = `${method} ${path}`;
  return {
    operationId: operation,
    tags: [tag],
    summary: about,
    ...(description === undefined ? {} : { description }),
    security: scope === undefined ? [] : [{}, { bearer: [scope] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: body.optional !== true,
            content: {
              "application/json": {
                schema: refTo(body.schema, where),
                ...examplesOf(examples, ({ body: value }) => value),
              },
            },
          },
        }),
    responses: {
      [answer.status]: answerOf(contract, where),
      ...problemAnswers([...problemsOf(contract), ...accessProblems(contract, scope)], contract.refusals),
    },
  };
}

/** Where the app does not see the request, its token is looked at on the connection. */
function accessProblems({ refusals }: RouteContract, scope: Scope | undefined): readonly ProblemName[] {
  return scope === undefined || refusals !== undefined
    ? []
    : ["unauthorized", "insufficient-scope", "not-granted"];
}

function parametersOf(
  entries: ParameterEntries | undefined,
  place: "path" | "query",
  examples: RouteContract["examples"],
): Document[] {
  return Object.entries(entries ?? {}).map(([name, schema]) => {
    const { description, ...rest } = parameterSchema(schema);
    return {
      name,
      in: place,
      required: place === "path" || schema.type !== "optional",
      ...(description === undefined ? {} : { description }),
      schema: rest,
      ...examplesOf(examples, (example) => exampleValue(rest, example[place]?.[name])),
    };
  });
}

/** An example of a parameter as its schema has it: an address holds texts only. */
function exampleValue({ type }: JsonSchema, text: string | undefined): unknown {
  return text !== undefined && (type === "integer" || type === "number") ? Number(text) : text;
}

function examplesOf(
  examples: RouteContract["examples"],
  read: (example: RouteExample) => unknown,
): { readonly examples?: Document } {
  const found = Object.entries(examples).flatMap(([name, example]) => {
    const value = read(example);
    return value === undefined ? [] : [[name, { summary: example.about, value }] as const];
  });
  return found.length === 0 ? {} : { examples: Object.fromEntries(found) };
}

function answerOf({ answer, examples }: RouteContract, where: string): Document {
  const { about, schema, mediaType = schema === undefined ? undefined : "application/json" } = answer;
  return {
    description: about,
    headers: {
      "x-request-id": { $ref: "#/components/headers/RequestId" },
      ...(answer.location === true ? { location: { $ref: "#/components/headers/Location" } } : {}),
    },
    ...(mediaType === undefined
      ? {}
      : {
          content: {
            [mediaType]: {
              schema: schema === undefined ? fileSchema(mediaType) : refTo(schema, where),
              ...examplesOf(examples, (example) => example.answer),
            },
          },
        }),
  };
}

/** A file is a text, or where it is JSON the document that it holds. */
function fileSchema(mediaType: string): JsonSchema {
  return { type: mediaType.startsWith("application/json") ? "object" : "string" };
}

/** One answer for each status, that says which problems have it, and what else it is for. */
function problemAnswers(
  names: readonly ProblemName[],
  refusals: NonNullable<RouteContract["refusals"]> = {},
): Document {
  const told = [
    ...names.map(
      (name) => [PROBLEMS[name].status, `\`/problems/${name}\`: ${PROBLEMS[name].title}.`] as const,
    ),
    ...Object.entries(refusals).map(([status, about]) => [Number(status), about] as const),
  ];
  const answers = [...new Set(told.map(([status]) => status))].map((status) => [
    status,
    {
      description: told
        .filter(([of]) => of === status)
        .map(([, about]) => about)
        .join("\n\n"),
      headers: { "x-request-id": { $ref: "#/components/headers/RequestId" } },
      content: { [PROBLEM_MEDIA_TYPE]: { schema: refTo(Problem, "problems") } },
    },
  ]);
  return Object.fromEntries(answers);
}
