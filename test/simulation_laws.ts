/**
 * What must hold of requests, seen from outside: by what reached the origin,
 * what the client got, and in which order the store did what it was asked.
 */

import type { LogLine } from "../core/journal.ts";
import type { Bill } from "../core/limit.ts";
import type { Cooldown, SetupChange } from "../core/setup.ts";
import type { Lease, Model } from "./simulation_model.ts";
import { NOBODY, type World } from "./simulation_world.ts";

/** One request of a holder's. */
export interface Call {
  readonly number: number;
  /** Number of the instance it was sent to. */
  readonly who: number;
  /** Public id of the token, and what was sent. */
  readonly token: string;
  readonly hash: string;
  readonly method: "GET" | "POST";
  readonly model: string;
  lease?: string;
  /** Whether its client wants to see what a stream used. */
  asksUsage?: boolean;
  /** Whether it asks for a stream. */
  streams?: boolean;
  /** How the store took it. */
  admission?: {
    readonly may: boolean;
    readonly leased: boolean;
    /** Which of the store's deeds it was. */
    readonly deed: number;
    readonly time: number;
  };
  readonly visits: Visit[];
  /** Whether the store failed it once. */
  failed: boolean;
  status?: number;
  body: string;
  /** How it ended for the client. */
  end?: "complete" | "broken" | "left";
  /** Its line in the log. */
  line?: LogLine;
}

/** What reached the origin. */
export interface Visit {
  readonly call: Call;
  readonly key: string;
  /** HTTP status of the answer. */
  status?: number;
  /** `unsent`: nobody was there; `lost`: it arrived, and had no answer. */
  fate: "unsent" | "open" | "lost" | "answered" | "whole";
  /** What it came to, micro-dollars, and tokens; where the answer says so. */
  cost: number;
  tokens: number;
  /** Whether the answer has said so by now. */
  told: boolean;
  /** Whether it was stopped before its end. */
  stopped: boolean;
  /** Everything the answer has said that is the client's. */
  said: string;
}

/** A cooldown that an instance has made. */
interface Seen extends Cooldown {
  readonly who: number;
}

export type Laws = ReturnType<typeof createLaws>;

/** Within which what runs must have ended when its token is taken back, milliseconds; and where the store does not answer. */
const HEARD_WITHIN = 2_001;
/** The same where the client has left. */
const DRAINED_WITHIN = 60_001;
const BLIND_WITHIN = 17_500;

