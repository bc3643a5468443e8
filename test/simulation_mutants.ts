/**
 * Doppels that are wrong on purpose, each in one thing: what the laws of the
 * simulation must see. Some have another store, some other parts.
 */

import type { DatabaseSync } from "node:sqlite";
import { SLOT, SLOTS } from "../core/limit.ts";
import { isRefusal } from "../core/refusal.ts";
import type { Run } from "../core/running.ts";
import type { Store } from "../core/store.ts";
import type { Mutant } from "./simulation.ts";
import type { Parts } from "./simulation_instance.ts";

type Verb = Exclude<keyof Store, "close">;

/** A verb that does something else, or the same and more. */
type Changed<Name extends Verb> = (
  original: Store[Name],
  database: DatabaseSync,
) => Store[Name];

function changed<Name extends Verb>(
  name: string,
  verb: Name,
  change: Changed<Name>,
): Mutant {
  return {
    name,
    store: (store, database) => ({
      ...store,
      [verb]: change(store[verb].bind(store) as Store[Name], database),
    }),
  };
}

/** What is done to the database before a verb. */
function before<Name extends Verb>(
  name: string,
  verb: Name,
  work: (database: DatabaseSync, ...args: Parameters<Store[Name]>) => void,
): Mutant {
  return changed(
    name,
    verb,
    (original, database) =>
      ((...args: Parameters<Store[Name]>) => {
        work(database, ...args);
        return (original as (...args: unknown[]) => unknown)(...args);
      }) as Store[Name],
  );
}

function part(name: string, parts: (parts: Parts) => Partial<Parts>): Mutant {
  return { name, parts: (own) => ({ ...own, ...parts(own) }) };
}

const done = () => Promise.resolve();

