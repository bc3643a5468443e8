/** The end of a soak, when nothing goes on any more: what is left, what was written down, how it stops. */

import { LEASE_LASTS } from "../core/limit.ts";
import type { Books } from "./bound.ts";
import { compare, type UsageRow } from "./soak_books.ts";
import type { Call } from "./soak_client.ts";
import type { Diary } from "./soak_diary.ts";
import { CLOCK_OFF } from "./soak_faults.ts";
import type { Holder } from "./soak_judge.ts";
import { type SoakOrigin, wait } from "./soak_origin.ts";
import { BUDGET_OF_EACH, type Owner } from "./soak_owner.ts";
import { slopeOf, type SoakSubject, type Vitals } from "./soak_subject.ts";
import { calmCall } from "./soak_traffic.ts";

/** What a soak ends with. */
export interface Scene {
  readonly origin: SoakOrigin;
  readonly subject: SoakSubject;
  readonly diary: Diary;
  readonly owner: Owner;
  readonly books: Books;
  /** Of the first process, before it was asked anything. */
  readonly first: Vitals;
  readonly nextId: () => string;
  readonly roll: () => number;
  readonly ask: (holder: Holder, call: Call) => Promise<unknown>;
}

/** MiB an hour that are no growth: 1 MiB in ten minutes. */
const FLAT = 6;
/** MiB that floors rise and fall by in any case. */
const NOISE = 4;
/** Seconds that a process must have lived for its memory to tell anything. */
const TELLING = 600;
/** MiB that a process may grow in the second half of a shorter life. */
const LEAP = 24;
/** Files and sockets that may be there at the end and were not at the start: what is loaded or connected with the first use. */
const SPARE = { files: 8, sockets: 3 };
/** Idle connections to the origin that a pool keeps at most. */
const MOST_UNUSED = 8;
/** Milliseconds in which a doppel with nothing under way stops. */
const STOPS = 8_000;

/** Opens `/metrics`. */
export const METRICS_TOKEN = "soak-metrics-token-0123456789abcdef";

export async function conclude(scene: Scene) {
  const { subject, origin, diary, books } = scene;
  await settled(scene);
  const inFlight = await flights(scene);
  const { files, sockets } = leftovers(scene);
  const memory = memoryOf(scene);
  const originSockets = origin.open().length;
  await calm(scene);
  // What was used is written down within about a second.
  await wait(1_500);
  diary.settle(true);
  await compareLedger(scene);
  const leases = await leasesLeft(scene);
  const spent = await budgets(scene);
  books.close();
  const { took, code } = await subject.stop();
  if (code !== 0 || took > STOPS) {
    diary.find(`${took} ms to stop with nothing under way: ${code}`);
  }
  let charged = 0;
  for (const sum of diary.charged.values()) charged += sum;
  return {
    ...{ inFlight, files, sockets, originSockets, leases, exit: took },
    ...memory,
    budgets: { spent, charged },
  };
}

function spare({ origin }: Scene) {
  const unused = Math.min(origin.unused(), MOST_UNUSED);
  const { files, sockets } = SPARE;
  return { files: files + unused, sockets: sockets + unused };
}

/** Idle connections are closed, and deferred work is done. */
async function settled(scene: Scene) {
  const { subject, origin, first } = scene;
  for (let tries = 0; tries < 40; tries++) {
    await wait(500);
    const now = subject.sample();
    const idle = now && now.sockets <= first.sockets + spare(scene).sockets;
    if (tries > 4 && idle && origin.open().length === 0) return;
  }
}

async function flights({ subject, diary }: Scene): Promise<number> {
  const headers = { authorization: `Bearer ${METRICS_TOKEN}` };
  const text = await (await fetch(`${subject.url}/metrics`, { headers }))
    .text();
  const count = Number(/^doppel_requests_in_flight (\d+)/m.exec(text)![1]);
  if (count !== 0) diary.find(`${count} in flight at the end`);
  return count;
}

function leftovers(scene: Scene) {
  const { subject, origin, diary, first } = scene;
  const last = subject.sample()!;
  for (const kind of ["files", "sockets"] as const) {
    const more = last[kind] - first[kind];
    if (more > spare(scene)[kind]) {
      diary.find(`${more} ${kind} more than at first`);
    }
  }
  for (const socket of origin.open()) diary.find(`at the origin: ${socket}`);
  return {
    files: [first.files, last.files] as const,
    sockets: [first.sockets, last.sockets] as const,
  };
}

