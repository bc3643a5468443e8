/**
 * Settings: every environment variable doppel knows, read once, at the start.
 * What cannot be understood stops the start.
 *
 * @module
 */

import type { Credential } from "./credential.ts";
import { parseRange } from "./policy.ts";
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
  "<PROVIDER>_API_KEY": {
    default: "",
    about: "the real key; several, comma-separated, make a pool",
  },
  "<PROVIDER>_UPSTREAM": {
    default: "the real host",
    about: "another origin for this provider; a base path in it is kept",
  },
  UPSTASH_REDIS_REST_URL: {
    default: "",
    about: "with the next one: tokens live in Upstash instead of SQLite",
  },
  UPSTASH_REDIS_REST_TOKEN: { default: "", about: "see above" },
  DOPPEL_DATA: {
    default: "./.doppel",
    about: "directory of the SQLite file and the local admin secret",
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
  FIRST_BYTE_SECONDS: {
    default: "900",
    about: "silence allowed before an origin's answer, connecting included",
  },
  IDLE_SECONDS: {
    default: "900",
    about: "silence allowed within an origin's answer",
  },
  SSE_PING_SECONDS: {
    default: "0",
    about: "silence after which an event stream gets a `: ping`; 0: never",
  },
  LOG: {
    default: "requests",
    about: "`requests`: a line each; `errors`: failures only; `off`",
  },
} as const;

/** The environment, understood. */
export interface Settings {
  /** Port to listen on. */
  readonly port: number;
  /** Address to listen on. */
  readonly host: string;
  /** Accepted for admin signatures, newest first; empty: none was given. */
  readonly adminSecrets: readonly string[];
  /** Seconds a signature's clock may be off. */
  readonly adminWindow: number;
  /** Credentials by provider id. */
  readonly pools: Readonly<Record<string, readonly Credential[]>>;
  /** Origins that replace the table's, by provider id. */
  readonly origins: Readonly<Record<string, string>>;
  /** Upstash, where it is configured. */
  readonly upstash?: { readonly url: string; readonly token: string };
  /** Data directory. */
  readonly data: string;
  /** Base URL clients use, without a trailing slash. */
  readonly publicUrl?: string;
  /** CIDR ranges. */
  readonly trustedProxies: readonly string[];
  /** Bytes. */
  readonly maxBodyBytes: number;
  /** Seconds. */
  readonly firstByteSeconds: number;
  /** Seconds. */
  readonly idleSeconds: number;
  /** Seconds; 0: no pings. */
  readonly pingSeconds: number;
  /** What is logged. */
  readonly log: "requests" | "errors" | "off";
}

/** A setting that cannot be understood; the message names it and the mend, never its value. */
export class SettingsError extends Error {
  /** For the runtime's printout. */
  override readonly name = "SettingsError";
}

/** Variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the environment; `providerIds` are the rows of the table. */
export function readSettings(
  env: Environment,
  providerIds: readonly string[],
): Settings {
  refuseUnknown(env, providerIds);
  const pools: Record<string, Credential[]> = {};
  const origins: Record<string, string> = {};
  for (const id of providerIds) {
    const name = id.toUpperCase();
    const keys = (env[`${name}_API_KEY`] ?? "").split(",")
      .map((key) => key.trim()).filter((key) => key !== "");
    if (keys.some((key) => !/^[\x21-\x7e]+$/.test(key))) {
      wrong(`${name}_API_KEY`, "must be visible ASCII, keys split by commas");
    }
    pools[id] = keys.map((key, i) => ({ id: `${id}-${i + 1}`, key }));
    const origin = env[`${name}_UPSTREAM`];
    if (origin) origins[id] = baseUrl(`${name}_UPSTREAM`, origin);
  }
  const upstash = upstashOf(env);
  return {
    port: integer(env, "PORT", 1, 65535),
    host: env.HOST || SETTINGS.HOST.default,
    adminSecrets: adminSecrets(env, upstash !== undefined),
    adminWindow: integer(env, "ADMIN_WINDOW_SECONDS", 1, 300),
    pools,
    origins,
    ...(upstash && { upstash }),
    data: env.DOPPEL_DATA || SETTINGS.DOPPEL_DATA.default,
    ...(env.PUBLIC_URL && { publicUrl: baseUrl("PUBLIC_URL", env.PUBLIC_URL) }),
    trustedProxies: ranges(env),
    maxBodyBytes: integer(env, "MAX_BODY_BYTES", 1, Number.MAX_SAFE_INTEGER),
    firstByteSeconds: integer(env, "FIRST_BYTE_SECONDS", 1, 86400),
    idleSeconds: integer(env, "IDLE_SECONDS", 1, 86400),
    pingSeconds: integer(env, "SSE_PING_SECONDS", 0, 86400),
    log: logOf(env),
  };
}

