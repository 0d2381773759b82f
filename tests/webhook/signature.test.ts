import { expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { messageIdOf, newSecret, signedHeaders } from "../../src/webhook/signature.ts";

test("signedHeaders(), HMAC-SHA256 of id, timestamp and body, as the specification writes it", () => {
  const secret = newSecret();
  const body = '{"type":"backfill.complete"}';
  const headers = signedHeaders(secret, { id: "msg_1", atMs: 1_674_087_231_999, body });
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const expected = createHmac("sha256", key).update(`msg_1.1674087231.${body}`).digest("base64");
  expect(headers).toEqual({
    "webhook-id": "msg_1",
    "webhook-timestamp": "1674087231",
    "webhook-signature": `v1,${expected}`,
  });
});

test("signedHeaders(), agrees with the example of the specification's own libraries", () => {
  const headers = signedHeaders("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", {
    id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
    atMs: 1_614_265_330_000,
    body: '{"test": 2432232314}',
  });
  expect(headers["webhook-signature"]).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
});

test("newSecret(), 32 bytes of chance each", () => {
  const secret = newSecret();
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(newSecret()).not.toBe(secret);
});

test("messageIdOf(), one id for one event and webhook", () => {
  expect(messageIdOf("0190b8a4-0000-7000-8000-000000000001", 7)).toBe(
    "msg_0190b8a4000070008000000000000001_7",
  );
});
