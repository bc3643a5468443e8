/** What happens in a soak, as it is written down: every request judged when it is over, and what is wrong. */

import { costOf, openBook } from "./soak_books.ts";
import {
  type Asked,
  type Ending,
  ENDINGS,
  faultsOf,
  type Spell,
  verdict,
} from "./soak_judge.ts";

/** Wrong things that are told one by one. */
const MOST_TOLD = 40;
/** Milliseconds after its end in which a crash may concern a request. */
const CONCERNED = 15_000;

export type Diary = ReturnType<typeof openDiary>;

export function openDiary() {
  const spells: Spell[] = [];
  const book = openBook();
  const endings = Object.fromEntries(
    ENDINGS.map((ending) => [ending, 0]),
  ) as Record<Ending, number>;
  const faults: Record<string, number> = {};
  const wrong: string[] = [];
  const charged = new Map<string, number>();
  const risked = new Map<string, number>();
  /** Over, and not yet in the book: a crash that comes now may concern them. */
  let recent: Asked[] = [];
  let wrongs = 0;
  let drained = 0;

  function find(what: string) {
    if (++wrongs <= MOST_TOLD) wrong.push(what);
  }

  return {
    spells,
    book,
    endings,
    faults,
    /** Micro-dollars that the origin has charged, by token with a budget. */
    charged,
    /** Requests of a token that were under way at a fault. */
    risked,
    find,
    happened: (name: string) => count(faults, name),
    stopped({ took, code }: { took: number; code: number | null }) {
      drained = Math.max(drained, took);
      if (code !== 0) find(`a stop with ${code} after ${took} ms`);
    },
    drained: () => drained,
    wrong: () =>
      wrongs > MOST_TOLD
        ? [...wrong, `and ${wrongs - MOST_TOLD} more`]
        : [...wrong],
    /** A request is over. */
    enter(asked: Asked) {
      const during = faultsOf(asked, spells);
      const { ending, why } = verdict(asked, during);
      endings[ending]++;
      if (why) find(`${why}: ${told(asked)} during ${[...during].join()}`);
      const { holder: { id, use }, order, arrivals } = asked;
      if (use === "unknown") return;
      recent.push(asked);
      if (during.size > 0) add(risked, id, 1);
      if (use === "budget") add(charged, id, arrivals.length * costOf(order));
    },
    /** Puts what no crash concerns any more into the book; at the end, all. */
    settle(all = false) {
      const before = all ? Infinity : Date.now() - CONCERNED;
      const over = recent.filter(({ ended }) => ended <= before);
      recent = recent.filter(({ ended }) => ended > before);
      for (const asked of over) book.enter(asked, spells);
    },
  };
}

function told({ order, manners, holder, got, arrivals, begun, ended }: Asked) {
  const came = arrivals.map(({ at }) => at - begun);
  const { id, fate } = order;
  const ms = ended - begun;
  return JSON.stringify({ id, use: holder.use, fate, manners, got, ms, came });
}

function count(counts: Record<string, number>, name: string) {
  counts[name] = (counts[name] ?? 0) + 1;
}

function add(sums: Map<string, number>, name: string, more: number) {
  sums.set(name, (sums.get(name) ?? 0) + more);
}
