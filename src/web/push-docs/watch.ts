import { element } from "./elements.ts";

/** Frames that stand on the page; older ones go. */
const FRAMES_SHOWN_MAX = 50;

/** A form that subscribes to a channel of this server over a plain WebSocket and shows the frames as they come. */
export function watchForm(channel: string): HTMLElement {
  const name = element("input", { name: "channel", value: channel, "aria-label": "channel" });
  const token = element("input", {
    name: "token",
    placeholder: "token, where one is needed",
    "aria-label": "token",
  });
  const frames = element("pre", { hidden: "" });
  const form = element("form", {}, name, token, element("button", {}, "Watch"));
  let socket: WebSocket | undefined;
  const show = (mark: string, text: string) => {
    frames.append(`${mark} ${text}\n`);
    while (frames.childNodes.length > FRAMES_SHOWN_MAX) frames.firstChild?.remove();
    frames.scrollTop = frames.scrollHeight;
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    socket?.close();
    frames.replaceChildren();
    frames.hidden = false;
    socket = open(valueIn(name), valueIn(token), show);
  });
  return element("div", {}, form, frames);
}

function open(channel: string, token: string, show: (mark: string, text: string) => void): WebSocket {
  const socket = new WebSocket(`${location.origin.replace("http", "ws")}/connection/websocket`);
  const send = (frame: object) => {
    const text = JSON.stringify(frame);
    show("→", text);
    socket.send(text);
  };
  socket.addEventListener("open", () => {
    send({ id: 1, connect: token === "" ? {} : { token } });
    send({ id: 2, subscribe: { channel } });
  });
  socket.addEventListener("message", ({ data }) => {
    for (const line of String(data).split("\n")) {
      show("←", line);
      if (line.trim() === "{}") send({});
    }
  });
  socket.addEventListener("close", ({ code, reason }) => show("×", `closed ${code} ${reason}`));
  return socket;
}

function valueIn(input: HTMLElement): string {
  return input instanceof HTMLInputElement ? input.value.trim() : "";
}