export const MUTANTS: readonly Mutant[] = [
  before(
    "a bill is paid twice",
    "settle",
    (database, id, { lease }, { cost }) => {
      const held = database.prepare(
        "SELECT 1 FROM leases WHERE token = ? AND lease = ? AND held > 0",
      ).get(id, lease);
      if (!held) return;
      database.prepare("UPDATE spend SET spent = spent + ? WHERE token = ?")
        .run(cost, id);
    },
  ),
  changed(
    "what a refused request took is kept",
    "settle",
    (settle) => (id, taking, bill) =>
      bill.undone ? done() : settle(id, taking, bill),
  ),
  changed(
    "a refused request keeps its place in the minute",
    "settle",
    (settle) => (id, taking, { undone: _, ...bill }) =>
      settle(id, taking, bill),
  ),
  changed(
    "a lease is not released when its client left",
    "settle",
    (settle, database) => (id, taking, bill) => {
      const row = database.prepare("SELECT held FROM leases WHERE lease = ?")
        .get(taking.lease);
      return row && row.held === bill.cost && bill.cost > 0
        ? done()
        : settle(id, taking, bill);
    },
  ),
  changed(
    "a refund is not counted",
    "settle",
    (settle) => (id, taking, bill) => settle(id, taking, { ...bill, held: 0 }),
  ),
  before("a minute has a slot too few", "admit", (database, [ask], taking) => {
    if (!taking) return;
    database.prepare("DELETE FROM rates WHERE token = ? AND slot <= ?")
      .run(ask!.id, Math.floor(taking.now / SLOT) - SLOTS + 1);
  }),
  before("a minute has a slot too many", "admit", (database, [ask], taking) => {
    if (!taking) return;
    const now = Math.floor(taking.now / SLOT);
    database.prepare(
      "UPDATE OR IGNORE rates SET slot = ? WHERE token = ? AND slot = ?",
    )
      .run(now - SLOTS + 1, ask!.id, now - SLOTS);
  }),
  before("leases die too soon", "admit", (database, [ask], taking) => {
    database.prepare("DELETE FROM leases WHERE token = ? AND ends < ?")
      .run(ask!.id, (taking?.now ?? 0) + 45_000);
  }),
  before("leases never die", "admit", (database) => {
    database.exec("UPDATE leases SET ends = 9e15");
  }),
  before(
    "what a dead lease held is lent again",
    "admit",
    (database, _, taking) => {
      database.prepare("DELETE FROM leases WHERE ends <= ?")
        .run(taking?.now ?? 0);
    },
  ),
  changed(
    "more is held than there is",
    "reserve",
    (reserve) => (id, taking, estimate) =>
      reserve(id, taking, { ...estimate, least: 0 }),
  ),
  changed(
    "a reservation is for free",
    "reserve",
    (reserve) => (id, taking, estimate) =>
      reserve(id, taking, { ...estimate, least: 0, most: 0 })
        .then((held) =>
          "held" in held ? { ...held, held: estimate.most } : held
        ),
  ),
  changed(
    "leases are not renewed",
    "watch",
    (watch) => (tokens, now, looks) =>
      watch(tokens.map((token) => ({ ...token, leases: [] })), now, looks),
  ),
  changed("nobody hears of a revocation", "watch", (watch) => {
    const known = new Map<string, object>();
    return async (tokens, now, looks) => {
      const watched = await watch(tokens, now, looks);
      const standings = watched.standings.map((standing, i) => {
        const { id } = tokens[i]!;
        const { record } = standing;
        if (record?.status === "active") known.set(id, record);
        return {
          ...standing,
          record: (known.get(id) ?? record) as typeof record,
        };
      });
      return { ...watched, standings };
    };
  }),
  changed(
    "a token is disabled in name only",
    "editToken",
    (edit) => (id, patch, entry) => {
      const { status, ...rest } = patch;
      return edit(id, status === "disabled" ? rest : patch, entry);
    },
  ),
  changed(
    "grace lasts a second longer",
    "rotateToken",
    (rotate) => (id, next, entry) =>
      rotate(id, { ...next, graceEnds: next.graceEnds + 1 }, entry),
  ),
  changed(
    "a pause is not kept",
    "setPause",
    (setPause) => (pause, entry) => setPause(pause && undefined, entry),
  ),
  changed("cooldowns are dropped", "cool", () => done),
  changed(
    "nobody is told of a cooldown",
    "cool",
    (cool, database) => async (cooldowns, now) => {
      const kept = database.prepare("SELECT value FROM state").get();
      await cool(cooldowns, now);
      if (!kept) return;
      database.prepare("UPDATE state SET value = ?").run(kept.value!);
    },
  ),
  changed("a batch is counted each time it comes", "addUsage", (add) => {
    let times = 0;
    return (batch) => add({ ...batch, id: `${batch.id} ${times++}` });
  }),
  part("keys go by the view there was", ({ keyring }) => ({
    keyring: {
      get view() {
        return keyring.view;
      },
      recent: keyring.recent,
      at: (turn) => keyring.view.turn === 0 ? keyring.at(turn) : keyring.view,
    },
  })),
  part("a doppel forgets which keys rest", ({ cooling }) => ({
    cooling: { ...cooling, until: () => 0 },
  })),
  part("nothing that runs is looked at", ({ running }) => ({
    running: Object.assign(Object.create(running), { begin: () => () => {} }),
  })),
  part("every entry is written twice", ({ ledger }) => ({
    ledger: {
      flush: ledger.flush,
      enter(entry) {
        ledger.enter(entry);
        ledger.enter(entry);
      },
    },
  })),
  part("what was sent is sent again", ({ egress }) => ({
    egress: async (forwarded) => {
      const first = await egress(forwarded);
      return "refused" in first && !first.unsent && !forwarded.signal.aborted
        ? await egress(forwarded)
        : first;
    },
  })),
  part("every answer is asked for twice", ({ egress }) => ({
    egress: (forwarded) => {
      egress(forwarded);
      return egress(forwarded);
    },
  })),
  part("what runs with a rotated token goes on", ({ running }) => ({
    running: Object.assign(Object.create(running), {
      begin: ({ hash: _, ...run }: Run, looked?: number) =>
        running.begin({ ...run, hash: undefined }, looked),
    }),
  })),
  part("an origin does not hear that its client left", ({ egress }) => ({
    egress: async (forwarded) => {
      const { signal } = new AbortController();
      const begun = await egress({ ...forwarded, signal });
      if (isRefusal(begun)) return begun;
      const { body, status, headers } = begun.response;
      const reader = body!.getReader();
      const deaf = new ReadableStream({
        async pull(controller) {
          const { done, value } = await reader.read();
          if (done) controller.close();
          else controller.enqueue(value);
        },
      });
      const response = new Response(deaf, { status, headers });
      return { ...begun, response, abort: () => {} };
    },
  })),
];
