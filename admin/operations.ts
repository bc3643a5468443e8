/**
 * The operations of the admin API, a row each: routes and OpenAPI document are
 * both made from this table.
 *
 * @module
 */

import type * as v from "valibot";
import type { Page, TokenPatch, TokenRecord } from "../core/store.ts";
import { fromRfc3339, toRfc3339 } from "../core/time.ts";
import { mintToken, tokenId } from "../core/token.ts";
import { credentialRows } from "./credentials.ts";
import { checkProviders } from "./edit.ts";
import { liveRows } from "./live.ts";
import { modelRows } from "./models.ts";
import { aliasRows, providerRows } from "./providers.ts";
import { type Operation, row } from "./row.ts";
import * as schema from "./schema.ts";
import { tableRows } from "./table.ts";
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

const tokenRows = [
  row("POST /admin/tokens", "Mint a token, or take one that is supplied", {
    body: schema.CreateToken,
    status: 201,
    answer: schema.MintedToken,
    run: create,
  }),
  row("GET /admin/tokens", "List tokens, oldest first", {
    query: schema.TokenQuery,
    answer: schema.TokenPage,
    run: async ({ store, query }) =>
      page("tokens", await store.listTokens(query), shown),
  }),
  row("GET /admin/tokens/:id", "Show a token", {
    answer: schema.ShownToken,
    run: async ({ store, id }) => shown(found(await store.getToken(id))),
  }),
  row("PATCH /admin/tokens/:id", "Edit, disable or enable a token", {
    body: schema.EditToken,
    answer: schema.ShownToken,
    async run(work) {
      const { id, store, body: { expires, ...fields } } = work;
      await checkProviders(work, fields.providers ?? [], SCOPE);
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
    answer: schema.MintedToken,
    async run(work) {
      const token = mintToken(work.id);
      const { graceSeconds } = work.body;
      // Without grace it has ended for everybody, however late his clock is.
      const graceEnds = graceSeconds === 0 ? 0 : work.now + graceSeconds;
      const next = { ...kept(token), graceEnds };
      const entry = audit(work, "token.rotate", work.body);
      const record = await work.store.rotateToken(work.id, next, entry);
      return { ...shown({ record: found(record) }), token };
    },
  }),
];

const SCOPE = { field: "/providers" };

async function create(
  work: Work<v.InferOutput<typeof schema.CreateToken>, unknown>,
): Promise<unknown> {
  const { token: supplied, expires, ...fields } = work.body;
  await checkProviders(work, fields.providers, SCOPE);
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

/** Every operation. */
export const OPERATIONS: readonly Operation[] = [
  ...tokenRows,
  ...stateRows,
  ...credentialRows,
  ...providerRows,
  ...modelRows,
  ...aliasRows,
  ...usageRows,
  ...liveRows,
  ...tableRows,
];

/** A page as it is answered, its items under a name. */
function page<Item>(
  name: string,
  { items, ...rest }: Page<Item>,
  show: (item: Item) => unknown,
) {
  return { [name]: items.map(show), ...rest };
}