export function createLaws(
  world: World,
  { model, stepped }: { model: Model; stepped: boolean },
) {
  const { check } = world;
  const calls: Call[] = [];
  const leases = new Map<string, Call>();
  const dead = new Set<number>();
  let deeds = 0;
  const resting = new Map<string, { deed: number; until: number }[]>();
  const own: Seen[] = [];
  const gone = new Map<string, number>();
  const troubles = new Map<number, number>();

  const isDead = (who: number) => dead.has(who);
  const restsOf = (
    call: Call,
    key: string,
  ) => [`${key}\n`, `${key}\n${call.model}`];

  /** What it may have come to for its token's budget. */
  function costsOf({ visits, method, line }: Call, { held = 0 }: Lease) {
    const arrived = visits.filter(({ fate }) => fate !== "unsent");
    if (method === "GET" || arrived.length === 0) return [0];
    if (arrived.some(({ fate }) => fate === "lost" || fate === "open")) {
      return [held];
    }
    const served = arrived.find(({ status = 0 }) => status < 400);
    if (served === undefined) return [0];
    if (!served.told) return [held];
    const whole = served.fate === "whole" &&
      (line?.ending === "complete" || line?.ending === "drained");
    return whole ? [served.cost] : [served.cost, held];
  }

  function rests(call: Call, key: string) {
    const now = world.now(call.who) / 1000;
    const { deed = 0 } = call.admission ?? {};
    for (const name of restsOf(call, key)) {
      const known = resting.get(name)?.some((rest) =>
        rest.deed < deed && rest.until > now
      );
      check(!known, () => `${nameOf(call)} is sent with ${key}, which rests`);
    }
    const seen = own.some((rest) =>
      rest.who === call.who && rest.credential === key && rest.until > now &&
      (rest.model === "" || rest.model === call.model)
    );
    check(
      !seen,
      () => `${nameOf(call)} is sent with ${key}, which its doppel saw refused`,
    );
  }

  function endsNow(id: string) {
    const since = world.time;
    // Where clocks differ nobody knows whether time has taken it back.
    const denied = ({ hash }: Call) =>
      stepped
        ? model.tokens.get(id)?.record?.status !== "active"
        : !model.usable({ id, hash }, Math.floor(world.now() / 1000));
    const running = calls.filter((call) =>
      call.token === id && goesOn(call) && denied(call)
    );
    if (running.length === 0) return;
    const check = (within: number, deaf: (who: number) => boolean) =>
      world.after(within, NOBODY, () => {
        const late = running.find((call) =>
          goesOn(call) && call.visits.length > 0 && denied(call) &&
          !deaf(call.who) && model.deniedSince(id) <= since
        );
        world.check(!late, () => `${nameOf(late!)} goes on after ${within} ms`);
      });
    const troubled = (who: number) =>
      (troubles.get(who) ?? -Infinity) >= since - 3_000;
    check(HEARD_WITHIN, troubled);
    check(BLIND_WITHIN, () => false);
  }

  /** Whether it goes on after its token was taken back. */
  function goesOn(call: Call) {
    return call.line === undefined && call.admission?.may === true &&
      !dead.has(call.who);
  }

  const laws = {
    calls,
    costsOf,
    stepped,
    /** Counts what the store does. */
    deed: () => ++deeds,
    byLease: (lease: string) => leases.get(lease),
    began(call: Call) {
      calls.push(call);
      world.nextId((id) => {
        call.lease = id;
        leases.set(id, call);
      });
    },
    /** An instance is gone. */
    died: (who: number) => void dead.add(who),
    isDead,

    /** A look of an instance's is lost. */
    troubled: (who: number) => void troubles.set(who, world.time),
    /** A request asked the store in vain. */
    failed(lease: string | undefined) {
      const call = lease === undefined ? undefined : leases.get(lease);
      if (call) call.failed = true;
    },

    admitted(lease: string, may: boolean, leased: boolean) {
      const call = leases.get(lease)!;
      check(!call.admission, () => `${nameOf(call)} is admitted twice`);
      const facts = { may, leased, deed: deeds, time: world.time };
      call.admission = facts;
      const limit = model.tokens.get(call.token)?.record?.limits.concurrency;
      if (!leased || limit === undefined || stepped) return;
      const busy = calls.filter((other) =>
        other !== call && other.token === call.token &&
        other.admission?.leased && other.visits.length > 0 && goesOn(other)
      );
      check(
        busy.length < limit,
        () => `${call.token} runs ${busy.length} + 1 of ${limit} requests`,
      );
    },

    billed(call: Call, lease: Lease, bill: Bill) {
      if (lease.held === undefined || !lease.bounded) return;
      const costs = costsOf(call, lease);
      check(
        costs.includes(bill.cost),
        () => `${nameOf(call)} is billed ${bill.cost}, not ${costs}`,
      );
      const arrived = call.visits.filter(({ fate }) => fate !== "unsent");
      const sent = arrived.length > 0;
      check(
        !bill.undone === sent,
        () => `${nameOf(call)} was ${sent ? "" : "not "}sent, and is undone`,
      );
    },

    visited(visit: Visit) {
      const { call, key } = visit;
      const { admission, visits } = call;
      check(!!admission?.may, () => `${nameOf(call)} was not to be admitted`);
      check(call.end !== "left", () => `${nameOf(call)} is sent to nobody`);
      check(
        !visits.some((other) => other.key === key),
        () => `${nameOf(call)} tries ${key} twice`,
      );
      const served = visits.some(({ status = 0, fate }) =>
        fate === "answered" && status < 400 || fate === "whole" && status < 400
      );
      check(!served, () => `${nameOf(call)} is served, and sent again`);
      const costly = call.method === "POST" &&
        visits.some((other) => other.fate === "lost" || other.status === 500);
      check(!costly, () => `${nameOf(call)} is sent again, and may cost twice`);
      const removed = gone.get(key);
      check(
        removed === undefined || removed > (admission?.deed ?? 0),
        () => `${nameOf(call)} is sent with ${key}, which was taken back`,
      );
      if (!stepped) rests(call, key);
      visits.push(visit);
    },

    /** An instance has learnt of it, and tells the store. */
    learnt(who: number, cooldowns: readonly Cooldown[]) {
      for (const cooldown of cooldowns) own.push({ ...cooldown, who });
    },
    cooled(cooldowns: readonly Cooldown[]) {
      for (const { credential, model, until } of cooldowns) {
        const name = `${credential}\n${model}`;
        const rows = resting.get(name) ?? [];
        resting.set(name, [...rows, { deed: deeds, until }]);
      }
    },
    warmed(credentials: readonly string[]) {
      for (const id of credentials) {
        for (const name of resting.keys()) {
          if (name.startsWith(`${id}\n`)) resting.delete(name);
        }
      }
      const left = own.filter(({ credential }) =>
        !credentials.includes(credential)
      );
      own.splice(0, own.length, ...left);
    },
    put({ kind, id, next }: SetupChange) {
      if (kind !== "credential") return;
      if (next && "status" in next && next.status === "active") gone.delete(id);
      else gone.set(id, deeds);
    },

    /** A token has changed: what may no longer be used, now or when its grace or its life ends, ends within two seconds. */
    ends(id: string) {
      const { record } = model.tokens.get(id) ?? {};
      const { previous, expires } = record ?? {};
      const ends = stepped ? [] : [previous?.expires, expires];
      for (const moment of [undefined, ...ends]) {
        const wait = moment === undefined ? 0 : moment * 1000 - world.now();
        if (wait >= 0) world.after(wait, NOBODY, () => endsNow(id));
      }
    },

    /** It is over at its doppel. */
    closed(line: LogLine) {
      const call = leases.get(line.id);
      if (call === undefined) return world.fail(`Nobody's line ${line.id}`);
      check(!call.line, () => `${nameOf(call)} is over twice`);
      call.line = line;
      const { may = false } = call.admission ?? {};
      const { refused } = line;
      check(
        !may || refused !== "paused",
        () => `${nameOf(call)} is ended by a pause`,
      );
      check(
        may || line.ending === "refused" || call.failed,
        () => `${nameOf(call)} ends ${line.ending}, and was not admitted`,
      );
      check(
        may || call.failed || refused !== "store_unavailable",
        () => `${nameOf(call)} misses a store that is there`,
      );
    },

    /** The client leaves: the origin stops, at once or where it is read on after a minute. */
    left(call: Call) {
      const drains = model.tokens.get(call.token)?.record?.abort === "drain";
      const stops = (within: number) =>
        world.after(within, NOBODY, () => {
          const visit = call.visits.at(-1);
          const on = visit && !visit.stopped &&
            (visit.fate === "open" || visit.fate === "answered");
          check(
            !on || isDead(call.who),
            () => `${nameOf(call)} goes on for nobody`,
          );
        });
      if (!drains && call.streams) stops(1);
      stops(DRAINED_WITHIN);
    },

    /** The client has all it will get. */
    ended(call: Call) {
      world.note(() => `${nameOf(call)} ${call.status} ${call.end}`);
      if (call.end !== "complete" || call.status !== 200) return;
      const served = call.visits.filter(({ status = 0 }) => status === 200);
      check(served.length === 1, () => `${nameOf(call)} was served otherwise`);
      const cut = call.line?.ending === "revoked";
      check(
        cut || served[0]?.said === call.body,
        () => `${nameOf(call)} got other bytes than the origin's`,
      );
    },
  };
  return laws;
}

export function nameOf({ number, token, who }: Call): string {
  return `request ${number} (${token} at ${who})`;
}
