/**
 * The operations of the admin API, a row each: routes and OpenAPI document are
 * both made from this table.
 *
 * @module
 */

import * as v from "valibot";
import type { Page, TokenPatch, TokenRecord } from "../core/store.ts";
import { fromRfc3339, toRfc3339 } from "../core/time.ts";
import { mintToken, tokenId } from "../core/token.ts";
import * as schema from "./schema.ts";
import * as usage from "./usage.ts";
import {
  audit,
  found,
  kept,
  pauseState,
  Problem,
  shown,
  type Work,
} from "./work.ts";

type Schema = v.GenericSchema;
type TokenSchemas = ReturnType<typeof schema.tokenSchemas>;

/** One row. */
export interface Operation {
  /** Method and path in Hono's notation. */
  readonly route: `${"GET" | "POST" | "PUT" | "PATCH" | "DELETE"} ${string}`;
  /** What it does, in a few words. */
  readonly summary: string;
  /** Its parameters. */
  readonly query: Schema;
  /** Absent: it takes no body. */
  readonly body?: Schema;
  /** Of success; 204 where there is no answer. */
  readonly status: 200 | 201 | 204;
  /** Absent: it answers with no content. */
  readonly answer?: Schema;
  /** Does it. */
  readonly run: (work: Work<unknown, unknown>) => Promise<unknown>;
  /** The same as comma-separated values, for whoever accepts these. */
  readonly csv?: (work: Work<unknown, unknown>) => Promise<string>;
}

/** Every operation; `ids` are the providers a token may be scoped to. */
export function operations(ids: readonly string[]): readonly Operation[] {
  const schemas = schema.tokenSchemas(ids);
  return [
    ...tokenRows(schemas),
    ...stateRows,
    ...usageRows,
    ...tableRows(schemas),
  ];
}

const tokenRows = ({ Create, Edit, Minted, Page, Shown }: TokenSchemas) => [
  row("POST /admin/tokens", "Mint a token, or take one that is supplied", {
    body: Create,
    status: 201,
    answer: Minted,
    run: create,
  }),
  row("GET /admin/tokens", "List tokens, oldest first", {
    query: schema.TokenQuery,
    answer: Page,
    run: async ({ store, query }) =>
      page("tokens", await store.listTokens(query), shown),
  }),
  row("GET /admin/tokens/:id", "Show a token", {
    answer: Shown,
    run: async ({ store, id }) => shown(found(await store.getToken(id))),
  }),
  row("PATCH /admin/tokens/:id", "Edit, disable or enable a token", {
    body: Edit,
    answer: Shown,
    async run(work) {
      const { id, store, body: { expires, ...fields } } = work;
      const patch = {
        ...fields,
        expires: expires && fromRfc3339(expires),
      } as TokenPatch;
      found(
        await store.editToken(id, patch, audit(work, "token.edit", work.body)),
      );
      return shown(found(await store.getToken(id)));
    },
  }),
  row("DELETE /admin/tokens/:id", "Delete a token", {
    async run(work) {
      const entry = audit(work, "token.delete");
      found(await work.store.deleteToken(work.id, entry) || undefined);
    },
  }),
  row("POST /admin/tokens/:id/rotate", "Give a token a new value", {
    body: schema.RotateToken,
    answer: Minted,
    async run(work) {
      const token = mintToken(work.id);
      const graceEnds = work.now + work.body.graceSeconds;
      const next = { ...kept(token), graceEnds };
      const entry = audit(work, "token.rotate", work.body);
      const record = await work.store.rotateToken(work.id, next, entry);
      return { ...shown({ record: found(record) }), token };
    },
  }),
];

async function create(
  work: Work<v.InferOutput<TokenSchemas["Create"]>, unknown>,
): Promise<unknown> {
  const { token: supplied, expires, ...fields } = work.body;
  const token = supplied ?? mintToken();
  const record: TokenRecord = {
    id: tokenId(token),
    ...kept(token),
    ...fields,
    ...(expires && { expires: fromRfc3339(expires)! }),
    status: "active",
    created: work.now,
    createdBy: work.by,
  };
  const changed = { ...fields, expires: expires ?? null };
  const entry = audit({ ...work, id: record.id }, "token.create", changed);
  if (await work.store.createToken(record, entry)) {
    return { ...shown({ record }), token };
  }
  if (supplied === undefined) return create(work); // 1 in 2×10^14: mint again
  throw new Problem(409, "This token exists already.", "/token");
}

