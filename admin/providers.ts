/**
 * Providers: what the owner says of those in the table, and those he adds; and
 * aliases, which name models of them.
 *
 * @module
 */

import type * as v from "valibot";
import { isProviderId } from "../core/custom.ts";
import {
  ALIAS_NAME,
  MOST_RECORDS,
  type Setup,
  type StoredProvider,
} from "../core/setup.ts";
import { toRfc3339 } from "../core/time.ts";
import {
  changeSetup,
  laidOver,
  noted,
  providerIds,
  recordOf,
  type Step,
} from "./edit.ts";
import { row } from "./row.ts";
import * as schema from "./setup_schema.ts";
import { found, Problem, type Work } from "./work.ts";

/** Operations on providers. */
export const providerRows = [
  row("GET /admin/providers", "List providers and their keys' public ids", {
    answer: schema.ProviderList,
    async run(work) {
      const setup = await work.store.readSetup();
      const ids = providerIds(work, setup);
      return { providers: ids.map((id) => shown(id, { setup, work })) };
    },
  }),
  row("GET /admin/providers/:id", "Show a provider", {
    answer: schema.ShownProvider,
    run: show,
  }),
  row(
    "PUT /admin/providers/:id",
    "Add a provider, or say what one is asked for; what is absent stays, null takes a field away",
    {
      body: schema.EditProvider,
      answer: schema.ShownProvider,
      async run(work) {
        const { id } = work;
        await changeSetup(
          work,
          { kind: "provider", id },
          (was, setup) => edit(work, was, setup),
        );
        return await show(work);
      },
    },
  ),
  row(
    "DELETE /admin/providers/:id",
    "Delete a provider that was added, or what is said of one",
    {
      async run(work) {
        const { id } = work;
        await changeSetup(work, { kind: "provider", id }, (was, setup) => {
          refuseNeeded(found(was, "provider that was set up"), work, setup);
          const entry = noted(work, "provider.delete", { subject: id });
          return { next: undefined, entry };
        });
      },
    },
  ),
];

/** Operations on aliases. */
export const aliasRows = [
  row("GET /admin/aliases", "List aliases", {
    answer: schema.AliasList,
    run: async ({ store }) => ({ aliases: (await store.readSetup()).aliases }),
  }),
  row("GET /admin/aliases/:name", "Show an alias", {
    answer: schema.AliasShown,
    run: async ({ id, store }) =>
      found(recordOf(await store.readSetup(), "alias", id), "alias"),
  }),
  row("PUT /admin/aliases/:name", "Let a name stand for models", {
    body: schema.SetAlias,
    answer: schema.AliasShown,
    run: setAlias,
  }),
  row("DELETE /admin/aliases/:name", "Delete an alias", {
    async run(work) {
      const { id } = work;
      await changeSetup(work, { kind: "alias", id }, (was) => {
        found(was, "alias");
        const entry = noted(work, "alias.delete", { subject: id });
        return { next: undefined, entry };
      });
    },
  }),
];

type Edit = v.InferOutput<typeof schema.EditProvider>;

/** Fields that make a row, and which the table's rows have already. */
const OF_A_ROW = ["origin", "slot", "wire"] as const;

function edit(
  work: Work<Edit, unknown>,
  was: StoredProvider | undefined,
  setup: Setup,
): Step<"provider"> {
  const { id, providers, body } = work;
  const known = providers.some((row) => row.id === id);
  const wrong = OF_A_ROW.find((name) => known && body[name] !== undefined);
  if (wrong) {
    const title = `${wrong} is the table's and the environment's for ${id}.`;
    throw new Problem(400, title, `/${wrong}`);
  }
  const next = laidOver<StoredProvider>(
    was ?? { id, models: [], priority: 0 },
    body,
    { models: [], priority: 0 },
  );
  const fault = known ? undefined : faultOf(next);
  if (fault) throw fault;
  if (was === undefined && setup.providers.length >= MOST_RECORDS) {
    throw new Problem(409, `There are ${MOST_RECORDS} providers already.`);
  }
  const action = was ? "provider.edit" : "provider.create";
  return { next, entry: noted(work, action, { subject: id, changed: body }) };
}

