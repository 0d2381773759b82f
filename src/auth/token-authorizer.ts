import { closeCode, formatChannel, PUSH_ERRORS, pushError, type TokenVerdict } from "../protocol/mod.ts";
import type { Authorization, Authorizer, Rejected } from "../push/mod.ts";
import type { TokenVerifier } from "./token-verifier.ts";

/**
 * Asks every connection for a token. One that has expired is answered with error 109, so that the client fetches a new one; one that is not
 * valid closes the connection with 3500, so that it does not come back with the same. While the keys cannot be had, the calls reject,
 * which is answered with error 100: the client tries again.
 */
export function tokenAuthorizer(verifier: TokenVerifier): Authorizer {
  return {
    async connect({ token }) {
      return authorizationOf(await verifier.grant(token));
    },
    async refresh(token, held) {
      const answer = authorizationOf(await verifier.grant(token));
      return answer.kind === "accepted" && answer.grant.user !== held.user
        ? rejected(closeCode("invalid_token", "it is another user's"))
        : answer;
    },
    async subscription(token, channel, held) {
      const verdict = await verifier.subscription(token);
      if (verdict.kind === "unavailable") throw new Error(verdict.reason);
      if (verdict.kind === "expired") return expired();
      if (verdict.kind === "invalid") return denied(`the token of the subscription: ${verdict.reason}`);
      const { user, channel: granted, expiresAtMs } = verdict.subscription;
      if (user !== held.user) return denied("the token of the subscription is another user's");
      if (granted !== formatChannel(channel)) return denied("the token is for another channel");
      return { kind: "accepted", expiresAtMs };
    },
  };
}

function authorizationOf(verdict: TokenVerdict): Authorization {
  switch (verdict.kind) {
    case "granted":
      return { kind: "accepted", grant: verdict.grant };
    case "expired":
      return expired();
    case "invalid":
      return rejected(closeCode("invalid_token", verdict.reason));
    case "unavailable":
      throw new Error(verdict.reason);
  }
}

function expired(): Rejected {
  const { code, message } = PUSH_ERRORS.token_expired;
  return { kind: "rejected", code, reason: message };
}

/** The connection stays: its own token is good. */
function denied(detail: string): Rejected {
  const { code, message } = pushError("permission_denied", detail);
  return { kind: "rejected", code, reason: message };
}

function rejected({ code, reason }: { readonly code: number; readonly reason: string }): Rejected {
  return { kind: "rejected", code, reason };
}
