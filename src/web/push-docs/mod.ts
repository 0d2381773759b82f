import * as v from "valibot";
import { type Channel, Contract, type Message, nameOf, type Operation } from "./contract.ts";
import { element, folded, words } from "./elements.ts";
import { watchForm } from "./watch.ts";

/** The page of the push contract: `/asyncapi.json`, readable, with a form to watch any channel. */

const page = document.getElementById("contract");
try {
  const answer = await fetch("/asyncapi.json");
  if (!answer.ok) throw new Error(`/asyncapi.json answered ${answer.status}`);
  page?.replaceChildren(...render(v.parse(Contract, await answer.json())));
} catch (thrown) {
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  page?.replaceChildren(element("p", {}, `The contract cannot be shown: ${reason}`));
}

function render(contract: Contract): HTMLElement[] {
  const { info, servers, channels, operations } = contract;
  const named = Object.values(channels).filter(({ address }) => address !== null);
  const commands = Object.entries(operations).filter(([, { action }]) => action === "receive");
  return [
    element("h1", {}, `${info.title} `, element("small", {}, info.version)),
    words("p", info.description),
    element("h2", {}, "Where"),
    element(
      "dl",
      {},
      ...Object.values(servers).flatMap(({ protocol, pathname, description }) => [
        element("dt", {}, `${protocol}://${location.host}${pathname}`),
        words("dd", description),
      ]),
    ),
    element("h2", {}, "Watch"),
    watchForm(exampleOf(named[0])),
    element("h2", {}, "Channels"),
    ...named.flatMap((channel) => channelParts(channel, contract)),
    element("h2", {}, "Commands"),
    ...commands.flatMap(([name, operation]) => commandParts(name, operation, contract)),
  ];
}

function channelParts(channel: Channel, contract: Contract): HTMLElement[] {
  const kind = channel.description.split(":")[0] ?? "";
  const parts = Object.entries(channel.parameters).flatMap(([name, { description, examples }]) => [
    element("dt", {}, name),
    words("dd", `${description}, such as \`${examples[0] ?? ""}\``),
  ]);
  return [
    element(
      "h3",
      { id: channel.title },
      element("code", {}, channel.address ?? ""),
      element("span", { class: "tag" }, kind),
    ),
    words("p", channel.summary),
    ...(parts.length === 0 ? [] : [element("dl", {}, ...parts)]),
    ...Object.values(channel.messages).flatMap((ref) => messageParts(nameOf(ref), contract)),
  ];
}

function commandParts(
  name: string,
  { summary, messages, reply }: Operation,
  contract: Contract,
): HTMLElement[] {
  return [
    element("h3", { id: name }, element("code", {}, name)),
    words("p", summary),
    ...[...messages, ...(reply?.messages ?? [])]
      .map(nameOf)
      .filter((message) => message !== "ErrorReply")
      .flatMap((message) => messageParts(message, contract, summary)),
  ];
}

/** A message: what it says, unless that was `said` already, its examples, its schema. */
function messageParts(name: string, { components }: Contract, said?: string): HTMLElement[] {
  const message: Message | undefined = components.messages[name];
  if (message === undefined) return [];
  return [
    words("p", `\`${name}\` ${message.summary === said ? "" : message.summary}`, { class: "about" }),
    ...message.examples.map((example) => folded(example.summary, example.payload)),
    folded("Schema", components.schemas[nameOf(message.payload)]),
  ];
}

/** The name of a channel with its example parts. */
function exampleOf(channel: Channel | undefined): string {
  const { address = "", parameters = {} } = channel ?? {};
  return (address ?? "").replaceAll(/\{(\w+)\}/g, (_, part: string) => parameters[part]?.examples[0] ?? part);
}
