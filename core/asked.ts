/**
 * What doppel answers by itself, on the paths where SDKs look for it: which
 * models and providers a token can reach. `own.ts`, which is loaded with the
 * first, answers it.
 *
 * @module
 */

import { isName, type Naming } from "./name.ts";
import { percentDecode } from "./provider.ts";

/** What is asked for: a list, or the model of a name. */
export type Own = "models" | "providers" | { readonly model: string };

/** `undefined` for what goes to an origin, as nearly all does. */
export function ownAsked(
  { method }: Pick<Request, "method">,
  naming: Naming,
): Own | undefined {
  const { holder, route } = naming;
  const { provider, prefix, target: { path } } = route;
  if (method !== "GET" && method !== "HEAD") return undefined;
  if (prefix !== "" || holder.minted) return undefined;
  if (path === "/v1/providers") return "providers";
  if (provider.wire === "gemini") return undefined;
  if (path === "/v1/models") {
    return holder.token.providers.length > 1 ? "models" : undefined;
  }
  if (!path.startsWith("/v1/models/")) return undefined;
  const model = percentDecode(path.slice("/v1/models/".length));
  return isName(model, naming) ? { model } : undefined;
}
