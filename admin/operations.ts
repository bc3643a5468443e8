/**
 * The operations of the admin API, a row each: routes and OpenAPI document are
 * both made from this table.
 *
 * @module
 */

import * as v from "valibot";
import { publicToken } from "../core/record.ts";
import { toRfc3339 } from "../core/time.ts";
import {
  AuditPage,
  AuditQuery,
  CreateToken,
  EditToken,
  MintedToken,
  NoQuery,
  PauseState,
  ProviderList,
  PublicToken,
  RotateToken,
  SetPause,
  TokenPage,
  TokenQuery,
  TokenTable,
} from "./schema.ts";
import {
  audit,
  create,
  edit,
  found,
  importTable,
  pauseState,
  rotate,
  setPause,
  type Work,
} from "./work.ts";

type Schema = v.GenericSchema;

/** One row. */
export interface Operation {
  /** Method and path in Hono's notation. */
  readonly route: `${"GET" | "POST" | "PUT" | "PATCH" | "DELETE"} ${string}`;
  /** What it does, in a few words. */
  readonly summary: string;
  /** Absent: it takes no parameters. */
  readonly query: Schema;
  /** Absent: it takes no body. */
  readonly body?: Schema;
  /** Of success; 204 where there is no answer. */
  readonly status: 200 | 201 | 204;
  /** Absent: it answers with no content. */
  readonly answer?: Schema;
  /** Does it. */
  readonly run: (work: Work<unknown, unknown>) => Promise<unknown>;
}

/** Every operation; `ids` are the providers a token may be scoped to. */
export function operations(ids: readonly string[]): readonly Operation[] {
  return [...tokenRows(ids), ...stateRows, ...tableRows(ids)];
}

const tokenRows = (ids: readonly string[]) => [
  row("POST /admin/tokens", "Mint a token, or take one that is supplied", {
    body: CreateToken(ids),
    status: 201,
    answer: MintedToken,
    run: create,
  }),
  row("GET /admin/tokens", "List tokens, oldest first", {
    query: TokenQuery,
    answer: TokenPage,
    run: async ({ store, query }) => {
      const { items, ...rest } = await store.listTokens(query);
      return { tokens: items.map(publicToken), ...rest };
    },
  }),
  row("GET /admin/tokens/:id", "Show a token", {
    answer: PublicToken,
    run: async ({ store, id }) => publicToken(found(await store.getToken(id))),
  }),
  row("PATCH /admin/tokens/:id", "Edit, disable or enable a token", {
    body: EditToken(ids),
    answer: PublicToken,
    run: edit,
  }),
  row("DELETE /admin/tokens/:id", "Delete a token", {
    run: async (work) => {
      const entry = audit(work, "token.delete");
      found(await work.store.deleteToken(work.id, entry) || undefined);
    },
  }),
  row("POST /admin/tokens/:id/rotate", "Give a token a new value", {
    body: RotateToken,
    answer: MintedToken,
    run: rotate,
  }),
];

const stateRows = [
  row("GET /admin/pause", "Show whether doppel is or will be paused", {
    answer: PauseState,
    run: async ({ store, now }) =>
      pauseState((await store.admit([])).pause, now),
  }),
  row("PUT /admin/pause", "Refuse all requests, now or from a moment on", {
    body: SetPause,
    answer: PauseState,
    run: setPause,
  }),
  row("DELETE /admin/pause", "Resume", {
    run: (work) => work.store.setPause(undefined, audit(work, "pause.end")),
  }),
  row("GET /admin/providers", "List providers and their keys' public ids", {
    answer: ProviderList,
    run: ({ providers }) => Promise.resolve({ providers }),
  }),
  row("GET /admin/audit", "List admin changes, newest first", {
    query: AuditQuery,
    answer: AuditPage,
    run: async ({ store, query }) => {
      const { items, ...rest } = await store.listAudit(query);
      const said = items.map((entry) => ({
        ...entry,
        time: toRfc3339(entry.time),
      }));
      return { entries: said, ...rest };
    },
  }),
];

const tableRows = (ids: readonly string[]) => [
  row("GET /admin/export", "Export the token table: hashes, never tokens", {
    query: TokenQuery,
    answer: TokenTable(ids),
    run: async ({ store, query }) => {
      const { items, ...rest } = await store.listTokens(query);
      return { version: 1, tokens: items.map(({ record }) => record), ...rest };
    },
  }),
  row("POST /admin/import", "Import a token table; all of it, or nothing", {
    body: TokenTable(ids),
    answer: v.object({ imported: v.number() }),
    run: importTable,
  }),
];

/** Ties the types of a row's schemas to those its work receives. */
function row<
  Query extends Schema = typeof NoQuery,
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
  },
): Operation {
  const status = rest.answer === undefined ? 204 : 200;
  return { query: NoQuery, status, ...rest, route, summary } as Operation;
}
