import * as v from "valibot";
import { ConnectResult, Disconnected, Publication, Unsubscribed } from "../protocol/mod.ts";
import type { Messages } from "./push-messages.ts";
import { TRANSITION_SEEN } from "./seen-answers.ts";

/** What a client gets that only listens: pushes as they are, without their envelope. */
export function oneWayMessages(): Messages {
  return {
    OneWayConnected: {
      about: "The first: what became of the subscriptions, each as the reply to a subscribe has it.",
      schema: v.object({ connect: ConnectResult }),
      examples: [
        {
          name: "seen",
          summary: "As one was seen.",
          payload: {
            connect: {
              client: "e1cf2fae-74f4-4cf4-8233-10ef10754319",
              version: "tapeline 0.1.0",
              ping: 25,
              subs: { backfill: { recoverable: true, positioned: true, epoch: "48597945", offset: 8 } },
            },
          },
        },
      ],
    },
    OneWayPublication: {
      about: "A publication; its data are those of the channel's own messages.",
      schema: v.object({ channel: v.string(), pub: Publication }),
      examples: [
        {
          name: "seen",
          summary: "As one was seen.",
          payload: { channel: "backfill", pub: { data: TRANSITION_SEEN, offset: 9 } },
        },
      ],
    },
    OneWayUnsubscribed: {
      about: "There is no such subscription, or it has ended; from code 2500 on, come again.",
      schema: v.object({ channel: v.string(), unsubscribe: Unsubscribed }),
      examples: [
        {
          name: "insufficient_state",
          summary: "The channel lost its thread.",
          payload: { channel: "backfill", unsubscribe: { code: 2500, reason: "insufficient state" } },
        },
      ],
    },
    OneWayDisconnected: {
      about: "The last; from code 3500 on, do not come back.",
      schema: v.object({ disconnect: Disconnected }),
      examples: [
        {
          name: "shutdown",
          summary: "The server stops.",
          payload: { disconnect: { code: 3001, reason: "shutdown" } },
        },
      ],
    },
  };
}
