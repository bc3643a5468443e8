/**
 * What the environment says of providers: keys, origins, fixed fields, and
 * APIs of the owner's own.
 *
 * @module
 */

import type { Credential } from "./credential.ts";
import {
  type CustomProvider,
  isProviderId,
  KEY_SLOTS,
  WIRES,
} from "./custom.ts";
import { baseUrl, type Environment, SETTINGS, wrong } from "./environment.ts";
import type { Provider } from "./provider.ts";
import { type Fields, mayBeFixed } from "./rewrite.ts";

/** What a row of the table must say, for its settings to be understood. */
export type KnownProvider = Pick<Provider, "id" | "own" | "gateway">;

/** Providers, as the environment sets them up. */
export interface ProviderSettings {
  /** Credentials by provider id; of those that are there. */
  readonly pools: Readonly<Record<string, readonly Credential[]>>;
  /** Origins that replace the table's, by provider id. */
  readonly origins: Readonly<Record<string, string>>;
  /** Of these origins those where `/v1/x` is `/x`. */
  readonly bare: readonly string[];
  /** Fields for every request to a provider's origin, by its id; secrets. */
  readonly fixed: Readonly<Record<string, Fields>>;
  /** APIs that the table does not know. */
  readonly custom: readonly CustomProvider[];
}

/** Reads them; `known` are the rows of the table. */
export function readProviders(
  env: Environment,
  known: readonly KnownProvider[],
): ProviderSettings {
  const custom = customIn(env, known.map(({ id }) => id));
  refuseForeign(env, known, custom);
  const owned = custom.map(({ id }) => ({ id, own: true as const }));
  const pools: Record<string, readonly Credential[]> = {};
  const origins: Record<string, string> = {};
  const fixed: Record<string, Fields> = {};
  const bare: string[] = [];
  for (const row of [...known, ...owned]) {
    const { id, own } = row;
    const name = settingOf(id);
    const gateway = gatewayIn(env, row);
    const upstream = env[`${name}_UPSTREAM`];
    const origin = gateway?.url ??
      (upstream && baseUrl(`${name}_UPSTREAM`, upstream));
    if (origin) origins[id] = origin;
    if (gateway?.drops) bare.push(gateway.url);
    const keys = keysIn(env, `${name}_API_KEY`);
    const fields = [
      ...gateway?.fields ?? [],
      ...fieldsIn(`${name}_HEADERS`, env[`${name}_HEADERS`]),
    ];
    if (fields.length > 0) fixed[id] = fields;
    if (own && !origin) {
      if (keys.length > 0) wrong(`${name}_UPSTREAM`, "is missing");
      continue;
    }
    // Without a key it is asked without one.
    pools[id] = (own && keys.length === 0 ? [""] : keys)
      .map((key, i) => ({ id: `${id}-${i + 1}`, key }));
  }
  return { pools, origins, bare, fixed, custom };
}

/** A provider's id as it stands in names of settings. */
export function settingOf(id: string): string {
  return id.toUpperCase().replaceAll("-", "_");
}

function listIn(text = ""): string[] {
  return text.split(",").map((one) => one.trim()).filter((one) => one !== "");
}

function keysIn(env: Environment, name: string): string[] {
  const keys = listIn(env[name]);
  if (keys.some((key) => !VISIBLE.test(key))) {
    wrong(name, "must be visible ASCII, keys split by commas");
  }
  return keys;
}

const VISIBLE = /^[\x21-\x7e]+$/;

/** Settings that every provider may have, and those of the owner's own. */
const SUFFIXES = [
  "_API_KEY",
  "_UPSTREAM",
  "_HEADERS",
  "_GATEWAY",
  "_GATEWAY_TOKEN",
];
const CUSTOM_SUFFIXES = ["_WIRE", "_SLOT"];

function customIn(
  env: Environment,
  known: readonly string[],
): CustomProvider[] {
  const ids = listIn(env.CUSTOM_PROVIDERS);
  const taken = (id: string) =>
    [...SUFFIXES, ...CUSTOM_SUFFIXES].some((suffix) =>
      Object.hasOwn(SETTINGS, settingOf(id) + suffix)
    ) || Object.hasOwn(SETTINGS, `EGRESS_${settingOf(id)}`);
  if (
    new Set(ids).size < ids.length ||
    !ids.every((id) => isProviderId(id, known) && !taken(id))
  ) {
    wrong(
      "CUSTOM_PROVIDERS",
      "must be names of a-z, 0-9 and -, split by commas, none of them twice, a provider's or doppel's own",
    );
  }
  return ids.map((id) => {
    const name = settingOf(id);
    const upstream = env[`${name}_UPSTREAM`] ||
      wrong(`${name}_UPSTREAM`, "is missing");
    const slot = oneOf(env, `${name}_SLOT`, KEY_SLOTS);
    return {
      id,
      origin: baseUrl(`${name}_UPSTREAM`, upstream),
      wire: oneOf(env, `${name}_WIRE`, WIRES) ?? "openai",
      ...slot !== undefined && { slot },
    };
  });
}

