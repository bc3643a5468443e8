/**
 * The operations of the admin API, a row each: routes and OpenAPI document are
 * both made from this table.
 *
 * @module
 */

import * as v from "valibot";
import { publicToken } from "../core/record.ts";
import type {
  AuditEntry,
  Pause,
  Store,
  TokenPatch,
  TokenRecord,
} from "../core/store.ts";
import { fromRfc3339, toRfc3339 } from "../core/time.ts";
import { hashToken, mintToken, tokenId } from "../core/token.ts";
import {
  AuditPage,
  CreateToken,
  EditToken,
  MintedToken,
  NoQuery,
  PageQuery,
  PauseState,
  ProviderList,
  PublicToken,
  RotateToken,
  SetPause,
  TokenPage,
  TokenTable,
} from "./schema.ts";

/** A provider as the owner sees it: no key in it. */
export interface ConfiguredProvider {
  /** Row of the table. */
  readonly id: string;
  /** Where requests go. */
  readonly origin: string;
  /** Public ids of its credentials. */
  readonly credentials: readonly string[];
}

/** What an operation works with. */
export interface Work<Body, Query> {
  /** The store. */
  readonly store: Store;
  /** What is configured. */
  readonly providers: readonly ConfiguredProvider[];
  /** Seconds since the epoch. */
  readonly now: number;
  /** `keyid` of the signature. */
  readonly by: string;
  /** The token in the path. */
  readonly id: string;
  /** Validated. */
  readonly body: Body;
  /** Validated. */
  readonly query: Query;
}

/** A problem to be answered (RFC 9457); `field` is a JSON Pointer. */
export class Problem extends Error {
  /** @param title shown to the owner */
  constructor(
    readonly status: 400 | 401 | 404 | 409 | 413 | 503,
    readonly title: string,
    readonly field?: string,
  ) {
    super(title);
  }
}

type Schema = v.GenericSchema;

/** One row. `path` in Hono's notation. */
export interface Operation {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly summary: string;
  readonly query: Schema;
  readonly body?: Schema;
  readonly status: 200 | 201 | 204;
  readonly answer?: Schema;
  readonly run: (work: Work<unknown, unknown>) => Promise<unknown>;
}

/** Every operation; `ids` are the providers a token may be scoped to. */
export function operations(ids: readonly string[]): readonly Operation[] {
  return [
    row({
      method: "POST",
      path: "/admin/tokens",
      summary: "Mint a token, or take one that is supplied",
      query: NoQuery,
      body: CreateToken(ids),
      status: 201,
      answer: MintedToken,
      run: create,
    }),
    row({
      method: "GET",
      path: "/admin/tokens",
      summary: "List tokens, oldest first",
      query: PageQuery,
      status: 200,
      answer: TokenPage,
      run: async ({ store, query }) => {
        const { items, ...rest } = await store.listTokens(query);
        return { tokens: items.map(publicToken), ...rest };
      },
    }),
    row({
      method: "GET",
      path: "/admin/tokens/:id",
      summary: "Show a token",
      query: NoQuery,
      status: 200,
      answer: PublicToken,
      run: async ({ store, id }) =>
        publicToken(found(await store.getToken(id))),
    }),
    row({
      method: "PATCH",
      path: "/admin/tokens/:id",
      summary: "Edit, disable or enable a token",
      query: NoQuery,
      body: EditToken(ids),
      status: 200,
      answer: PublicToken,
      run: edit,
    }),
    row({
      method: "DELETE",
      path: "/admin/tokens/:id",
      summary: "Delete a token",
      query: NoQuery,
      status: 204,
      run: async (work) => {
        const entry = audit(work, "token.delete");
        const deleted = await work.store.deleteToken(work.id, entry);
        found(deleted || undefined);
      },
    }),
    row({
      method: "POST",
      path: "/admin/tokens/:id/rotate",
      summary: "Give a token a new value",
      query: NoQuery,
      body: RotateToken,
      status: 200,
      answer: MintedToken,
      run: rotate,
    }),
    row({
      method: "GET",
      path: "/admin/pause",
      summary: "Show whether doppel is or will be paused",
      query: NoQuery,
      status: 200,
      answer: PauseState,
      run: async ({ store, now }) =>
        pauseState((await store.admit([])).pause, now),
    }),
    row({
      method: "PUT",
      path: "/admin/pause",
      summary: "Refuse all requests, now or from a moment on",
      query: NoQuery,
      body: SetPause,
      status: 200,
      answer: PauseState,
      run: setPause,
    }),
    row({
      method: "DELETE",
      path: "/admin/pause",
      summary: "Resume",
      query: NoQuery,
      status: 204,
      run: (work) => work.store.setPause(undefined, audit(work, "pause.end")),
    }),
    row({
      method: "GET",
      path: "/admin/audit",
      summary: "List admin changes, newest first",
      query: PageQuery,
      status: 200,
      answer: AuditPage,
      run: async ({ store, query }) => {
        const { items, ...rest } = await store.listAudit(query);
        const entries = items.map((entry) => ({
          ...entry,
          time: toRfc3339(entry.time),
        }));
        return { entries, ...rest };
      },
    }),
    row({
      method: "GET",
      path: "/admin/providers",
      summary: "List providers and the public ids of their keys",
      query: NoQuery,
      status: 200,
      answer: ProviderList,
      run: ({ providers }) => Promise.resolve({ providers }),
    }),
    row({
      method: "GET",
      path: "/admin/export",
      summary: "Export the token table: hashes, never tokens",
      query: PageQuery,
      status: 200,
      answer: TokenTable(ids),
      run: async ({ store, query }) => {
        const { items, ...rest } = await store.listTokens(query);
        return {
          version: 1,
          tokens: items.map(({ record }) => record),
          ...rest,
        };
      },
    }),
    row({
      method: "POST",
      path: "/admin/import",
      summary: "Import a token table; all of it, or nothing",
      query: NoQuery,
      body: TokenTable(ids),
      status: 200,
      answer: v.object({ imported: v.number() }),
      run: importTable,
    }),
  ];
}

