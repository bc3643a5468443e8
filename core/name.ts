/**
 * Models by the names of several providers: `groq/llama-3.3-70b`, or an alias of
 * the owner's. Whether a request may have one; `named.ts`, which is loaded with
 * the first, says what it stands for.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Holder } from "./admit.ts";
import type { View } from "./keyring.ts";
import { FORM_TYPE, JSON_TYPE } from "./model.ts";
import { endpointClass, type Provider, type Route } from "./provider.ts";

/** Who may name what. */
export interface Naming {
  /** Who asks. */
  readonly holder: Holder;
  /** Where it goes if it names nothing. */
  readonly route: Route;
  /** What there is. */
  readonly view: View;
}

/** Bytes that are held to find a name, as many as a budget would hold. */
const MOST = 33_554_432;

/** How much of a request's content must be looked into for a name, bytes; `undefined`: it can have none, and 0: only what is in memory anyhow. */
export function heldForName(
  { method, headers }: Request,
  { holder, route, view }: Naming,
): number | undefined {
  const { provider, prefix, target } = route;
  if (prefix !== "" || method !== "POST" || holder.minted) return undefined;
  if (!target.path.startsWith("/v1/") || headers.has("content-encoding")) {
    return undefined;
  }
  const type = headers.get("content-type") ?? "";
  if (!JSON_TYPE.test(type)) {
    if (!FORM_TYPE.test(type)) return undefined;
    const kind = endpointClass(provider, method, target);
    if (kind !== "audio" && kind !== "images") return undefined;
  }
  const others = holder.token.providers.some((id) =>
    id !== provider.id && view.pools[id]?.length
  );
  const length = Number(headers.get("content-length") ?? 0);
  return (others || view.aliases.size > 0) && length <= MOST ? MOST : 0;
}

/** What stands before a model's name wherever it is written. */
const BEFORE = 'model"';
/** The name as clients write it in JSON (PHP's write `\/`) and in forms; what is nested is found too. */
const WRITTEN = [
  /(?<=")model"\s*:\s*"((?:[^"\\]|\\\/){1,256})"/y,
  /(?<=name=")model"\r\n\r\n([^\r\n]{1,256})\r\n/y,
];

/** Whether the content may have a name; whether it has is for whoever reads it beyond doubt. */
export function seemsNamed(
  content: Uint8Array<ArrayBuffer>,
  naming: Naming,
): boolean {
  const text = Buffer.from(content.buffer).toString("latin1");
  let at = text.indexOf(BEFORE);
  for (; at !== -1; at = text.indexOf(BEFORE, at + 1)) {
    const name = nameAt(text, at);
    if (name !== undefined && isName(name, naming)) return true;
  }
  return false;
}

function nameAt(text: string, at: number): string | undefined {
  for (const pattern of WRITTEN) {
    pattern.lastIndex = at;
    const name = pattern.exec(text)?.[1];
    if (name !== undefined) return name.replaceAll("\\/", "/");
  }
  return undefined;
}

/** Whether it is an alias, or begins with a provider. */
export function isName(name: string, naming: Naming): boolean {
  return naming.view.aliases.has(name) ||
    providerIn(name, naming) !== undefined;
}

/** The provider that a name begins with; with a token for one alone no other, since its models may be called like that. */
export function providerIn(
  name: string,
  { holder: { token }, view }: Pick<Naming, "holder" | "view">,
): Provider | undefined {
  const slash = name.indexOf("/");
  if (slash < 1 || slash === name.length - 1) return undefined;
  const id = name.slice(0, slash);
  const [only, ...more] = token.providers;
  if (only !== undefined && more.length === 0 && id !== only) return undefined;
  return view.providers.find((row) => row.id === id);
}
