/** What the soak's tokens have used in truth, and whether doppel's ledger and the store's counters say so. */

import type { Asked, Spell } from "./soak_judge.ts";

/** Micro-dollars per token, as the `PRICES` of `billing.ts` say. */
const RATE = { prompt: 2, completion: 8 };

/** Milliseconds before a kill from which on what ends may not be written down: a ledger gathers for a second, and tries again after one. */
const UNWRITTEN = 3_000;

interface Sums {
  requests: number;
  input: number;
  output: number;
  cost: number;
}

export interface Truth {
  readonly sure: Sums;
  /** At a crash. */
  readonly unsure: Sums;
  /** Requests that were admitted perhaps, and never came to the origin. */
  unsent: number;
}

export interface Book {
  enter(asked: Asked, spells: readonly Spell[]): void;
  readonly tokens: ReadonlyMap<string, Truth>;
}

export function openBook(): Book {
  const tokens = new Map<string, Truth>();
  return {
    tokens,
    enter(asked, spells) {
      const { holder: { id }, arrivals, order, got } = asked;
      const truth = tokens.get(id) ?? blank();
      tokens.set(id, truth);
      if (arrivals.length === 0) {
        truth.unsent++;
        // What was perhaps on its way is guessed.
        const { code = "origin_unreachable" } = got;
        if (code === "origin_unreachable") add(truth.unsure, guess(order));
        return;
      }
      const sums = isUnsure(asked, spells) ? truth.unsure : truth.sure;
      sums.requests += arrivals.length;
      const known = (order.fate === "json" || order.fate === "stream") &&
        got.whole && arrivals[0]!.sent === got.digest;
      if (known) add(sums, order);
      else add(truth.unsure, guess(order));
    },
  };
}

const blank = (): Truth => ({
  sure: { requests: 0, input: 0, output: 0, cost: 0 },
  unsure: { requests: 0, input: 0, output: 0, cost: 0 },
  unsent: 0,
});

type Used = Pick<Asked["order"], "prompt" | "completion">;

/** More than doppel guesses of an answer that was not whole, and than what is asked for. */
function guess({ events, size }: Asked["order"]): Used {
  return { prompt: 1_000, completion: 1_000 + events * size };
}

function add(sums: Sums, used: Used) {
  sums.input += used.prompt;
  sums.output += used.completion;
  sums.cost += costOf(used);
}

/** Micro-dollars. */
export function costOf({ prompt, completion }: Used): number {
  return prompt * RATE.prompt + completion * RATE.completion;
}

/** Whether a crash may have kept it from being written down. What a client has left is read on, which a stop does not wait for. */
function isUnsure(
  { begun, ended, manners, order }: Asked,
  spells: readonly Spell[],
): boolean {
  const left = manners.leaves !== undefined;
  const over = left ? ended + order.takes + 1_000 : ended;
  return spells.some(({ fault, from }) =>
    (fault === "kill" || fault === "term" && left) &&
    begun <= from && over >= unwrittenFrom(from, spells)
  );
}

/** From when on nothing was written down before a crash; while the store is away, nothing is. */
function unwrittenFrom(crash: number, spells: readonly Spell[]): number {
  const away = spells.filter(({ fault, from, to }) =>
    (fault === "store" || fault === "lock") &&
    from < crash && to > crash - UNWRITTEN
  );
  return Math.min(crash, ...away.map(({ from }) => from)) - UNWRITTEN;
}

/** A row of `GET /admin/usage?by=token`. */
export interface UsageRow {
  readonly token: string;
  readonly requests: number;
  readonly used: { readonly input?: number; readonly output?: number };
  readonly cost: number;
}

/** What the ledger says wrongly. */
export function compare(
  book: Book,
  rows: readonly UsageRow[],
): { token: string; what: string }[] {
  const said = new Map(rows.map((row) => [row.token, row]));
  return [...book.tokens].flatMap(([id, { sure, unsure, unsent }]) => {
    const row = said.get(id);
    const { input = 0, output = 0 } = row?.used ?? {};
    const told = {
      requests: row?.requests ?? 0,
      ...{ input, output, cost: row?.cost ?? 0 },
    };
    return Object.entries(told).flatMap(([name, is]) => {
      const least = sure[name as keyof Sums];
      const spare = name === "requests" ? unsent : 0;
      const most = least + unsure[name as keyof Sums] + spare;
      return is >= least && is <= most
        ? []
        : [{ token: id, what: `${name} ${is}, not ${least} to ${most}` }];
    });
  });
}
