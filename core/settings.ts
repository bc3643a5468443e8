/**
 * Settings: every environment variable doppel knows, read once, at the start.
 * What cannot be understood stops the start.
 *
 * @module
 */

import {
  baseUrl,
  type Environment,
  integer,
  longEnough,
  SETTINGS,
  wrong,
} from "./environment.ts";
import type { Retention } from "./ledger.ts";
import { parseRange } from "./policy.ts";
import type { SealSecrets } from "./seal.ts";
import {
  type KnownProvider,
  type ProviderSettings,
  readProviders,
  settingOf,
} from "./settings_providers.ts";

export { type Environment, SettingsError } from "./environment.ts";

/** Which way requests go: to the origin, to the origin until it refuses the region, or through the hop. */
export type EgressMode = "direct" | "fallback" | "hop";

/** How requests get to origins. */
export interface EgressSettings {
  /** The hop, where this doppel has one. */
  readonly hop?: { readonly url: string; readonly secret: string };
  /** Opens the entrance, where this doppel is a hop. */
  readonly entranceSecret?: string;
  /** By provider id. */
  readonly modes: Readonly<Record<string, EgressMode>>;
  /** Seconds. */
  readonly refusedSeconds: number;
  /** Seconds. */
  readonly lookSeconds: number;
  /** Bytes. */
  readonly replayBytes: number;
}

/** The environment, understood. */
export interface Settings extends ProviderSettings {
  /** Port to listen on. */
  readonly port: number;
  /** Address to listen on. */
  readonly host: string;
  /** Accepted for admin signatures, newest first; empty: none was given. */
  readonly adminSecrets: readonly string[];
  /** Seconds a signature's clock may be off. */
  readonly adminWindow: number;
  /** Stored keys are sealed under these. */
  readonly seal: SealSecrets;
  /** How requests get there. */
  readonly egress: EgressSettings;
  /** Upstash, where it is configured. */
  readonly upstash?: { readonly url: string; readonly token: string };
  /** Data directory. */
  readonly data: string;
  /** Base URL clients use, without a trailing slash. */
  readonly publicUrl?: string;
  /** Paths of PEM files, where TLS is served. */
  readonly tls?: { readonly cert: string; readonly key: string };
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
  /** Path or URL of the owner's prices. */
  readonly pricesFile?: string;
  /** What is kept of usage. */
  readonly keep: Retention;
  /** Opens `/metrics`, where there is one. */
  readonly metricsToken?: string;
  /** Whose usage is read from answers. */
  readonly metering: "all" | "limited";
  /** What is logged. */
  readonly log: "requests" | "errors" | "off";
}

/** Reads the environment; `known` are the rows of the table. */
export function readSettings(
  env: Environment,
  known: readonly KnownProvider[],
): Settings {
  refuseUnknown(env);
  const providers = readProviders(env, known);
  longEnough(env, "METRICS_TOKEN");
  const upstash = upstashOf(env);
  const tls = tlsOf(env);
  return {
    port: integer(env, "PORT", 1, 65535),
    host: env.HOST || SETTINGS.HOST.default,
    adminSecrets: adminSecrets(env, upstash !== undefined),
    adminWindow: integer(env, "ADMIN_WINDOW_SECONDS", 1, 300),
    seal: sealSecrets(env),
    ...providers,
    egress: egressOf(env, Object.keys(providers.pools)),
    ...(upstash && { upstash }),
    data: env.DOPPEL_DATA || SETTINGS.DOPPEL_DATA.default,
    ...(env.PUBLIC_URL && { publicUrl: baseUrl("PUBLIC_URL", env.PUBLIC_URL) }),
    ...(tls && { tls }),
    trustedProxies: ranges(env),
    maxBodyBytes: integer(env, "MAX_BODY_BYTES", 1, Number.MAX_SAFE_INTEGER),
    firstByteSeconds: integer(env, "FIRST_BYTE_SECONDS", 1, 86400),
    idleSeconds: integer(env, "IDLE_SECONDS", 1, 86400),
    pingSeconds: integer(env, "SSE_PING_SECONDS", 0, 86400),
    ...(env.PRICES_FILE && { pricesFile: env.PRICES_FILE }),
    keep: {
      hours: integer(env, "USAGE_HOURS", 1, 2160),
      days: integer(env, "USAGE_DAYS", 1, 3660),
      requests: integer(env, "USAGE_REQUESTS", 0, 1000),
    },
    ...(env.METRICS_TOKEN && { metricsToken: env.METRICS_TOKEN }),
    metering: oneOf(env, "METERING", ["all", "limited"]),
    log: oneOf(env, "LOG", ["requests", "errors", "off"]),
  };
}

