/**
 * The whole of what is kept, to be carried elsewhere: hashes of tokens, keys as
 * they are sealed.
 *
 * @module
 */

import type * as v from "valibot";
import {
  MOST_RECORDS,
  type SetupTable,
  type StoredCredential,
  type StoredProvider,
} from "../core/setup.ts";
import type { Table, TokenRecord } from "../core/store.ts";
import * as credential from "./credential_edit.ts";
import { checkProviders, noted, providerIds } from "./edit.ts";
import * as provider from "./providers.ts";
import { row } from "./row.ts";
import { TokenQuery } from "./schema.ts";
import * as schema from "./setup_schema.ts";
import { Problem, type Work } from "./work.ts";

/** Export and import. */
export const tableRows = [
  row(
    "GET /admin/export",
    "Export tokens as hashes and, on the first page, credentials as they are sealed, providers and aliases",
    {
      query: TokenQuery,
      answer: schema.Table,
      async run({ store, query }) {
        const { items, ...rest } = await store.listTokens(query);
        const tokens = items.map(({ record }) => record);
        const page = { version: 2, tokens, ...rest };
        if (query.cursor !== undefined) return page;
        const { credentials, providers, aliases } = await store.readSetup();
        return { ...page, credentials, providers, aliases };
      },
    },
  ),
  row("POST /admin/import", "Import such a table; all of it, or nothing", {
    body: schema.Table,
    answer: schema.Imported,
    run: (work) => work.inTurn(() => importTable(work)),
  }),
];

type Body = v.InferOutput<typeof schema.Table>;

async function importTable(work: Work<Body, unknown>): Promise<unknown> {
  const { store, seal } = work;
  const table = tableOf(work.body);
  await check(work, table);
  const { tokens, credentials, providers, aliases } = table;
  const counts = {
    credentials: credentials.length,
    providers: providers.length,
    aliases: aliases.length,
  };
  const changed = { tokens: tokens.length, ...counts };
  const entry = noted(work, "table.import", { changed });
  const taken = await store.importTable(table, entry);
  if (taken.length > 0) {
    const title = `Nothing was imported: there are others called ${
      taken.join(", ")
    }.`;
    throw new Problem(409, title, "/tokens");
  }
  const unreadable = credentials.filter((one) => seal.open(one) === undefined);
  return {
    imported: tokens.length,
    ...counts,
    unreadable: unreadable.map(({ id }) => id),
  };
}

function tableOf(
  { tokens, credentials = [], providers = [], aliases = [] }: Body,
): Table {
  return {
    tokens: tokens as TokenRecord[],
    credentials: credentials as StoredCredential[],
    providers: providers as StoredProvider[],
    aliases,
  };
}

/** A problem where anything in it would not be taken by itself. */
async function check(work: Work<unknown, unknown>, table: Table) {
  const { credentials, providers, aliases, tokens } = table;
  const known = new Set(work.providers.map(({ id }) => id));
  providers.forEach((record, i) => {
    const fault = known.has(record.id) ? undefined : provider.faultOf(record);
    if (fault) throw at(`/providers/${i}`, fault);
  });
  const more = providerIds({ providers: [] }, table);
  for (const [i, token] of tokens.entries()) {
    const field = `/tokens/${i}/providers`;
    await checkProviders(work, token.providers, { field, more });
  }
  if (credentials.length + providers.length + aliases.length === 0) return;
  const setup = await work.store.readSetup();
  refuseMany(setup, table);
  const all = { providers: [...setup.providers, ...providers] };
  credentials.forEach((record, i) => {
    const fault = credential.faultOf(record, work, all);
    if (fault) throw at(`/credentials/${i}`, fault);
  });
  const ids = providerIds(work, all);
  aliases.forEach(({ to }, i) => {
    const wrong = to.findIndex((name) => !ids.includes(name.split("/")[0]!));
    if (wrong === -1) return;
    const title = `to must begin with one of ${ids.join(", ")}.`;
    throw new Problem(400, title, `/aliases/${i}/to/${wrong}`);
  });
}

function refuseMany(setup: SetupTable, table: SetupTable) {
  const names = ["credentials", "providers", "aliases"] as const;
  for (const name of names) {
    const all: object[] = [...setup[name], ...table[name]];
    const nameOf = (record: { id?: string; name?: string }) =>
      record.id ?? record.name;
    if (new Set(all.map(nameOf)).size <= MOST_RECORDS) continue;
    const title = `${name} would be more than ${MOST_RECORDS}.`;
    throw new Problem(409, title, `/${name}`);
  }
}

/** The problem of a part, as one of the whole. */
function at(path: string, { status, message, field = "" }: Problem): Problem {
  return new Problem(status, message, path + field);
}
