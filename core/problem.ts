/**
 * Errors for the owner and for another doppel: `application/problem+json`
 * (RFC 9457). Holders of tokens get the envelope of their API instead.
 *
 * @module
 */

/** What is wrong. */
export interface ProblemFacts {
  /** HTTP status code. */
  readonly status: number;
  /** One sentence, with no secret in it. */
  readonly title: string;
  /** JSON Pointer to what is wrong in what was sent. */
  readonly field?: string | undefined;
}

/** A problem that was answered; the message is its title. */
export class ProblemError extends Error {
  /** What was answered. */
  constructor(
    /** HTTP status code. */
    readonly status: number,
    title: string,
    /** JSON Pointer to what is wrong in what was sent. */
    readonly field?: string,
  ) {
    super(title);
  }
}

/** The answer, with the fields of `extra` beside its own. */
export function problemResponse(
  { status, title, field }: ProblemFacts,
  extra: Readonly<Record<string, string>> = {},
): Response {
  const body = {
    type: "about:blank",
    title,
    status,
    ...(field !== undefined && { field }),
  };
  return Response.json(body, {
    status,
    headers: {
      "cache-control": "private, no-store",
      "x-content-type-options": "nosniff",
      "content-type": "application/problem+json",
      ...(status === 401 && { "www-authenticate": "Signature" }),
      ...(status === 503 && { "retry-after": "1" }),
      ...extra,
    },
  });
}
