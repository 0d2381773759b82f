import { expect, test } from "bun:test";
import { failureOf, InvariantError, invariant, OperationFailure } from "../../src/core/mod.ts";

test("failureOf(), answers a failure as it is", () => {
  const failure = new OperationFailure("banned", "shut out", { retryAfterMs: 120_000 });
  expect(failureOf(failure)).toBe(failure);
  expect([failure.kind, failure.retryAfterMs, failure.cause]).toEqual(["banned", 120_000, undefined]);
});

test("failureOf(), knows an abort as ours", () => {
  const aborted = failureOf(AbortSignal.abort().reason);
  expect([aborted.kind, aborted.cause instanceof DOMException]).toEqual(["aborted", true]);
});

test("failureOf(), takes what it does not know for transient and keeps message and cause", () => {
  const cause = new TypeError("fetch failed");
  const failure = failureOf(cause);
  expect([failure.kind, failure.message, failure.cause]).toEqual(["transient", "fetch failed", cause]);
  expect(failureOf("odd")).toMatchObject({ kind: "transient", message: "odd", cause: "odd" });
  expect(failureOf(new DOMException("too slow", "TimeoutError")).kind).toBe("transient");
});

test("invariant(), throws only when it does not hold", () => {
  expect(() => invariant(1, "never")).not.toThrow();
  expect(() => invariant(0, "a bug")).toThrow(InvariantError);
  expect(() => invariant(undefined, "a bug")).toThrow("a bug");
});