/** Ties the types of a row's schemas to those its work receives. */
function row<Query extends Schema, Body extends Schema = Schema>(
  operation: Omit<Operation, "query" | "body" | "run"> & {
    query: Query;
    body?: Body;
    run: (
      work: Work<v.InferOutput<Body>, v.InferOutput<Query>>,
    ) => Promise<unknown>;
  },
): Operation {
  return operation as Operation;
}

type Created = v.InferOutput<ReturnType<typeof CreateToken>>;

async function create(work: Work<Created, unknown>) {
  const { token: supplied, expires, ...fields } = work.body;
  const token = supplied ?? mintToken();
  const record: TokenRecord = {
    ...fields,
    id: tokenId(token),
    hash: hashToken(token),
    last4: token.slice(-4),
    ...(expires && { expires: fromRfc3339(expires)! }),
    status: "active",
    created: work.now,
    createdBy: work.by,
  };
  const changed = { ...fields, expires: expires ?? null };
  const entry = audit({ ...work, id: record.id }, "token.create", changed);
  if (await work.store.createToken(record, entry)) {
    return { ...publicToken({ record }), token };
  }
  if (supplied === undefined) return create(work); // 1 in 2×10^14: mint again
  throw new Problem(409, "This token exists already.", "/token");
}

type Edited = v.InferOutput<ReturnType<typeof EditToken>>;

async function edit(work: Work<Edited, unknown>) {
  const { expires, ...fields } = work.body;
  const patch = {
    ...fields,
    ...(expires !== undefined && {
      expires: expires === null ? null : fromRfc3339(expires)!,
    }),
  } as TokenPatch;
  const entry = audit(work, "token.edit", work.body);
  found(await work.store.editToken(work.id, patch, entry));
  return publicToken(found(await work.store.getToken(work.id)));
}

async function rotate(
  work: Work<v.InferOutput<typeof RotateToken>, unknown>,
) {
  const token = mintToken(work.id);
  const entry = audit(work, "token.rotate", work.body);
  const record = found(
    await work.store.rotateToken(work.id, {
      hash: hashToken(token),
      last4: token.slice(-4),
      graceEnds: work.now + work.body.graceSeconds,
    }, entry),
  );
  return { ...publicToken({ record }), token };
}

async function setPause(work: Work<v.InferOutput<typeof SetPause>, unknown>) {
  const { from, until } = work.body;
  const pause: Pause = {
    from: from === undefined ? work.now : fromRfc3339(from)!,
    ...(until && { until: fromRfc3339(until)! }),
  };
  if (pause.until !== undefined && pause.until <= pause.from) {
    throw new Problem(400, "until must be later than from.", "/until");
  }
  await work.store.setPause(pause, audit(work, "pause.set", work.body));
  return pauseState(pause, work.now);
}

async function importTable(
  work: Work<v.InferOutput<ReturnType<typeof TokenTable>>, unknown>,
) {
  const tokens = work.body.tokens as TokenRecord[];
  const imported = tokens.length;
  const entry = audit(work, "table.import", { tokens: imported });
  const taken = await work.store.importTokens(tokens, entry);
  if (taken.length === 0) return { imported };
  throw new Problem(
    409,
    `Nothing was imported: other tokens have the ids ${taken.join(", ")}.`,
    "/tokens",
  );
}

function pauseState(pause: Pause | undefined, now: number) {
  const over = pause?.until !== undefined && pause.until <= now;
  const live = over ? undefined : pause;
  return {
    paused: live !== undefined && live.from <= now,
    from: live === undefined ? null : toRfc3339(live.from),
    until: live?.until === undefined ? null : toRfc3339(live.until),
  };
}

function found<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Problem(404, "There is no such token.");
  return value;
}

function audit(
  { now, by, id }: Pick<Work<unknown, unknown>, "now" | "by" | "id">,
  action: string,
  changed?: unknown,
): AuditEntry {
  return {
    time: now,
    by,
    action,
    ...(id && { token: id }),
    ...(changed !== undefined && { changed }),
  };
}