/** Names that nobody but doppel would use, so that a slip of the pen is seen. */
function refuseUnknown(env: Environment, providerIds: readonly string[]) {
  const names = providerIds.map((id) => id.toUpperCase());
  const known: string[] = ["DOPPEL_URL", ...Object.keys(SETTINGS)];
  for (const name of Object.keys(env)) {
    if (known.includes(name)) continue;
    const provider = /^(.+)_UPSTREAM$/.exec(name)?.[1];
    if (provider !== undefined && names.includes(provider)) continue;
    if (
      provider !== undefined || /^(DOPPEL|ADMIN_(SECRET|WINDOW))/.test(name)
    ) {
      wrong(name, "is not a setting of doppel; see the README's table");
    }
  }
}

function wrong(name: string, mend: string): never {
  throw new SettingsError(`${name} ${mend}.`);
}

function integer(
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

function baseUrl(name: string, text: string): string {
  const mend =
    "must be an http(s) URL of a host and, if need be, a path: no user, query or fragment";
  const url = URL.canParse(text) ? new URL(text) : wrong(name, mend);
  if (!/^https?:$/.test(url.protocol)) wrong(name, mend);
  if (url.username || url.password || url.search || url.hash) wrong(name, mend);
  return url.origin + url.pathname.replace(/\/+$/, "");
}

function adminSecrets(env: Environment, required: boolean): string[] {
  const names = ["ADMIN_SECRET", "ADMIN_SECRET_PREVIOUS"] as const;
  for (const name of names) {
    const secret = env[name];
    if (secret && secret.length < SHORTEST_SECRET) {
      wrong(name, `must have ${SHORTEST_SECRET} characters or more`);
    }
  }
  if (!env.ADMIN_SECRET && required) {
    wrong("ADMIN_SECRET", "is required with Upstash: `openssl rand -hex 32`");
  }
  return names.flatMap((name) => env[name] || []);
}

function upstashOf(env: Environment): Settings["upstash"] {
  const url = env.UPSTASH_REDIS_REST_URL;
  const token = env.UPSTASH_REDIS_REST_TOKEN;
  if (url && !token) wrong("UPSTASH_REDIS_REST_TOKEN", "is missing");
  if (token && !url) wrong("UPSTASH_REDIS_REST_URL", "is missing");
  if (!url || !token) return undefined;
  return { url: baseUrl("UPSTASH_REDIS_REST_URL", url), token };
}

function ranges(env: Environment): string[] {
  const list = (env.TRUSTED_PROXIES ?? "").split(",")
    .map((range) => range.trim()).filter((range) => range !== "");
  if (list.some((range) => parseRange(range) === undefined)) {
    wrong("TRUSTED_PROXIES", "must be CIDR ranges split by commas");
  }
  return list;
}

function logOf(env: Environment): Settings["log"] {
  const log = env.LOG || SETTINGS.LOG.default;
  if (log === "requests" || log === "errors" || log === "off") return log;
  return wrong("LOG", "must be requests, errors or off");
}
