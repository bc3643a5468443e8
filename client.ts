/**
 * Calls the admin API of a running doppel: signs, sends, reads the answer.
 *
 * @module
 */

import { sign } from "./core/signature.ts";

/** Where doppel is, and the secret it knows the owner by. */
export interface AdminClientOptions {
  /** Base URL, without a trailing slash. */
  readonly url: string;
  /** `ADMIN_SECRET`. */
  readonly secret: string;
}

/** An answer that is no success; the message is the problem's title. */
export class AdminError extends Error {
  override name = "AdminError";
  /** @param status HTTP status; `field` is a JSON Pointer into what was sent */
  constructor(readonly status: number, title: string, readonly field?: string) {
    super(title);
  }
}

/** The fields that sign a call, `content-type` with them where there is content. */
export function signedFields(
  { url, secret }: AdminClientOptions,
  { method, path, content }: { method: string; path: string; content: string },
): Record<string, string> {
  const { host } = new URL(url);
  const [plain = "", query] = path.split(/\?(.*)/s);
  const fields = sign(
    {
      method,
      authority: host,
      path: plain,
      query: query === undefined ? "" : `?${query}`,
      content: new TextEncoder().encode(content),
    },
    {
      secret,
      keyid: "admin",
      tag: "doppel-admin",
      created: Math.floor(Date.now() / 1000),
    },
  );
  return content === ""
    ? fields
    : { "content-type": "application/json", ...fields };
}

/** The parsed answer, `undefined` for 204; throws an {@linkcode AdminError} for a problem. */
export async function callAdmin(
  options: AdminClientOptions,
  { method, path, body }: { method: string; path: string; body?: unknown },
): Promise<unknown> {
  const content = body === undefined ? "" : JSON.stringify(body);
  const response = await fetch(options.url + path, {
    method,
    headers: signedFields(options, { method, path, content }),
    body: content || null,
    redirect: "manual",
  });
  const text = await response.text();
  if (response.ok) return text === "" ? undefined : JSON.parse(text);
  const { title, field } = problemOf(text);
  throw new AdminError(
    response.status,
    title ?? `doppel answered ${response.status}`,
    field,
  );
}

function problemOf(text: string): { title?: string; field?: string } {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
