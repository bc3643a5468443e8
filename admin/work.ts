/**
 * What the operations of the admin API do.
 *
 * @module
 */

import type * as v from "valibot";
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
import type {
  CreateToken,
  EditToken,
  RotateToken,
  SetPause,
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

type Created = v.InferOutput<ReturnType<typeof CreateToken>>;

export async function create(work: Work<Created, unknown>) {
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

export async function edit(work: Work<Edited, unknown>) {
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

export async function rotate(
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

export async function setPause(
  work: Work<v.InferOutput<typeof SetPause>, unknown>,
) {
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

export async function importTable(
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

export function pauseState(pause: Pause | undefined, now: number) {
  const over = pause?.until !== undefined && pause.until <= now;
  const live = over ? undefined : pause;
  return {
    paused: live !== undefined && live.from <= now,
    from: live === undefined ? null : toRfc3339(live.from),
    until: live?.until === undefined ? null : toRfc3339(live.until),
  };
}

export function found<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Problem(404, "There is no such token.");
  return value;
}

export function audit(
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
