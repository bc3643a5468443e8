/**
 * What the limits of tokens mean, written down a second time and as simply as
 * can be: lists that are added up anew for every question. It sees each verb
 * when the store does it, and says where the store's answer cannot be right.
 *
 * Where the real code rounds (a minute in slots of 5 s) it knows two counts: of
 * what must still be counted, and of what may be.
 */

import type {
  Bill,
  Estimate,
  Hold,
  Limits,
  Shortage,
  Taking,
} from "../core/limit.ts";
import type {
  Admission,
  Ask,
  Pause,
  Standing,
  TokenPatch,
  TokenRecord,
} from "../core/store.ts";
import type { World } from "./simulation_world.ts";

/** A request that took something which outlives its admission. */
export interface Lease {
  readonly id: string;
  /** `short`: the reservation gave it back. `gone`: with its token. */
  state: "open" | "settled" | "dead" | "short" | "gone";
  /** Whether its token had a budget when it was admitted: else a later one has no say in what it holds. */
  readonly bounded: boolean;
  /** When it dies, by the clocks of those who told. */
  ends: number;
  /** Micro-dollars; absent: none were to be held. */
  held?: number;
  /** What was spent when it ended. */
  spent?: number;
}

/** A place in the minute, or tokens in it. */
interface Counted {
  readonly lease: string;
  readonly at: number;
  readonly amount: number;
  /** Whether nobody can tell if it still counts. */
  doubtful?: boolean;
}

/** A token as the store must have it. */
export interface Known {
  readonly id: string;
  record: TokenRecord | undefined;
  /** Since when it is to be refused, by the world's clock; absent while it is not. */
  revoked?: number;
  requests: Counted[];
  tokens: Counted[];
  readonly leases: Map<string, Lease>;
  spent: { day: string; amount: number }[];
  /** The latest moment that anybody told of it. */
  latest: number;
}

const MINUTE = 60_000;
/** A minute, and the slot it begins in. */
const LONG_MINUTE = 65_000;
const LEASE = 60_000;

export type Model = ReturnType<typeof createModel>;