const stateRows = [
  row("GET /admin/pause", "Show whether doppel is or will be paused", {
    answer: schema.PauseState,
    run: async ({ store, now }) =>
      pauseState((await store.admit([])).pause, now),
  }),
  row("PUT /admin/pause", "Refuse all requests, now or from a moment on", {
    body: schema.SetPause,
    answer: schema.PauseState,
    async run(work) {
      const { from, until } = work.body;
      const pause = {
        from: from === undefined ? work.now : fromRfc3339(from)!,
        ...(until && { until: fromRfc3339(until)! }),
      };
      if (pause.until !== undefined && pause.until <= pause.from) {
        throw new Problem(400, "until must be later than from.", "/until");
      }
      await work.store.setPause(pause, audit(work, "pause.set", work.body));
      return pauseState(pause, work.now);
    },
  }),
  row("DELETE /admin/pause", "Resume", {
    run: (work) => work.store.setPause(undefined, audit(work, "pause.end")),
  }),
  row("GET /admin/providers", "List providers and their keys' public ids", {
    answer: schema.ProviderList,
    run: ({ providers }) => Promise.resolve({ providers }),
  }),
  row("GET /admin/audit", "List admin changes, newest first", {
    query: schema.AuditQuery,
    answer: schema.AuditPage,
    run: async ({ store, query }) =>
      page("entries", await store.listAudit(query), (entry) => ({
        ...entry,
        time: toRfc3339(entry.time),
      })),
  }),
];

const usageRows = [
  row("GET /admin/usage", "Sums of what was used, by what is asked for", {
    query: usage.UsageQuery,
    answer: usage.UsagePage,
    run: usage.usagePage,
    csv: usage.usageCsv,
  }),
  row("GET /admin/tokens/:id/requests", "List a token's last requests", {
    query: usage.RequestsQuery,
    answer: usage.RequestList,
    run: usage.lastRequests,
  }),
];

const tableRows = ({ Table }: TokenSchemas) => [
  row("GET /admin/export", "Export the token table: hashes, never tokens", {
    query: schema.TokenQuery,
    answer: Table,
    run: async ({ store, query }) => ({
      version: 1,
      ...page("tokens", await store.listTokens(query), ({ record }) => record),
    }),
  }),
  row("POST /admin/import", "Import a token table; all of it, or nothing", {
    body: Table,
    answer: v.object({ imported: v.number() }),
    async run(work) {
      const tokens = work.body.tokens as TokenRecord[];
      const imported = tokens.length;
      const entry = audit(work, "table.import", { tokens: imported });
      const taken = await work.store.importTable({
        tokens,
        credentials: [],
        providers: [],
        aliases: [],
      }, entry);
      if (taken.length === 0) return { imported };
      const ids = taken.join(", ");
      const title = `Nothing was imported: other tokens have the ids ${ids}.`;
      throw new Problem(409, title, "/tokens");
    },
  }),
];

/** A page as it is answered, its items under a name. */
function page<Item>(
  name: string,
  { items, ...rest }: Page<Item>,
  show: (item: Item) => unknown,
) {
  return { [name]: items.map(show), ...rest };
}

/** Ties the types of a row's schemas to those its work receives. */
function row<
  Query extends Schema = typeof schema.NoQuery,
  Body extends Schema = Schema,
>(
  route: Operation["route"],
  summary: string,
  rest: {
    query?: Query;
    body?: Body;
    status?: 201;
    answer?: Schema;
    run: (
      work: Work<v.InferOutput<Body>, v.InferOutput<Query>>,
    ) => Promise<unknown>;
    csv?: (
      work: Work<v.InferOutput<Body>, v.InferOutput<Query>>,
    ) => Promise<string>;
  },
): Operation {
  const status = rest.answer === undefined ? 204 : 200;
  const query = schema.NoQuery;
  return { query, status, ...rest, route, summary } as Operation;
}
