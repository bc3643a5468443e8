/**
 * Calls the admin API of a running doppel: signs, sends, reads the answer.
 *
 * @module
 */

import { ProblemError } from "./core/problem.ts";
import { sign } from "./core/signature.ts";

/** Where doppel is, and the secret it knows the owner by. */
export interface AdminClientOptions {
  /** Base URL, without a trailing slash. */
  readonly url: string;
  /** `ADMIN_SECRET`. */
  readonly secret: string;
}

/** The fields that sign a call, `content-type` with them where there is content. */
export function signedFields(
  { url, secret }: AdminClientOptions,
  { method, path, content }: { method: string; path: string; content: string },
): Record<string, string> {
  const [plain = ""] = path.split("?");
  const fields = sign(
    {
      method,
      authority: new URL(url).host,
      path: plain,
      query: path.slice(plain.length),
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

/** The parsed answer, a text where JSON is not what is accepted, `undefined` for 204; throws a {@linkcode ProblemError} for a problem. */
export async function callAdmin(
  options: AdminClientOptions,
  { method, path, body, accept }: {
    method: string;
    path: string;
    body?: unknown;
    accept?: string;
  },
): Promise<unknown> {
  const content = body === undefined ? "" : JSON.stringify(body);
  const response = await fetch(options.url + path, {
    method,
    headers: {
      ...signedFields(options, { method, path, content }),
      ...(accept && { accept }),
    },
    body: content || null,
    redirect: "manual",
  });
  const text = await response.text();
  if (response.ok && accept) return text;
  if (response.ok) return text === "" ? undefined : JSON.parse(text);
  const { title, field } = problemIn(text);
  const { status } = response;
  throw new ProblemError(status, title ?? `doppel answered ${status}`, field);
}

function problemIn(text: string): { title?: string; field?: string } {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
