/**
 * Records as rows of the embedded store hold them, one by one and in pages.
 *
 * @module
 */

import { remembering } from "../core/memo.ts";
import type { AuditEntry, ListedToken, TokenRecord } from "../core/store.ts";
import type { Tools } from "./sqlite.ts";
import { listed, page, parsed, type Verbs } from "./verbs.ts";

type Row = Record<string, unknown>;

/** The verbs that list what there is. */
export function listVerbs({ sql }: Tools) {
  return {
    getToken(id) {
      const row = sql.get.get(id);
      return row && listedRow(row);
    },
    listTokens({ cursor = "-1.", limit }) {
      const [created, after] = cursor.split(".");
      const rows = sql.list.all(Number(created), after!, limit + 1);
      const place = (row: Row) => `${row.created}.${row.id}`;
      return page(rows, limit, place, (shown) => shown.map(listedRow));
    },
    listAudit({ cursor = `${2 ** 53}`, limit }) {
      const rows = sql.audit.all(parseInt(cursor), limit + 1);
      const place = (row: Row) => `${row.number}`;
      const read = ({ entry }: Row) => parsed<AuditEntry>(entry);
      return page(rows, limit, place, (shown) => shown.map(read));
    },
  } satisfies Partial<Verbs>;
}

/** Of a row with a `record`; none where it cannot be read. */
export function recordOf(row: Row | undefined): TokenRecord | undefined {
  return typeof row?.record === "string" ? read(row.record)[0] : undefined;
}

/** Records that come again are not read again. */
const read = remembering((text): readonly [TokenRecord | undefined] => [
  parsed(text),
]);

function listedRow(row: Row): ListedToken | undefined {
  return listed(recordOf(row), row.used);
}
