type Content = Node | string;

/** An element with its content; texts are texts, whatever stands in them. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string>>,
  ...content: readonly Content[]
): HTMLElement {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...content);
  return made;
}

/** Words in which `code` is set off. */
export function words(name: string, text: string, attributes: Readonly<Record<string, string>> = {}) {
  const parts = text.split(/(`[^`]+`)/).filter((part) => part !== "");
  const content = parts.map((part) =>
    part.startsWith("`") ? element("code", {}, part.slice(1, -1)) : linked(part),
  );
  return element(name, attributes, ...content.flat());
}

/** JSON that can be opened, under its title. */
export function folded(title: string, json: unknown, open = false): HTMLElement {
  const details = element(
    "details",
    open ? { open: "" } : {},
    element("summary", {}, title),
    element("pre", {}, JSON.stringify(json, null, 1)),
  );
  return details;
}

/** `[text](/address)` of this server as a link. */
function linked(text: string): Content[] {
  const pieces = text.split(/(\[[^\]]+\]\(\/[^)]*\))/);
  return pieces.map((piece) => {
    const link = /^\[([^\]]+)\]\((\/[^)]*)\)$/.exec(piece);
    return link === null ? piece : element("a", { href: link[2] ?? "/" }, link[1] ?? "");
  });
}
