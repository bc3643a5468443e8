/**
 * Every environment variable, what must hold of one, and how it is said that it
 * does not.
 *
 * @module
 */

import { SHORTEST_SECRET } from "./signature.ts";

/** One row per variable, in the order of the README's table, which a test holds against this one; `<PROVIDER>` stands for a row of the provider table. */
export const SETTINGS = {
  PORT: { default: "8787", about: "port to listen on" },
  HOST: { default: "127.0.0.1", about: "address to listen on" },
  ADMIN_SECRET: {
    default: "made on the first local start",
    about: "signs admin calls; 32 characters or more; required with Upstash",
  },
  ADMIN_SECRET_PREVIOUS: {
    default: "",
    about: "also verifies, while the secret is being changed",
  },
  ADMIN_WINDOW_SECONDS: {
    default: "60",
    about: "how far a signature's clock may be off, 300 at most",
  },
  SEAL_SECRET: {
    default: "made on the first local start",
    about:
      "seals the keys that doppel keeps; 32 characters or more; with Upstash needed to keep any",
  },
  SEAL_SECRET_PREVIOUS: {
    default: "",
    about: "also opens them, while the secret is being changed",
  },
  "<PROVIDER>_API_KEY": {
    default: "",
    about: "the real key; several, comma-separated, make a pool",
  },
  "<PROVIDER>_UPSTREAM": {
    default: "the real host",
    about:
      "another origin for this provider; a base path in it is kept, `/v1` at its end or not",
  },
  "<PROVIDER>_HEADERS": {
    default: "",
    about:
      "`name: value; name: value`: fields for every request to this origin, to no other",
  },
  "<PROVIDER>_GATEWAY": {
    default: "",
    about:
      "its URL on Cloudflare's AI Gateway, up to the provider's name, in place of `_UPSTREAM`",
  },
  "<PROVIDER>_GATEWAY_TOKEN": {
    default: "",
    about: "opens that gateway, as `cf-aig-authorization`",
  },
  CUSTOM_PROVIDERS: {
    default: "",
    about:
      "names of APIs of your own, comma-separated; each needs its `_UPSTREAM`, a key only if it wants one",
  },
  "<CUSTOM>_WIRE": {
    default: "openai",
    about: "whose API it is like: `openai`, `anthropic`, `gemini`",
  },
  "<CUSTOM>_SLOT": {
    default: "by its wire",
    about:
      "where its key goes: `bearer`, `x-api-key`, `api-key`, `x-goog-api-key`",
  },
  EGRESS_HOP_URL: {
    default: "",
    about: "a second doppel, in a region the APIs serve; no path",
  },
  EGRESS_HOP_SECRET: {
    default: "",
    about: "shared with the hop; without a URL, this doppel is one",
  },
  "EGRESS_<PROVIDER>": {
    default: "`fallback` with a hop",
    about: "`direct`; `fallback`: through the hop where refused; `hop`",
  },
  EGRESS_REFUSED_SECONDS: {
    default: "600",
    about: "how long a refused provider is not tried directly again",
  },
  EGRESS_HOP_SECONDS: {
    default: "10",
    about: "how often a hop that lets requests wait is asked if it lives",
  },
  REPLAY_BODY_BYTES: {
    default: "4194304",
    about: "request content kept for another try: another key, or the hop",
  },
  UPSTASH_REDIS_REST_URL: {
    default: "",
    about: "with the next one: tokens live in Upstash instead of SQLite",
  },
  UPSTASH_REDIS_REST_TOKEN: { default: "", about: "see above" },
  DOPPEL_DATA: {
    default: "./.doppel",
    about: "directory of the SQLite file and the local secrets",
  },
  PUBLIC_URL: {
    default: "",
    about:
      "how clients reach doppel, if a proxy in front changes host or scheme",
  },
  TRUSTED_PROXIES: {
    default: "",
    about: "CIDR ranges whose X-Forwarded-For is believed",
  },
  MAX_BODY_BYTES: {
    default: "1073741824",
    about: "largest request body",
  },
  TLS_CERT: {
    default: "",
    about:
      "PEM file of a certificate chain: with the next one, doppel serves https and wss",
  },
  TLS_KEY: { default: "", about: "PEM file of the certificate's key" },
  FIRST_BYTE_SECONDS: {
    default: "900",
    about: "silence allowed before an origin's answer, connecting included",
  },
  IDLE_SECONDS: {
    default: "900",
    about: "silence allowed within an origin's answer, or on a socket",
  },
  SSE_PING_SECONDS: {
    default: "0",
    about: "silence after which an event stream gets a `: ping`; 0: never",
  },
  METERING: {
    default: "all",
    about:
      "whose usage is read from answers: `all`; `limited`: tokens' whose limits need it",
  },
  PRICES_FILE: {
    default: "",
    about: "your own prices, before doppel's: a path, or an http(s) URL",
  },
  USAGE_HOURS: {
    default: "72",
    about: "how long usage is kept by the hour, 2160 at most",
  },
  USAGE_DAYS: {
    default: "400",
    about: "how long usage is kept by the day, 3660 at most",
  },
  USAGE_REQUESTS: {
    default: "100",
    about: "how many of a token's last requests are kept, 1000 at most",
  },
  METRICS_TOKEN: {
    default: "",
    about: "opens `/metrics`, as a Bearer token; 32 characters or more",
  },
  LOG: {
    default: "requests",
    about: "`requests`: a line each; `errors`: failures only; `off`",
  },
} as const;

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
  return parseBaseUrl(text) ?? wrong(name, BASE_URL);
}

/** What a base URL must be. */
export const BASE_URL =
  "must be an http(s) URL of a host and, if need be, a path: no user, query or fragment";

/** `text` without a trailing slash; `undefined` where it is no base URL. */
export function parseBaseUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const more = url.username || url.password || url.search || url.hash;
  return more || !/^https?:$/.test(url.protocol)
    ? undefined
    : url.origin + url.pathname.replace(/\/+$/, "");
}

/** Holds a secret, where there is one, to the length that signs. */
export function longEnough(env: Environment, name: string) {
  const secret = env[name];
  if (secret && secret.length < SHORTEST_SECRET) {
    wrong(name, `must have ${SHORTEST_SECRET} characters or more`);
  }
}

/** A whole number from `least` to `most`. */
export function integer(
  env: Environment,
  name: keyof typeof SETTINGS,
  least: number,
  most: number,
): number {
  const text = env[name] || SETTINGS[name].default;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    wrong(name, `must be a whole number from ${least} to ${most}`);
  }
  return value;
}
