/**
 * Why a key was not found to work: in a word, and in words.
 *
 * @module
 */

/** Why a key was not found to work. */
export const CHECK_FAILURES = {
  key: "the API refuses it",
  quota: "what it may use or spend is used up",
  transient: "too fast, or too much for now",
  server: "the API failed",
  region: "the API does not serve this region",
  unreachable: "no answer came",
  timeout: "no answer came in time",
  unreadable: "it cannot be opened: it is sealed under another secret",
  unconfigured: "its provider is not configured",
  unknown: "the answer says nothing about it",
} as const;

/** See {@linkcode CHECK_FAILURES}. */
export type CheckFailure = keyof typeof CHECK_FAILURES;
