/**
 * How credentials are made, changed and sealed anew.
 *
 * @module
 */

import type * as v from "valibot";
import { tailOf } from "../core/seal.ts";
import {
  CREDENTIAL_ID,
  MOST_RECORDS,
  type Setup,
  type StoredCredential,
} from "../core/setup.ts";
import { fromRfc3339 } from "../core/time.ts";
import { randomBase62 } from "../core/token.ts";
import { shown, USUAL } from "./credential_shown.ts";
import {
  changeSetup,
  laidOver,
  noted,
  providerIds,
  recordOf,
  type Step,
} from "./edit.ts";
import type * as schema from "./setup_schema.ts";
import { found, Problem, type Work } from "./work.ts";

type Create = v.InferOutput<typeof schema.CreateCredential>;
type Edit = v.InferOutput<typeof schema.EditCredential>;

/** A key under a name of the owner's, or one that is made. */
export function create(work: Work<Create, unknown>): Promise<unknown> {
  const { id, ...body } = work.body;
  return put(
    { ...work, body, id: id ?? madeId(body.provider) },
    { anew: true },
  );
}

/** With a letter in it, since the environment's have a number there. */
function madeId(provider: string): string {
  const name = randomBase62(8);
  return /^\d+$/.test(name) ? madeId(provider) : `${provider}-${name}`;
}

/** Makes a credential, or changes it; `anew`: there must be none yet. */
export async function put(
  work: Work<Edit, unknown>,
  { anew = false } = {},
): Promise<unknown> {
  const { id, store } = work;
  let replaced = false;
  await changeSetup(work, { kind: "credential", id }, (was, setup) => {
    if (anew && was) throw new Problem(409, `${id} exists already.`, "/id");
    replaced = was !== undefined && work.body.key !== undefined;
    return was ? edit(work, was, setup) : make(work, setup);
  });
  // What cooled was the key that was there.
  if (replaced) await store.warm([id]);
  const setup = await store.readSetup();
  const record = recordOf(setup, "credential", id);
  return shown(found(record, "credential"), { setup, work });
}

function make(work: Work<Edit, unknown>, setup: Setup): Step<"credential"> {
  const { id, now, by, body: { provider, key } } = work;
  if (provider === undefined || key === undefined) {
    const field = provider === undefined ? "provider" : "key";
    const title = `${field} is required: there is no credential ${id} yet.`;
    throw new Problem(400, title, `/${field}`);
  }
  const fault = faultOf({ id, provider }, work, setup);
  if (fault) throw fault;
  if (setup.credentials.length >= MOST_RECORDS) {
    throw new Problem(409, `There are ${MOST_RECORDS} credentials already.`);
  }
  const record = {
    id,
    provider,
    ...sealedKey(work, { id, provider, key, setup }),
    ...USUAL,
    created: now,
    createdBy: by,
  };
  return stepOf(work, record, "credential.create");
}

function edit(
  work: Work<Edit, unknown>,
  was: StoredCredential,
  setup: Setup,
): Step<"credential"> {
  const { id, provider } = was;
  const { key, provider: named = provider } = work.body;
  if (named !== provider) {
    const title = `provider must be ${provider}: a key is sealed with it.`;
    throw new Problem(400, title, "/provider");
  }
  const sealed = key && sealedKey(work, { id, provider, key, setup });
  return stepOf(work, { ...was, ...sealed }, "credential.edit");
}

function stepOf(
  work: Work<Edit, unknown>,
  record: StoredCredential,
  action: string,
): Step<"credential"> {
  const { key, provider: _, expires, ...fields } = work.body;
  const end = expires === undefined
    ? {}
    : { expires: expires === null ? null : fromRfc3339(expires)! };
  const next = laidOver<StoredCredential>(record, { ...fields, ...end }, USUAL);
  const { key: __, ...open } = work.body;
  const changed = { ...open, ...(key && { key: masked(key) }) };
  return { next, entry: noted(work, action, { subject: record.id, changed }) };
}

/** The key as it is kept; a key that is there already is not kept twice. */
function sealedKey(
  { seal }: Work<Edit, unknown>,
  { id, provider, key, setup }: {
    id: string;
    provider: string;
    key: string;
    setup: Setup;
  },
) {
  if (seal.by === undefined) throw unsealed();
  const same = setup.credentials.find((other) =>
    other.id !== id && other.provider === provider && seal.open(other) === key
  );
  if (same) {
    throw new Problem(409, `This key is kept already, as ${same.id}.`, "/key");
  }
  return { ...seal.seal(key, { provider, id }), tail: tailOf(key) };
}

function unsealed(): Problem {
  const mend = "set it to 32 characters or more: `openssl rand -hex 32`";
  return new Problem(409, `No key is kept without SEAL_SECRET; ${mend}.`);
}

/** What forbids a credential of that name. */
export function faultOf(
  { id, provider }: Pick<StoredCredential, "id" | "provider">,
  work: Pick<Work<unknown, unknown>, "providers">,
  setup: Pick<Setup, "providers">,
): Problem | undefined {
  const ids = providerIds(work, setup);
  if (!ids.includes(provider)) {
    const title = `provider must be one of ${ids.join(", ")}.`;
    return new Problem(400, title, "/provider");
  }
  if (!CREDENTIAL_ID.test(id)) {
    const title = "id must be 2 to 41 of a-z 0-9 - and begin with no -.";
    return new Problem(400, title, "/id");
  }
  const [, named = ""] = /^(.+)-(?:\d+|minted)$/.exec(id) ?? [];
  if (!ids.includes(named)) return undefined;
  const title = `id ${id} is for a key of the environment.`;
  return new Problem(400, title, "/id");
}

/** Seals what is not sealed by the present key, one after the other. */
export async function reseal(
  work: Work<unknown, unknown>,
): Promise<v.InferOutput<typeof schema.Resealed>> {
  const { store, seal } = work;
  if (seal.by === undefined) throw unsealed();
  const done = { resealed: 0, current: 0 };
  const unreadable: string[] = [];
  for (const { id } of (await store.readSetup()).credentials) {
    let outcome: keyof typeof done | "unreadable" | undefined;
    await changeSetup(work, { kind: "credential", id }, (was) => {
      outcome = was && "current";
      if (was === undefined || was.sealedBy === seal.by) return undefined;
      const key = seal.open(was);
      outcome = key === undefined ? "unreadable" : "resealed";
      if (key === undefined) return undefined;
      const entry = noted(work, "credential.reseal", { subject: id });
      return { next: { ...was, ...seal.seal(key, was) }, entry };
    });
    if (outcome === "unreadable") unreadable.push(id);
    else if (outcome) done[outcome]++;
  }
  return { ...done, unreadable };
}

function masked(key: string): string {
  return `…${tailOf(key)}`;
}