/** Names that nobody but doppel would use, so that a slip of the pen is seen. */
function refuseUnknown(env: Environment) {
  const known: string[] = ["DOPPEL_URL", ...Object.keys(SETTINGS)];
  for (const name of Object.keys(env)) {
    const ours =
      /^(?:DOPPEL|ADMIN_(?:SECRET|WINDOW)|SEAL_SECRET|REPLAY_BODY|CUSTOM_PROVIDER)/;
    if (ours.test(name) && !known.includes(name)) {
      wrong(name, "is not a setting of doppel; see the README's table");
    }
  }
}

function adminSecrets(env: Environment, required: boolean): string[] {
  const names = ["ADMIN_SECRET", "ADMIN_SECRET_PREVIOUS"] as const;
  for (const name of names) longEnough(env, name);
  if (!env.ADMIN_SECRET && required) {
    wrong("ADMIN_SECRET", "is required with Upstash: `openssl rand -hex 32`");
  }
  return names.flatMap((name) => env[name] || []);
}

function sealSecrets(env: Environment): SealSecrets {
  for (const name of ["SEAL_SECRET", "SEAL_SECRET_PREVIOUS"] as const) {
    longEnough(env, name);
  }
  const { SEAL_SECRET: present, SEAL_SECRET_PREVIOUS: previous } = env;
  return { ...(present && { present }), ...(previous && { previous }) };
}

function egressOf(
  env: Environment,
  providerIds: readonly string[],
): EgressSettings {
  const secret = env.EGRESS_HOP_SECRET;
  const url = env.EGRESS_HOP_URL &&
    baseUrl("EGRESS_HOP_URL", env.EGRESS_HOP_URL);
  longEnough(env, "EGRESS_HOP_SECRET");
  if (url && !secret) wrong("EGRESS_HOP_SECRET", "is missing");
  if (url && new URL(url).pathname !== "/") {
    wrong("EGRESS_HOP_URL", "must be without a path");
  }
  const modes = providerIds.map((id) => {
    const name = `EGRESS_${settingOf(id)}`;
    const mode = env[name] || (url ? "fallback" : "direct");
    if (mode !== "direct" && mode !== "fallback" && mode !== "hop") {
      wrong(name, "must be direct, fallback or hop");
    }
    if (mode !== "direct" && !url) wrong(name, "needs EGRESS_HOP_URL");
    return [id, mode] as const;
  });
  return {
    ...(secret &&
      (url ? { hop: { url, secret } } : { entranceSecret: secret })),
    modes: Object.fromEntries(modes),
    refusedSeconds: integer(env, "EGRESS_REFUSED_SECONDS", 1, 86400),
    lookSeconds: integer(env, "EGRESS_HOP_SECONDS", 1, 3600),
    replayBytes: integer(env, "REPLAY_BODY_BYTES", 0, 1_073_741_824),
  };
}

function upstashOf(env: Environment): Settings["upstash"] {
  const url = env.UPSTASH_REDIS_REST_URL;
  const token = env.UPSTASH_REDIS_REST_TOKEN;
  if (url && !token) wrong("UPSTASH_REDIS_REST_TOKEN", "is missing");
  if (token && !url) wrong("UPSTASH_REDIS_REST_URL", "is missing");
  if (!url || !token) return undefined;
  return { url: baseUrl("UPSTASH_REDIS_REST_URL", url), token };
}

function tlsOf({ TLS_CERT: cert, TLS_KEY: key }: Environment): Settings["tls"] {
  if (cert && !key) wrong("TLS_KEY", "is missing");
  if (key && !cert) wrong("TLS_CERT", "is missing");
  return cert && key ? { cert, key } : undefined;
}

function ranges(env: Environment): string[] {
  const list = (env.TRUSTED_PROXIES ?? "").split(",")
    .map((range) => range.trim()).filter((range) => range !== "");
  if (list.some((range) => parseRange(range) === undefined)) {
    wrong("TRUSTED_PROXIES", "must be CIDR ranges split by commas");
  }
  return list;
}

/** One of the words that a setting may be. */
function oneOf<Word extends string>(
  env: Environment,
  name: keyof typeof SETTINGS,
  words: readonly Word[],
): Word {
  const given = env[name] || SETTINGS[name].default;
  const last = words.at(-1);
  return words.find((word) => word === given) ??
    wrong(name, `must be ${words.slice(0, -1).join(", ")} or ${last}`);
}
