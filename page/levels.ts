/**
 * The order in which a provider's keys are asked, as levels: keys of one level
 * share the requests by weight, the next level is asked when all above it cool.
 * A level is a priority, and the environment's keys are always at the first.
 *
 * @module
 */

/** What an order is made of. */
export interface Ranked {
  readonly id: string;
  readonly priority: number;
  /** The environment's: it stays where it is. */
  readonly fixed: boolean;
}

/** One level. */
export interface Level {
  readonly priority: number;
  readonly ids: readonly string[];
}

/** Where a key may go: to a level of others, or to one of its own before the level at that place. */
export type Place = { readonly join: number } | { readonly before: number };

/** The largest priority there is. */
const LAST = 99;

/** Rows as levels, the first asked first. */
export function levelsOf(rows: readonly Ranked[]): Level[] {
  const levels = new Map<number, string[]>();
  for (const { id, priority } of rows) {
    const ids = levels.get(priority);
    if (ids) ids.push(id);
    else levels.set(priority, [id]);
  }
  return [...levels].sort(([a], [b]) => a - b)
    .map(([priority, ids]) => ({ priority, ids }));
}

/**
 * The priorities after `id` has gone to `place`, of those keys alone that have
 * another then; a sentence where it cannot go there.
 */
export function moved(
  rows: readonly Ranked[],
  id: string,
  place: Place,
): ReadonlyMap<string, number> | string {
  if (rows.some((row) => row.id === id && row.fixed)) {
    return `${id} comes from the environment: it is always asked first.`;
  }
  const fixed = new Set(rows.filter((row) => row.fixed).map((row) => row.id));
  const levels = levelsOf(rows);
  const top = levels[0]?.ids.some((one) => fixed.has(one));
  if ("before" in place && place.before === 0 && top) {
    return "Keys of the environment are always asked first: none can go before them.";
  }
  const next: { priority?: number; ids: string[] }[] = levels
    .map(({ priority, ids }) => ({
      priority,
      ids: ids.filter((one) => one !== id),
    }));
  if ("join" in place) next[place.join]?.ids.push(id);
  else next.splice(place.before, 0, { ids: [id] });
  const numbers = numbered(next.filter(({ ids }) => ids.length > 0));
  if (typeof numbers === "string") return numbers;
  return new Map(
    rows.filter((row) => numbers.get(row.id) !== row.priority)
      .map((row) => [row.id, numbers.get(row.id)!]),
  );
}

/** Levels keep their numbers as far as the order allows. */
function numbered(
  levels: readonly { priority?: number; ids: readonly string[] }[],
): Map<string, number> | string {
  const numbers = new Map<string, number>();
  let last = -1;
  for (const { priority = 0, ids } of levels) {
    last = Math.max(priority, last + 1);
    for (const id of ids) numbers.set(id, last);
  }
  return last > LAST
    ? `There are ${LAST + 1} places, and the last is taken.`
    : numbers;
}

/** One step up (-1) or down (1): out of a level that is shared, or into the next one. */
export function step(
  levels: readonly Level[],
  id: string,
  by: -1 | 1,
): Place | undefined {
  const at = levels.findIndex(({ ids }) => ids.includes(id));
  if (at === -1) return undefined;
  if (levels[at]!.ids.length > 1) return { before: by === 1 ? at + 1 : at };
  const to = at + by;
  return levels[to] === undefined ? undefined : { join: to };
}
