import type * as v from "valibot";
import { invariant } from "../core/mod.ts";
import { CHANNELS, type ChannelContract } from "./channel-contracts.ts";
import { COMMANDS } from "./command-contracts.ts";
import { type JsonSchema, namedJsonSchemas, namesWithin, refToName } from "./json-schemas.ts";
import { nameOf, type SchemaGroup } from "./named-schemas.ts";
import { oneWayMessages } from "./one-way-messages.ts";
import { channelMessages, connectionMessages, type Messages, titled } from "./push-messages.ts";

export interface AsyncApiOptions {
  readonly version: string;
  /** Lets others have their turn between two parts of the work. */
  readonly giveWay: () => Promise<void>;
}

type Document = Readonly<Record<string, unknown>>;

const ABOUT = `What this server pushes, in the JSON form of the Centrifugo client protocol v2: its official clients work as they are, and so does a plain WebSocket.
A WebSocket message holds one frame, or several, one JSON object a line. A command has an \`id\` from 1 on, and its reply carries it. The channels
below stand inside one connection: a \`subscribe\` joins one, and its frames come as \`push\`. A \`{}\` from the server is a ping; answer \`{}\`.
A conflated channel sends absolute values, at most one frame per interval, and any frame may be skipped. A lossless channel sends every
event once and in order, each with its \`offset\`. What is asked and answered over HTTP is described by [/openapi.json](/openapi.json).`;

const CONNECTION = "#/channels/connection";

/** The AsyncAPI 3.0 document of the push. */
export async function asyncApiDocument({ version, giveWay }: AsyncApiOptions): Promise<Document> {
  const channels = Object.values(CHANNELS).flat();
  const connection = connectionMessages();
  const oneWay = oneWayMessages();
  const perChannel = channels.map((channel) => ({ channel, messages: channelMessages(channel) }));
  const groups = [
    schemasOf(connection),
    schemasOf(oneWay),
    ...perChannel.map((each) => groupOf(each.channel, each.messages)),
  ];
  const schemas = await namedJsonSchemas(groups, { target: "draft-07", giveWay });
  await giveWay();
  const described = Object.assign(
    describeMessages(connection),
    describeMessages(oneWay),
    ...perChannel.map((each) => describeMessages(each.messages)),
  );
  const used = await namesWithin(described, schemas, giveWay);
  return {
    asyncapi: "3.0.0",
    info: { title: "Tapeline push", version, description: ABOUT, license: { name: "MIT" } },
    defaultContentType: "application/json",
    servers: SERVERS,
    channels: {
      connection: {
        address: null,
        title: "The connection",
        description: "Commands of the client, their replies, and pings.",
        servers: [{ $ref: "#/servers/websocket" }],
        messages: refsTo(Object.keys(connection)),
        bindings: { ws: { method: "GET", bindingVersion: "0.1.0" } },
      },
      oneWay: {
        address: null,
        title: "A connection that only listens",
        description:
          "The connect request stands in the address, as `cf_connect`: the channels in `subs`, each with what a subscribe would say. Nothing that is sent is heard.",
        servers: [{ $ref: "#/servers/uni_websocket" }, { $ref: "#/servers/uni_sse" }],
        messages: refsTo([...Object.keys(oneWay), "Ping"]),
        bindings: {
          ws: {
            method: "GET",
            query: {
              type: "object",
              properties: {
                cf_connect: { type: "string", description: 'JSON such as {"subs":{"backfill":{}}}' },
              },
            },
            bindingVersion: "0.1.0",
          },
        },
      },
      ...Object.fromEntries(
        perChannel.map((each) => [each.channel.name, describeChannel(each.channel, each.messages)]),
      ),
    },
    operations: {
      ...commandOperations(),
      pushOneWay: {
        action: "send",
        channel: { $ref: "#/channels/oneWay" },
        summary: "Everything that is said to a client that only listens.",
        messages: [...Object.keys(oneWay), "Ping"].map((name) => ({
          $ref: `#/channels/oneWay/messages/${name}`,
        })),
      },
      ...pushOperations(perChannel),
    },
    components: {
      messages: described,
      schemas: Object.fromEntries([...schemas].filter(([name]) => used.has(name))),
    },
  };
}