function memoryOf({ subject, diary }: Scene) {
  const all = subject.vitals();
  const half = all.slice(all.length >> 1);
  const lived = (all.at(-1)!.at - all[0]!.at) / 1000;
  const warm = half[0]!.anonymous;
  const end = all.at(-1)!.anonymous;
  const slope = slopeOf(half);
  const rise = slope * (half.at(-1)!.at - half[0]!.at) / 3_600_000;
  const rises = slope > FLAT && rise > NOISE;
  if (lived >= TELLING ? rises : end - warm > LEAP) {
    diary.find(`memory: ${warm} to ${end} MiB, ${slope} MiB an hour`);
  }
  return { warm, end, slope, lived };
}

/** Without faults, a fresh token gives back what it takes, and pays what it owes. */
async function calm({ owner, books, diary, nextId, roll, ask }: Scene) {
  for (const use of ["narrow", "budget"] as const) {
    const holder = await owner.mint(use);
    for (const fate of ["json", "stream", "json", "stream"] as const) {
      await ask(holder, calmCall(nextId(), fate, roll));
    }
    let said = await books.look(holder.id);
    for (let i = 0; i < 50 && said.leases.length > 0; i++) {
      await wait(100);
      said = await books.look(holder.id);
    }
    // A look is several reads: the last settlement may have come between two.
    said = await books.look(holder.id);
    const leaks = said.leases.length;
    if (leaks > 0) diary.find(`${leaks} of 4 leases leaked (${use})`);
    const owes = diary.charged.get(holder.id) ?? 0;
    if (said.spent !== owes) {
      diary.find(`${said.spent} spent of a budget, ${owes} charged`);
    }
  }
}

async function compareLedger({ subject, owner, diary }: Scene) {
  const rows: UsageRow[] = [];
  const since = new Date(Date.now() - 6 * 3_600_000).toISOString();
  const until = new Date(Date.now() + 3_600_000).toISOString();
  const query = `by=token&since=${since}&until=${until}&limit=1000`;
  let cursor: string | undefined;
  do {
    const next = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
    const path = `/admin/usage?${query}${next}`;
    const page = await subject.admin("GET", path) as {
      usage: UsageRow[];
      cursor?: string;
    };
    rows.push(...page.usage);
    ({ cursor } = page);
  } while (cursor);
  const uses = new Map(owner.holders.map(({ id, use }) => [id, use]));
  for (const { token, what } of compare(diary.book, rows)) {
    diary.find(`ledger of ${token} (${uses.get(token)}): ${what}`);
  }
}

/** Leases that nobody can be excused for; those of crashed requests end by themselves. */
async function leasesLeft({ owner, books, diary }: Scene): Promise<number> {
  const over = Math.max(0, ...diary.spells.map(({ to }) => to));
  const excused = over + LEASE_LASTS + CLOCK_OFF;
  let left = 0;
  const seen = new Map<string, string>();
  for (const { id, use } of owner.holders) {
    if (use !== "narrow" && use !== "budget") continue;
    const { leases } = await books.look(id);
    const risked = diary.risked.get(id) ?? 0;
    const late = leases.filter((ends) => ends > excused).length;
    if (late > 0) diary.find(`${late} leases of ${id} end too late`);
    if (leases.length > risked) {
      diary.find(`${leases.length} leases of ${id}, ${risked} at a fault`);
    }
    left += leases.length;
    seen.set(id, leases.join());
  }
  // What lives renews its leases about once a second.
  await wait(1_800);
  for (const [id, before] of seen) {
    const { leases } = await books.look(id);
    if (leases.join() !== before) diary.find(`leases of ${id} still live`);
  }
  return left;
}

/** Micro-dollars that were spent: never more than there were, never less than was charged. */
async function budgets({ books, diary }: Scene): Promise<number> {
  let all = 0;
  for (const [id, charged] of diary.charged) {
    await books.later(id);
    const { spent, held } = await books.look(id);
    all += spent;
    if (held !== 0) diary.find(`budget of ${id}: ${held} held at the end`);
    if (spent < charged || spent > BUDGET_OF_EACH) {
      diary.find(`budget of ${id}: spent ${spent}, charged ${charged}`);
    }
  }
  return all;
}
