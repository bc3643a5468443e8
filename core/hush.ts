/**
 * An origin's refusal that repeats the key it was asked with. Google's does, of
 * a suspended key: it would hand the owner's key to whoever asks. Loaded with
 * the first such answer.
 *
 * @module
 */

import type { Credential } from "./credential.ts";
import type { Begun } from "./egress.ts";
import { peek } from "./peek.ts";
import type { Signal } from "./signal.ts";

/** What stands in place of a key. */
const MASK = "***";

/** The answer, every key in it masked; to the byte as it was where it holds none. */
export async function hush(
  begun: Begun,
  credentials: readonly Credential[],
  signal: Signal,
): Promise<Begun> {
  const { response, text } = await peek(begun, signal);
  const told = credentials.filter(({ key }) => key && text?.includes(key));
  if (text === undefined || told.length === 0) return { ...begun, response };
  const masked = hidden(text, told.map(({ key }) => key));
  const headers = new Headers(response.headers);
  headers.delete("content-length");
  response.body?.cancel().catch(() => {});
  const { status } = response;
  return { ...begun, response: new Response(masked, { status, headers }) };
}

/** A text without what must not stand in it, as it is or escaped for a URL or for JSON. */
export function hidden(text: string, secrets: readonly string[]): string {
  return secrets.filter(Boolean)
    .flatMap((secret) => [
      secret,
      encodeURIComponent(secret),
      JSON.stringify(secret).slice(1, -1),
    ])
    .reduce((left, form) => left.replaceAll(form, MASK), text);
}
