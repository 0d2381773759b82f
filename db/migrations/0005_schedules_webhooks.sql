CREATE TABLE "schedule" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"cron" text NOT NULL,
	"zone" text NOT NULL,
	"request" jsonb NOT NULL,
	"enabled" boolean DEFAULT true NOT NULL,
	"next_run_at" timestamp (6) with time zone,
	"run_due" timestamp (6) with time zone,
	"lease_until" timestamp (6) with time zone,
	"last_run_at" timestamp (6) with time zone,
	"last_job_id" uuid,
	"last_error" text,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "schedule_name_key" UNIQUE("name"),
	CONSTRAINT "schedule_run_check" CHECK ("schedule"."run_due" is null or "schedule"."next_run_at" <= "schedule"."run_due")
);
--> statement-breakpoint
CREATE TABLE "webhook" (
	"id" uuid PRIMARY KEY NOT NULL,
	"url" text NOT NULL,
	"secret" text NOT NULL,
	"events" text[] NOT NULL,
	"enabled" boolean DEFAULT true NOT NULL,
	"disabled_reason" text,
	"position" bigint NOT NULL,
	"created_at" timestamp (6) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "webhook_delivery" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"webhook_id" uuid NOT NULL,
	"event_offset" bigint NOT NULL,
	"event_type" text NOT NULL,
	"payload" jsonb NOT NULL,
	"status" text DEFAULT 'pending' NOT NULL,
	"attempt" integer DEFAULT 0 NOT NULL,
	"next_attempt_at" timestamp (6) with time zone NOT NULL,
	"lease_token" integer DEFAULT 0 NOT NULL,
	"lease_until" timestamp (6) with time zone,
	"response_code" integer,
	"error" text,
	"delivered_at" timestamp (6) with time zone,
	"created_at" timestamp (6) with time zone NOT NULL,
	CONSTRAINT "webhook_delivery_event_key" UNIQUE("webhook_id","event_offset"),
	CONSTRAINT "webhook_delivery_status_check" CHECK ("status" in ('pending', 'delivered', 'failed')),
	CONSTRAINT "webhook_delivery_delivered_check" CHECK (("webhook_delivery"."status" = 'delivered') = ("webhook_delivery"."delivered_at" is not null))
);
--> statement-breakpoint
ALTER TABLE "webhook_delivery" ADD CONSTRAINT "webhook_delivery_webhook_id_webhook_id_fk" FOREIGN KEY ("webhook_id") REFERENCES "public"."webhook"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "schedule_due_idx" ON "schedule" USING btree ("next_run_at") WHERE enabled and next_run_at is not null;--> statement-breakpoint
CREATE INDEX "webhook_delivery_due_idx" ON "webhook_delivery" USING btree ("webhook_id","next_attempt_at","id") WHERE status = 'pending';--> statement-breakpoint
CREATE INDEX "webhook_delivery_ended_idx" ON "webhook_delivery" USING btree ("created_at") WHERE status <> 'pending';