export function createModel(world: World) {
  const tokens = new Map<string, Known>();
  let pause: Pause | undefined;
  const { check } = world;

  const seconds = (ms: number) => Math.floor(ms / 1000);
  const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  const sum = (rows: readonly { amount: number }[]) =>
    rows.reduce((total, { amount }) => total + amount, 0);
  const open = ({ leases }: Known) =>
    [...leases.values()].filter(({ state }) => state === "open");

  function usable(ask: Ask, now: number): boolean {
    const record = tokens.get(ask.id)?.record;
    if (record === undefined || record.status !== "active") return false;
    const { hash, previous, expires } = record;
    if (expires !== undefined && expires <= now) return false;
    return ask.hash === undefined || ask.hash === hash ||
      previous?.hash === ask.hash && now < previous.expires;
  }

  function isPaused(now: number): boolean {
    return pause !== undefined && now >= pause.from &&
      (pause.until === undefined || now < pause.until);
  }

  /** What is counted beyond doubt, and what may be. */
  function counted(rows: readonly Counted[], told: number, latest: number) {
    return {
      sure: sum(
        rows.filter(({ at, doubtful }) =>
          !doubtful && at > Math.max(latest, told) - MINUTE
        ),
      ),
      possible: sum(rows.filter(({ at }) => at > told - LONG_MINUTE)),
    };
  }

  function rooms(token: Known, budget: Limits["budget"], told: number) {
    const held = sum(open(token).map(({ held = 0 }) => ({ amount: held })));
    const unspent = unspentOf(token, budget, told);
    return unspent.map(([name, left]) => [name, left - held] as const);
  }

  function unspentOf(token: Known, budget: Limits["budget"], told: number) {
    const day = dayOf(told);
    const month = day.slice(0, 7);
    const within = {
      day: sum(token.spent.filter((row) => row.day === day)),
      month: sum(token.spent.filter((row) => row.day.startsWith(month))),
      total: sum(token.spent),
    };
    return (["day", "month", "total"] as const).flatMap((name) => {
      const bound = budget?.[name];
      return bound === undefined ? [] : [[name, bound - within[name]] as const];
    });
  }

  /** Leases that nobody has renewed: what they held is spent. */
  function bury(token: Known, told: number) {
    for (const lease of open(token)) {
      if (lease.ends > told) continue;
      lease.state = "dead";
      spend(token, lease, lease.held ?? 0, told);
    }
  }

  function spend(token: Known, lease: Lease, amount: number, told: number) {
    lease.spent = amount;
    token.spent.push({ day: dayOf(told), amount });
  }

  function tell(token: Known, told: number) {
    token.latest = Math.max(token.latest, told);
  }

  function shortOf(
    token: Known,
    { requests, tokens, concurrency }: Limits,
    told: number,
    { short, taken }: { short?: string | undefined; taken: boolean },
  ) {
    const { id, latest } = token;
    const all = [
      ["requests", requests, counted(token.requests, told, latest)],
      ["tokens", tokens, counted(token.tokens, told, latest)],
    ] as const;
    for (const [name, limit, { sure, possible }] of all) {
      if (limit === undefined) continue;
      check(
        !taken || sure < limit,
        () => `${id}: admitted with ${sure} ${name} of ${limit} in a minute`,
      );
      check(
        short !== name || possible >= limit,
        () => `${id}: refused with ${possible} ${name} of ${limit} in a minute`,
      );
    }
    const busy = open(token).length;
    const full = concurrency !== undefined && busy >= concurrency;
    check(
      !taken || !full,
      () => `${id}: admitted beside ${busy} of ${concurrency} leases`,
    );
    check(
      short !== "concurrency" || full,
      () => `${id}: refused beside ${busy} of ${concurrency} leases`,
    );
  }

  return {
    tokens,
    unspentOf,
    bury,
    usable,
    /** Since when it is disabled, if it is; by the world's clock. */
    deniedSince: (id: string) => tokens.get(id)?.revoked ?? -Infinity,

    /** Whether the admission may go on, as the model sees it. */
    admitted(ask: Ask, { lease, now: told }: Taking, answer: Admission) {
      const now = seconds(told);
      const token = tokens.get(ask.id);
      const may = token !== undefined && usable(ask, now) && !isPaused(now);
      const limits = token?.record?.limits ?? {};
      const limited = Object.keys(limits).length > 0;
      const { taken = false, shortage } = answer;
      const short = shortage?.short;
      check(
        taken || short ? may && limited : !(may && limited),
        () =>
          `${ask.id}: ${taken ? "takes" : short ?? "takes nothing"}, ` +
          `may: ${may}, limited: ${limited}`,
      );
      if (!may || token === undefined) return { may: false, leased: false };
      const { tokens: rate, concurrency, budget, requests } = limits;
      const leased = (rate ?? concurrency ?? budget) !== undefined;
      if (leased && (taken || short === "concurrency")) bury(token, told);
      shortOf(token, limits, told, { short, taken });
      tell(token, told);
      if (!taken) return { may: !limited, leased: false };
      if (leased) {
        token.leases.set(lease, {
          id: lease,
          bounded: budget !== undefined,
          state: "open",
          ends: told + LEASE,
        });
      }
      if ((requests ?? rate) !== undefined) {
        token.requests.push({ lease, at: told, amount: 1 });
      }
      return { may: true, leased };
    },

    reserved(
      id: string,
      { lease: name, now: told }: Taking,
      { estimate: { tokens: asked, least, most }, answer, lost }: {
        estimate: Estimate;
        answer: Hold | Shortage;
        lost: boolean;
      },
    ) {
      const token = tokens.get(id);
      const limits = token?.record?.limits;
      const short = "short" in answer ? answer.short : undefined;
      if (token === undefined || limits === undefined) {
        return check(short === "total", () => `${id}: holds, and is gone`);
      }
      bury(token, told);
      const lease = token.leases.get(name);
      if (lease?.state !== "open") {
        return check(
          short === "concurrency",
          () => `${id}: holds without its lease`,
        );
      }
      const { sure, possible } = counted(token.tokens, told, token.latest);
      tell(token, told);
      const left = rooms(token, limits.budget, told);
      const poor = left.some(([, there]) => there < least);
      if (short !== undefined) {
        const justified = short === "tokens"
          ? limits.tokens !== undefined && possible > 0 &&
            possible + asked > limits.tokens
          : left.some(([bound, there]) => bound === short && there < least);
        check(justified, () => `${id}: ${short} is not short`);
        lease.state = "short";
        token.requests = token.requests.filter((row) => row.lease !== name);
        return;
      }
      const fits = limits.tokens === undefined || sure === 0 ||
        sure + asked <= limits.tokens;
      check(fits, () => `${id}: ${sure} + ${asked} tokens of ${limits.tokens}`);
      check(!poor, () => `${id}: holds ${least} of ${JSON.stringify(left)}`);
      if (limits.budget) {
        const held = Math.min(most, ...left.map(([, there]) => there));
        const told = (answer as Hold).held;
        check(told === held, () => `${id}: holds ${told}, not ${held}`);
        lease.held = held;
      }
      if (limits.tokens !== undefined) {
        const row = { lease: name, at: told, amount: asked };
        token.tokens.push({ ...row, ...(lost && { doubtful: true }) });
      }
    },

    settled(id: string, { lease: name, now: told }: Taking, bill: Bill) {
      const token = tokens.get(id);
      const lease = token?.leases.get(name);
      if (token === undefined || lease?.state !== "open") return;
      lease.state = "settled";
      if (lease.held !== undefined) spend(token, lease, bill.cost, told);
      token.tokens = token.tokens.filter((row) =>
        row.lease !== name || row.doubtful && bill.held === 0
      );
      if (bill.undone) {
        token.requests = token.requests.filter((row) => row.lease !== name);
      }
      if (bill.tokens > 0) {
        const at = bill.now ?? told;
        token.tokens.push({ lease: name, at, amount: bill.tokens });
      }
    },

    /** A request without a lease counts as never made. */
    undone(id: string, told: number) {
      const token = tokens.get(id);
      if (token?.record === undefined) return;
      const at = token.requests.findIndex((row) =>
        row.at === told && !token.leases.has(row.lease)
      );
      check(at !== -1, () => `${id}: undone twice`);
      token.requests = token.requests.toSpliced(at, 1);
    },

    watched(
      asked: readonly { id: string; leases: readonly string[] }[],
      now: number,
      standings: readonly Standing[],
    ) {
      asked.forEach(({ id, leases }, i) => {
        const token = tokens.get(id);
        for (const name of leases) {
          const lease = token?.leases.get(name);
          if (lease?.state === "open") lease.ends = now + LEASE;
        }
        const { record, unspent } = standings[i]!;
        check(
          record?.status === token?.record?.status &&
            record?.hash === token?.record?.hash,
          () => `${id}: stands otherwise`,
        );
        const budget = token?.record?.limits.budget;
        if (token === undefined || budget === undefined) return;
        const left = unspentOf(token, budget, now).map(([, there]) => there);
        const least = left.length === 0 ? undefined : Math.min(...left);
        check(
          unspent === least,
          () => `${id}: ${unspent} is unspent, not ${least}`,
        );
      });
    },

    created(record: TokenRecord) {
      const { id } = record;
      const empty = { requests: [], tokens: [], spent: [], latest: 0 };
      tokens.set(id, { id, record, leases: new Map(), ...empty });
    },

    edited(id: string, { expires, ...patch }: TokenPatch) {
      const token = tokens.get(id);
      if (token?.record === undefined) return;
      const { expires: before, ...rest } = token.record;
      const end = expires === undefined ? before : expires ?? undefined;
      token.record = {
        ...rest,
        ...patch,
        ...(end !== undefined && { expires: end }),
      };
      if (token.record.status === "active") delete token.revoked;
      else token.revoked ??= world.time;
    },

    rotated(
      id: string,
      next: { hash: string; last4: string; graceEnds: number },
    ) {
      const token = tokens.get(id);
      if (token?.record === undefined) return;
      const { hash, last4, graceEnds: expires } = next;
      const previous = { hash: token.record.hash, expires };
      token.record = { ...token.record, hash, last4, previous };
    },

    deleted(id: string) {
      const token = tokens.get(id);
      if (token === undefined) return;
      token.record = undefined;
      token.revoked ??= world.time;
      for (const lease of open(token)) lease.state = "gone";
      Object.assign(token, { requests: [], tokens: [], spent: [] });
    },

    paused: (next: Pause | undefined) => void (pause = next),
  };
}
