/**
 * What runs, and what has just ended, as the owner sees it: ids, counts and
 * money, never content. Loaded when somebody looks.
 *
 * @module
 */

import type { LogLine } from "./journal.ts";
import { modelsNamed } from "./model.ts";
import type { Route } from "./provider.ts";
import type { Ended, Run } from "./running.ts";
import type { AuditEntry, Standing } from "./store.ts";
import { redactTokens } from "./token.ts";

/** A request, a stream or a socket. */
export interface LiveRow {
  /** The request's id. */
  readonly id: string;
  /** Public id of the token. */
  readonly token: string;
  /** Id of the provider. */
  readonly provider: string;
  /** As the answer names it, else as the request does. */
  readonly model?: string;
  /** Id of the credential, where one was chosen. */
  readonly credential?: string;
  /** Method, upper case. */
  readonly method: string;
  /** Path without query, as it may be written down. */
  readonly path: string;
  /** RFC 3339, when it came in. */
  readonly began: string;
  /** Bytes of content sent down so far. */
  readonly bytes: number;
  /** Micro-dollars so far, guessed where the API has not told yet; absent: nobody can tell. */
  readonly cost?: number;
  /** Milliseconds since it came in, or to its end. */
  readonly ms: number;
  /** Which instance has it. */
  readonly instance: string;
  /** HTTP status, once there is one. */
  readonly status?: number;
  /** How it ended. */
  readonly ending?: string;
  /** Why it was refused. */
  readonly refused?: string;
}

/** What an instance shows. */
export interface Shown {
  /** Its name, as long as it lives. */
  readonly instance: string;
  /** The newest of what runs. */
  readonly running: readonly LiveRow[];
  /** How many more run than are shown. */
  readonly more: number;
  /** What has ended in the last minute. */
  readonly ended: readonly LiveRow[];
}

/** What a look at what runs sees. */
export interface Watched {
  /** In the order of the tokens asked for. */
  readonly standings: readonly Standing[];
  /** As in `Admission`, where it was asked for. */
  readonly looked?: number;
}

/** How instances of one store show each other what they run; see `Store`. */
export interface LiveStore {
  /**
   * What instances show; and from now on whoever runs something knows that
   * somebody looks. 4 commands; 1 and a round trip more where anything is
   * shown, and as much again where an instance is gone.
   */
  lookAtLive(now: number): Promise<readonly Shown[]>;
  /** Shows what an instance has, for so many milliseconds; answers the requests that are to end. 4 commands. */
  showLive(shown: Shown, lasts: number): Promise<readonly string[]>;
  /** Marks a request for whoever has it, for some seconds. 4 commands. */
  markEnd(id: string, entry: AuditEntry): Promise<void>;
}

/** Rows that an instance shows of what runs. */
const MOST_SHOWN = 200;
/** Milliseconds for which what has ended is shown. */
export const ENDED_FOR = 60_000;
/** Rows of all that has ended. */
const MOST_ENDED = 50;
/** Longest path, UTF-16 units. */
const LONGEST = 300;
/** A holder may name what he likes: what is none is not shown. */
const MODEL = /^[\x21-\x7e]{1,100}$/;

/** What an instance has, newest first; `now` is milliseconds. */
export async function shownOf(
  instance: string,
  { runs, ended }: { runs: readonly Run[]; ended: readonly Ended[] },
  now: number,
): Promise<Shown> {
  const newest = runs.slice(-MOST_SHOWN).reverse();
  return {
    instance,
    running: await Promise.all(newest.map((run) => runningRow(run, instance))),
    more: runs.length - newest.length,
    ended: ended.map((one) => endedRow(one, instance))
      .filter((row) => isRecent(row, now)).reverse(),
  };
}

/** What all of them have: what runs as it began, what has ended the last one first. */
export function gathered(
  own: Shown,
  others: readonly Shown[],
  now: number,
): Omit<Shown, "instance"> & { readonly now: string } {
  const all = [
    own,
    ...others.filter(({ instance }) => instance !== own.instance),
  ];
  const ended = all.flatMap(({ ended }) => ended)
    .filter((row) => isRecent(row, now))
    .sort((one, other) => endOf(other) - endOf(one));
  return {
    now: new Date(now).toISOString(),
    running: all.flatMap(({ running }) => running)
      .sort((one, other) => one.began < other.began ? -1 : 1),
    more: all.reduce((sum, { more }) => sum + more, 0),
    ended: ended.slice(0, MOST_ENDED),
  };
}

async function runningRow(
  { token, journal, account }: Run,
  instance: string,
): Promise<LiveRow> {
  const { status, ...line } = journal.facts();
  const { route, model, cost } = await account.soFar();
  return {
    ...commonOf({ ...line, token }, model || modelIn(route)),
    ...(cost !== undefined && { cost }),
    ...(status > 0 && { status }),
    instance,
  };
}

/** What a path or a query says of it. */
function modelIn({ provider, target }: Route): string | undefined {
  const pattern = provider.modelInPath;
  const nothing = { type: null, encoding: null, content: undefined };
  const all = modelsNamed({ target, pattern, ...nothing });
  return [...all?.named ?? [], ...all?.mentioned ?? []][0];
}

function endedRow({ line, entry }: Ended, instance: string): LiveRow {
  const { status, ending, refused } = line;
  return {
    ...commonOf(line, entry?.model),
    ...(entry?.cost !== undefined && { cost: entry.cost }),
    ...(refused !== undefined && { refused }),
    ...{ status, ending, instance },
  };
}

function commonOf(
  { id, token = "", provider = "", credential, ...line }: Omit<
    LogLine,
    "ending" | "status"
  >,
  model = "",
) {
  const { method, path, time: began, bytes, ms } = line;
  return {
    ...{ id, token, provider, method, began, bytes, ms },
    path: path.slice(0, LONGEST),
    ...(MODEL.test(model) && { model: redactTokens(model) }),
    ...(credential !== undefined && { credential }),
  };
}

function endOf({ began, ms }: LiveRow): number {
  return Date.parse(began) + ms;
}

/** A clock that is a little off hides nothing. */
function isRecent(row: LiveRow, now: number): boolean {
  return now - endOf(row) < ENDED_FOR;
}
