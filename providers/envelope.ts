/**
 * The error bodies the three families of SDKs raise as their own typed errors.
 *
 * @module
 */

import type { Envelope } from "../core/provider.ts";

/** `error.code` OpenAI's clients already know; all others are ours. */
const OPENAI_CODE: Record<string, string> = {
  budget_exhausted: "insufficient_quota",
  token_invalid: "invalid_api_key",
};

const OPENAI_TYPE: Record<number, string> = {
  401: "authentication_error",
  402: "insufficient_quota",
  403: "permission_error",
  429: "rate_limit_error",
};

/** https://platform.openai.com/docs/guides/error-codes (read 2026-11). */
export const openaiEnvelope: Envelope = ({ status, code, detail }) => ({
  error: {
    message: detail,
    type: OPENAI_TYPE[status] ??
      (status < 500 ? "invalid_request_error" : "server_error"),
    param: null,
    code: OPENAI_CODE[code] ?? code,
  },
});

const ANTHROPIC_TYPE: Record<number, string> = {
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  504: "timeout_error",
};

/** https://docs.anthropic.com/en/api/errors (read 2026-11). */
export const anthropicEnvelope: Envelope = (
  { status, code, detail, requestId },
) => ({
  type: "error",
  error: {
    type: ANTHROPIC_TYPE[status] ??
      (status < 500 ? "invalid_request_error" : "api_error"),
    message: detail,
    details: { error_code: code },
  },
  request_id: requestId,
});

const GOOGLE_STATUS: Record<number, string> = {
  401: "UNAUTHENTICATED",
  402: "RESOURCE_EXHAUSTED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  426: "FAILED_PRECONDITION",
  429: "RESOURCE_EXHAUSTED",
  499: "CANCELLED",
  504: "DEADLINE_EXCEEDED",
};

/** https://cloud.google.com/apis/design/errors (read 2026-11). */
export const googleEnvelope: Envelope = (
  { status, code, detail, requestId },
) => ({
  error: {
    code: status,
    message: detail,
    status: GOOGLE_STATUS[status] ??
      (status < 500 ? "INVALID_ARGUMENT" : "UNAVAILABLE"),
    details: [{
      "@type": "type.googleapis.com/google.rpc.ErrorInfo",
      reason: code.toUpperCase(),
      domain: "doppel",
      metadata: { requestId },
    }],
  },
});
