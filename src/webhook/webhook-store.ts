import { asc, eq, sql } from "drizzle-orm";
import { v7 } from "uuid";
import { channel, type Database, webhook } from "../../db/mod.ts";
import type { WebhookChange, WebhookFacts } from "../protocol/mod.ts";

/** Channel of the transitions of all jobs: what webhooks are told of. */
export const EVENT_CHANNEL = "backfill";

/** The offset that the channel stands at. */
const POSITION = sql<number>`coalesce((select ${channel.offset} from ${channel} where ${channel.name} = ${EVENT_CHANNEL}), 0)`;

/** Webhooks in the database. Secrets leave it for signing only. */
export class WebhookStore {
  readonly #access: Pick<Database, "db">;

  constructor(access: Pick<Database, "db">) {
    this.#access = access;
  }

  /** Oldest first. */
  async list(): Promise<WebhookFacts[]> {
    const rows = await this.#access.db
      .select()
      .from(webhook)
      .orderBy(asc(webhook.createdAt), asc(webhook.id));
    return rows.map(toFacts);
  }

  async find(id: string): Promise<WebhookFacts | undefined> {
    const rows = await this.#access.db.select().from(webhook).where(eq(webhook.id, id));
    return rows[0] && toFacts(rows[0]);
  }

  /** A webhook is told of what happens after it was made. */
  async insert(wanted: {
    readonly url: string;
    readonly secret: string;
    readonly events: readonly string[];
  }): Promise<WebhookFacts> {
    const rows = await this.#access.db
      .insert(webhook)
      .values({ ...wanted, events: [...wanted.events], id: v7(), position: POSITION })
      .returning();
    return toFacts(rows[0]!);
  }

  /** One that is switched on goes on from now: what happened while it was off is not told. */
  async update(id: string, { events, enabled }: WebhookChange): Promise<WebhookFacts | undefined> {
    const rows = await this.#access.db
      .update(webhook)
      .set({
        ...(events === undefined ? {} : { events: [...events] }),
        ...(enabled === undefined ? {} : { enabled, disabledReason: enabled ? null : "switched off" }),
        ...(enabled === true
          ? { position: sql`case when ${webhook.enabled} then ${webhook.position} else ${POSITION} end` }
          : {}),
      })
      .where(eq(webhook.id, id))
      .returning();
    return rows[0] && toFacts(rows[0]);
  }

  /** With its deliveries. */
  async remove(id: string): Promise<boolean> {
    const rows = await this.#access.db
      .delete(webhook)
      .where(eq(webhook.id, id))
      .returning({ id: webhook.id });
    return rows.length > 0;
  }
}

function toFacts(row: typeof webhook.$inferSelect): WebhookFacts {
  return {
    id: row.id,
    url: row.url,
    events: row.events,
    enabled: row.enabled,
    disabledReason: row.disabledReason,
    createdAtMs: row.createdAt.getTime(),
  };
}
