/**
 * Single environment variables: what must hold of one, and how it is said that
 * it does not.
 *
 * @module
 */

import { SHORTEST_SECRET } from "./signature.ts";

/** A setting that cannot be understood; the message names it and the mend, never its value. */
export class SettingsError extends Error {
  /** For the runtime's printout. */
  override readonly name = "SettingsError";
}

/** Variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Stops the start; `mend` says what the setting must be. */
export function wrong(name: string, mend: string): never {
  throw new SettingsError(`${name} ${mend}.`);
}

/** `text` without a trailing slash. */
export function baseUrl(name: string, text: string): string {
  const mend =
    "must be an http(s) URL of a host and, if need be, a path: no user, query or fragment";
  const url = URL.canParse(text) ? new URL(text) : wrong(name, mend);
  if (!/^https?:$/.test(url.protocol)) wrong(name, mend);
  if (url.username || url.password || url.search || url.hash) wrong(name, mend);
  return url.origin + url.pathname.replace(/\/+$/, "");
}

/** Holds a secret, where there is one, to the length that signs. */
export function longEnough(env: Environment, name: string) {
  const secret = env[name];
  if (secret && secret.length < SHORTEST_SECRET) {
    wrong(name, `must have ${SHORTEST_SECRET} characters or more`);
  }
}