/** What forbids a provider that is not in the table. */
export function faultOf(
  { id, origin }: Pick<StoredProvider, "id" | "origin">,
): Problem | undefined {
  if (!isProviderId(id, [])) {
    const title =
      "id must be 1 to 31 of a-z 0-9 -, begin with a letter, and be no path of doppel's own.";
    return new Problem(400, title, "/id");
  }
  if (origin !== undefined) return undefined;
  const title = `origin is required: there is no provider ${id} yet.`;
  return new Problem(400, title, "/origin");
}

/** A provider goes after all that names it. */
function refuseNeeded(
  { id }: StoredProvider,
  { providers }: Work<unknown, unknown>,
  { credentials, aliases }: Setup,
) {
  if (providers.some((row) => row.id === id)) return;
  const names = [
    ...credentials.filter(({ provider }) => provider === id)
      .map((record) => record.id),
    ...aliases.filter(({ to }) => to.some((at) => at.startsWith(`${id}/`)))
      .map(({ name }) => name),
  ];
  if (names.length === 0) return;
  throw new Problem(409, `${id} is still needed by ${names.join(", ")}.`);
}

async function show(work: Work<unknown, unknown>) {
  const setup = await work.store.readSetup();
  const known = providerIds(work, setup).includes(work.id);
  return shown(found(known ? work.id : undefined, "provider"), { setup, work });
}

function shown(
  id: string,
  { setup, work }: { setup: Setup; work: Work<unknown, unknown> },
) {
  const known = work.providers.find((row) => row.id === id);
  const said = recordOf(setup, "provider", id);
  const wire = said?.wire ?? "openai";
  const stored = setup.credentials.filter(({ provider }) => provider === id);
  return {
    id,
    ...(known
      ? { source: "table", origin: known.origin }
      : { source: "stored", origin: said?.origin, wire }),
    ...(said?.slot && { slot: said.slot }),
    models: said?.models ?? [],
    priority: said?.priority ?? 0,
    credentials: [
      ...known?.credentials ?? [],
      ...stored.map((record) => record.id),
    ],
    ...regionOf(id, work),
  };
}

/** How its region is dealt with, and whether the hop lives, where there is one. */
function regionOf(id: string, { regions }: Work<unknown, unknown>) {
  if (regions === undefined) return { region: { mode: "direct" } };
  const { mode, refusedUntil } = regions.of(id);
  const until = refusedUntil && toRfc3339(Math.ceil(refusedUntil / 1000));
  return {
    region: { mode, ...(until && { refusedUntil: until }) },
    hop: regions.hop(),
  };
}

async function setAlias(
  work: Work<v.InferOutput<typeof schema.SetAlias>, unknown>,
) {
  const { id, body: { to } } = work;
  if (!ALIAS_NAME.test(id)) {
    const title =
      "name must be 1 to 100 of A-Z a-z 0-9 _ . : - and begin with a letter or digit.";
    throw new Problem(400, title, "/name");
  }
  return await changeSetup(work, { kind: "alias", id }, (was, setup) => {
    const ids = providerIds(work, setup);
    const wrong = to.findIndex((at) => !ids.includes(at.split("/")[0]!));
    if (wrong !== -1) {
      const title = `to.${wrong} must begin with one of ${ids.join(", ")}.`;
      throw new Problem(400, title, `/to/${wrong}`);
    }
    if (was === undefined && setup.aliases.length >= MOST_RECORDS) {
      throw new Problem(409, `There are ${MOST_RECORDS} aliases already.`);
    }
    const entry = noted(work, "alias.set", { subject: id, changed: { to } });
    return { next: { name: id, to }, entry };
  });
}
