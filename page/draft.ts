/**
 * What was changed about keys and not saved yet. It lives as long as the page,
 * whichever view is open, and nowhere else.
 *
 * @module
 */

/** What of a key is changed before it is saved. */
export interface Change {
  readonly priority?: number;
  readonly weight?: number;
}

/** Changes by a key's id. */
export type Draft = ReadonlyMap<string, Change>;

/** What a draft is laid upon. */
export interface Saved {
  readonly id: string;
  readonly priority: number;
  readonly weight: number;
}

/** A row as it will be. */
export function withDraft<Row extends Saved>(row: Row, draft: Draft): Row {
  return { ...row, ...draft.get(row.id) };
}

/** A draft with more in it; what is as it is saved is no change. */
export function changedBy(
  draft: Draft,
  rows: readonly Saved[],
  changes: ReadonlyMap<string, Change>,
): Draft {
  const next = new Map(draft);
  for (const [id, change] of changes) {
    next.set(id, { ...next.get(id), ...change });
  }
  return cleaned(next, rows);
}

/** Without what is saved so, or whose key is gone. */
export function cleaned(draft: Draft, rows: readonly Saved[]): Draft {
  const next = new Map<string, Change>();
  for (const row of rows) {
    const { priority = row.priority, weight = row.weight } =
      draft.get(row.id) ??
        {};
    const change = {
      ...(priority !== row.priority && { priority }),
      ...(weight !== row.weight && { weight }),
    };
    if (Object.keys(change).length > 0) next.set(row.id, change);
  }
  return next;
}
