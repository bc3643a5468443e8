/**
 * Vaults of sctg-development/ai-proxy-cloudflare: JSON under `openssl enc
 * -aes-256-cbc -pbkdf2 -iter 100000`, in base64 or not, and what of it has a
 * place here. What has none is named, and never shown: it may be a secret.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createDecipheriv, pbkdf2Sync } from "node:crypto";
import { isProviderId, WIRES } from "../core/custom.ts";
import { parseBaseUrl } from "../core/environment.ts";
import type { Row } from "./print.ts";

/** A provider as `GET /admin/providers` tells. */
export interface Known {
  /** Its id. */
  readonly id: string;
  /** Where requests go. */
  readonly origin: string;
  /** What it is asked for. */
  readonly models: readonly string[];
}

/** What is to be set up for a vault. */
export interface Plan {
  /** Bodies of `PUT /admin/providers/{id}`. */
  readonly providers: readonly (readonly [id: string, body: Row])[];
  /** Bodies of `POST /admin/credentials`. */
  readonly credentials: readonly Row[];
  /** What has no place: where, and what. */
  readonly unplaced: readonly {
    readonly where: string;
    readonly what: string;
  }[];
}

const SALTED = "Salted__";
const ITERATIONS = 100_000;

/** The ciphertext of a vault; `undefined` where it is none. */
export function vaultIn(bytes: Uint8Array): Uint8Array | undefined {
  const raw = Buffer.from(bytes);
  if (raw.toString("latin1", 0, SALTED.length) === SALTED) return raw;
  const text = raw.toString("latin1").replace(/\s/g, "");
  const decoded = Buffer.from(text, "base64");
  return decoded.toString("latin1", 0, SALTED.length) === SALTED
    ? decoded
    : undefined;
}

/** What is in a vault; the ciphertext has no mark by which a wrong password shows, but for what comes out. */
export function openVault(vault: Uint8Array, password: string): unknown {
  const salt = vault.subarray(8, 16);
  const made = pbkdf2Sync(password, salt, ITERATIONS, 48, "sha256");
  const [key, start] = [made.subarray(0, 32), made.subarray(32)];
  const cipher = createDecipheriv("aes-256-cbc", key, start);
  try {
    const text = Buffer.concat([
      cipher.update(vault.subarray(16)),
      cipher.final(),
    ]);
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(text));
  } catch {
    throw new Error("the password does not open it, or it is no vault.");
  }
}

/** Names that others use for rows of our table. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ["google", "gemini"],
  ["google-ai-studio", "gemini"],
  ["claude", "anthropic"],
  ["grok", "xai"],
  ["x-ai", "xai"],
  ["moonshotai", "moonshot"],
  ["togetherai", "together"],
  ["morphllm", "morph"],
]);

/** What becomes of a key's type; of others it is told that they have no place. */
const TYPES: ReadonlyMap<unknown, Row> = new Map([
  ["paid", { kind: "paid" }],
  ["free", { kind: "free" }],
  ["expired", { status: "disabled" }],
]);

/** Fields that have a place; `priority` is the order of the models. */
const PLACED = {
  vault: ["version", "providers"],
  provider: ["protocol", "endpoint", "keys", "models"],
  key: ["key", "owner", "type"],
  model: ["id", "priority"],
};

/** What is to be done for a vault, where these providers are known. */
export function planOf(vault: unknown, known: readonly Known[]): Plan {
  const whole = rowOf(vault);
  const entries = rowOf(whole?.providers);
  if (!whole || !entries) throw new Error("it is no vault: no providers.");
  const providers = new Map(known.map((one) => [one.id, one]));
  const parts = Object.entries(entries).map(([name, row]) => {
    const part = partOf(name, rowOf(row) ?? {}, [...providers.values()]);
    // What is new is known to the next: two of one name may be two APIs.
    for (const [id, body] of part.providers) {
      const there = providers.get(id) ?? { id, origin: "", models: [] };
      providers.set(id, { ...there, ...body });
    }
    return part;
  });
  const unplaced = [
    ...left("vault", whole, PLACED.vault),
    ...parts.flatMap((part) => part.unplaced),
  ];
  const distinct = new Map(
    unplaced.map((lost) => [JSON.stringify(lost), lost]),
  );
  return {
    providers: parts.flatMap((part) => part.providers),
    credentials: parts.flatMap((part) => part.credentials),
    unplaced: [...distinct.values()],
  };
}