const DELIVERY = {
  lossless: "Lossless: every event, once, in order.",
  conflated: "Conflated: the latest state wins.",
} as const;
const HOST = { host: { default: "127.0.0.1:8080", description: "Host and port of this server." } };
const SERVERS = {
  websocket: {
    host: "{host}",
    pathname: "/connection/websocket",
    protocol: "ws",
    description:
      "The protocol both ways; also at /ws. A server with a secret takes a token (JWT) in the connect command, with the claims `sub`, `exp`, `scope` and `channels`. A page's origin must be ours or listed in ALLOWED_ORIGINS.",
    variables: HOST,
  },
  uni_websocket: {
    host: "{host}",
    pathname: "/connection/uni_websocket",
    protocol: "ws",
    description: "For who only listens. The connect request may be the first message too.",
    variables: HOST,
  },
  uni_sse: {
    host: "{host}",
    pathname: "/connection/uni_sse",
    protocol: "http",
    description: "The same as server-sent events, one push an event.",
    variables: HOST,
  },
};

/** The schemas of a channel's frames, and those of what they carry. */
function groupOf({ state, publications }: ChannelContract, messages: Messages): SchemaGroup {
  const frames = schemasOf(messages);
  const carried: Record<string, v.GenericSchema> = {};
  for (const data of [state, ...Object.values(publications)]) {
    const name = data && nameOf(data.schema);
    if (data === undefined || name === undefined) continue;
    invariant(frames[name] === undefined, `${name} names a frame and what it carries`);
    carried[name] = data.schema;
  }
  return { ...carried, ...frames };
}

function schemasOf(messages: Messages): SchemaGroup {
  return Object.fromEntries(Object.entries(messages).map(([name, { schema }]) => [name, schema]));
}

function describeMessages(messages: Messages): Readonly<Record<string, Document>> {
  return Object.fromEntries(
    Object.entries(messages).map(([name, { about, examples }]) => [
      name,
      {
        name,
        title: name,
        summary: about,
        payload: refToName(name),
        ...(examples.length === 0 ? {} : { examples }),
      },
    ]),
  );
}

function describeChannel(channel: ChannelContract, messages: Messages): Document {
  const { name, address, about, delivery, parts } = channel;
  return {
    address,
    title: name,
    summary: about,
    description: DELIVERY[delivery],
    servers: [{ $ref: "#/servers/websocket" }],
    ...(Object.keys(parts).length === 0
      ? {}
      : {
          parameters: Object.fromEntries(
            Object.entries(parts).map(([part, of]) => [
              part,
              { description: of.about, examples: [of.example] },
            ]),
          ),
        }),
    messages: refsTo(Object.keys(messages)),
  };
}

function commandOperations(): Readonly<Record<string, Document>> {
  const at = (name: string) => ({ $ref: `${CONNECTION}/messages/${name}` });
  const operations = Object.entries(COMMANDS).map(([method, { about }]) => [
    method,
    {
      action: "receive",
      channel: { $ref: CONNECTION },
      summary: about,
      messages: [at(`${titled(method)}Command`)],
      reply: { channel: { $ref: CONNECTION }, messages: [at(`${titled(method)}Reply`), at("ErrorReply")] },
    },
  ]);
  return {
    ...Object.fromEntries(operations),
    keepAlive: {
      action: "send",
      channel: { $ref: CONNECTION },
      summary: "The server's ping, answered with the same.",
      messages: [at("Ping")],
      reply: { channel: { $ref: CONNECTION }, messages: [at("Ping")] },
    },
    endSubscription: {
      action: "send",
      channel: { $ref: CONNECTION },
      summary: "The server ends a subscription.",
      messages: [at("SubscriptionEnded")],
    },
  };
}

function pushOperations(
  perChannel: readonly { readonly channel: ChannelContract; readonly messages: Messages }[],
): Readonly<Record<string, Document>> {
  return Object.fromEntries(
    perChannel.map(({ channel: { name, about }, messages }) => [
      `push${name}`,
      {
        action: "send",
        channel: { $ref: `#/channels/${name}` },
        summary: about,
        messages: Object.keys(messages).map((message) => ({
          $ref: `#/channels/${name}/messages/${message}`,
        })),
      },
    ]),
  );
}

function refsTo(names: readonly string[]): Readonly<Record<string, JsonSchema>> {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }]));
}