function oneOf<Word extends string>(
  env: Environment,
  name: string,
  words: readonly Word[],
): Word | undefined {
  const given = env[name];
  if (!given) return undefined;
  return words.find((word) => word === given) ??
    wrong(name, `must be one of ${words.join(", ")}`);
}

/** Stops at settings that would be a provider's, if there were such a one. */
function refuseForeign(
  env: Environment,
  known: readonly KnownProvider[],
  custom: readonly CustomProvider[],
) {
  const table = known.map(({ id }) => settingOf(id));
  const all = [...table, ...custom.map(({ id }) => settingOf(id))];
  for (const name of Object.keys(env)) {
    if (Object.hasOwn(SETTINGS, name)) continue;
    const [, before, after] = /^(?:(.+)_UPSTREAM|EGRESS_(.+))$/.exec(name) ??
      [];
    const provider = before ?? after;
    if (provider !== undefined && !all.includes(provider)) {
      wrong(name, "is not a setting of doppel; see the README's table");
    }
    const [, row] = /^(.+)_(?:WIRE|SLOT)$/.exec(name) ?? [];
    if (row !== undefined && table.includes(row)) {
      wrong(name, "is for providers that CUSTOM_PROVIDERS names");
    }
  }
}

interface GatewayOrigin {
  readonly url: string;
  readonly drops: boolean;
  readonly fields: Fields;
}

/** Cloudflare's AI Gateway in front of a provider: https://developers.cloudflare.com/ai-gateway/ */
function gatewayIn(
  env: Environment,
  { id, gateway }: KnownProvider,
): GatewayOrigin | undefined {
  const name = `${settingOf(id)}_GATEWAY`;
  const text = env[name];
  const token = env[`${name}_TOKEN`];
  if (token && !text) wrong(name, "is missing");
  if (!text) return undefined;
  if (env[`${settingOf(id)}_UPSTREAM`]) {
    wrong(name, `or ${settingOf(id)}_UPSTREAM, not both`);
  }
  if (token && !VISIBLE.test(token)) {
    wrong(`${name}_TOKEN`, "must be visible ASCII");
  }
  const url = baseUrl(name, text);
  const { slug, drops = false } = gateway ?? {};
  const own = /\/custom-[a-z0-9-]+$/i.test(url);
  if (!own && (slug === undefined || !url.endsWith(`/${slug}`))) {
    const ends = slug === undefined ? "" : `/${slug} or `;
    wrong(name, `must end in ${ends}/custom-…, the name that it has there`);
  }
  return {
    url,
    drops: drops && !own,
    fields: token ? [["cf-aig-authorization", `Bearer ${token}`]] : [],
  };
}

/** What Cloudflare Access asks for: one is nothing without the other. */
const PAIR = ["cf-access-client-id", "cf-access-client-secret"];

/** `name: value; name: value`. */
function fieldsIn(setting: string, text = ""): Fields {
  const fields = text.split(";").map((one) => one.trim())
    .filter((one) => one !== "")
    .map((one): Fields[number] => {
      const [, name = "", value = ""] = /^([^:]*):(.*)$/.exec(one) ?? [];
      return [name.trim().toLowerCase(), value.trim()];
    });
  const names = fields.map(([name]) => name);
  if (!names.every(mayBeFixed) || new Set(names).size < names.length) {
    wrong(
      setting,
      "must be fields such as `name: value; name: value`, none of them twice, a slot's, or about the connection or the content",
    );
  }
  if (!fields.every(([, value]) => /^[\x21-\x7e][\x20-\x7e]*$/.test(value))) {
    wrong(setting, "must have a value of visible ASCII for each field");
  }
  if (PAIR.filter((name) => names.includes(name)).length === 1) {
    wrong(setting, `must have ${PAIR.join(" and ")}, or neither`);
  }
  return fields;
}