/** One provider of it. */
function partOf(name: string, row: Row, known: readonly Known[]): Plan {
  const place = placeOf(name, row, known);
  if (place === undefined) {
    const what = "all of it: its API is not known, nor an endpoint to use";
    const unplaced = [{ where: name, what }];
    return { providers: [], credentials: [], unplaced };
  }
  const { id, there, body } = place;
  const unplaced = [...left(name, row, PLACED.provider)];
  const elsewhere = there && row.endpoint !== undefined &&
    hostOf(row.endpoint) !== hostOf(there.origin);
  if (elsewhere) {
    const what =
      `endpoint: it is not ${there.origin}, so its keys are disabled`;
    unplaced.push({ where: name, what });
  }
  const models = rowsIn(row.models);
  for (const model of models) {
    unplaced.push(...left(`${name} models`, model, PLACED.model));
  }
  const listed = inOrder(models);
  const kept = listed.length > 0 && there && there.models.length > 0;
  if (kept) unplaced.push({ where: name, what: "models: there is a list" });
  const asked = listed.length > 0 && !kept ? { models: listed } : {};
  const said = { ...body, ...asked };
  const keys = keysOf(name, row, id);
  const credentials = keys.credentials.map((key) =>
    elsewhere ? { ...key, status: "disabled" } : key
  );
  return {
    providers: Object.keys(said).length > 0 ? [[id, said]] : [],
    credentials,
    unplaced: [...unplaced, ...keys.unplaced],
  };
}

/** Whose it is: a provider that is known, by its name, its host or a protocol of its own; else a new one, where its endpoint is told. Nobody's key may come to somebody else. */
function placeOf(name: string, row: Row, known: readonly Known[]) {
  const host = hostOf(row.endpoint);
  const protocol = `${row.protocol ?? ""}`;
  const spoken = NAMES.get(protocol) ?? protocol;
  const id = name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  // Everybody speaks OpenAI's.
  const own = host === undefined && spoken !== "openai" ? [spoken] : [];
  const names = [name, NAMES.get(name), id, ...own];
  const called = (rows: readonly Known[]) =>
    names.flatMap((name) => rows.find((one) => one.id === name) ?? [])[0];
  const hosting = known.filter(({ origin }) =>
    host !== undefined && hostOf(origin) === host
  );
  const only = hosting.length === 1 ? hosting[0] : undefined;
  const there = called(hosting) ?? only ?? called(known);
  if (there) return { id: there.id, there, body: {} };
  const origin = parseBaseUrl(`${row.endpoint ?? ""}`);
  if (!origin || !isProviderId(id, [])) return undefined;
  const wire = WIRES.find((wire) => wire === spoken) ?? "openai";
  return { id, there, body: { origin, wire } };
}

function keysOf(name: string, row: Row, provider: string) {
  const where = `${name} keys`;
  const unplaced: { where: string; what: string }[] = [];
  const credentials = rowsIn(row.keys).flatMap((entry): Row[] => {
    unplaced.push(...left(where, entry, PLACED.key));
    const { key, owner, type = "paid" } = entry;
    if (typeof key !== "string" || key === "") {
      unplaced.push({ where, what: "an entry without a key" });
      return [];
    }
    const said = TYPES.get(type);
    if (!said) {
      const word = /^[a-z-]{1,20}$/.exec(`${type}`)?.[0] ?? "unknown";
      unplaced.push({ where, what: `type ${word}: kept as paid` });
    }
    return [{
      provider,
      key: key.trim(),
      ...(owner ? { note: `${owner}` } : {}),
      ...said,
    }];
  });
  return { credentials, unplaced };
}

/** Fields that have no place, by name. */
function left(where: string, row: Row, places: readonly string[]) {
  return Object.keys(row).filter((name) => !places.includes(name))
    .map((what) => ({ where, what }));
}

/** Ids of models, as their priorities have them. */
function inOrder(models: readonly Row[]): string[] {
  const priority = (model: Row) =>
    typeof model.priority === "number" ? model.priority : Infinity;
  const ids = models.toSorted((one, other) =>
    priority(one) < priority(other) ? -1 : +(priority(one) > priority(other))
  ).map(({ id }) => id).filter((id) => typeof id === "string" && id !== "");
  return [...new Set(ids as string[])];
}

function hostOf(url: unknown): string | undefined {
  return URL.canParse(`${url}`) ? new URL(`${url}`).host : undefined;
}

function rowOf(value: unknown): Row | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Row
    : undefined;
}

function rowsIn(value: unknown): Row[] {
  return Array.isArray(value)
    ? value.map(rowOf).filter((row) => row !== undefined)
    : [];
}
