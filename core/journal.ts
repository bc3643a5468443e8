/**
 * What is written down about a request: one line, when it has ended.
 *
 * @module
 */

import { percentDecode } from "./provider.ts";
import type { RefusalCode } from "./refusal.ts";
import { redactTokens } from "./token.ts";
import type { Trouble } from "./trouble.ts";

/** How a request ended; `drained`: the client left, and the answer was read to its end without it. */
export type Ending =
  | "complete"
  | "refused"
  | "client_closed"
  | "drained"
  | "origin_broken"
  | "origin_silent"
  | "revoked"
  | SocketEnding;

/** How a socket can end besides: nobody spoke, one side would not read, doppel stopped. */
export type SocketEnding = "idle" | "overflowed" | "stopped";

/** What is written down about a socket. */
export interface SocketFacts {
  /** Messages from client to origin. */
  readonly up: number;
  /** Messages from origin to client. */
  readonly down: number;
  /** Bytes of content from client to origin. */
  readonly upBytes: number;
  /** Close code; 1005: none was sent, 1006: nobody closed. */
  readonly code: number;
}

/** A credential that a request was sent with. */
export interface Attempt {
  /** Its id. */
  readonly credential: string;
  /** HTTP status of the answer. */
  readonly status?: number;
  /** Why there was none. */
  readonly refused?: RefusalCode;
  /** What the answer said about the key. */
  readonly why?: Trouble;
}

/** One log line. Public forms only: ids, never a token, a key or a query. */
export interface LogLine {
  /** RFC 3339, when the request came in. */
  readonly time: string;
  /** The id doppel gave the request. */
  readonly id: string;
  /** Method, upper case. */
  readonly method: string;
  /** Path without query, tokens in it cut down to their public ids. */
  readonly path: string;
  /** Public id of the token. */
  readonly token?: string;
  /** Id of the provider. */
  readonly provider?: string;
  /** The owner's name for models that was asked for. */
  readonly alias?: string;
  /** Id of the credential; of several, the last one. */
  readonly credential?: string;
  /** What came of each credential, where more than one was tried. */
  readonly attempts?: readonly Attempt[];
  /** HTTP status sent, 499 for a client that left before. */
  readonly status: number;
  /** Why it was refused. */
  readonly refused?: RefusalCode;
  /** Why, in words for the owner. */
  readonly reason?: string;
  /** Whether it went through a hop, or came in at one. */
  readonly hop?: true;
  /** The origin's own request id; through a hop, the hop's where the origin gave none. */
  readonly originId?: string;
  /** Bytes of content sent down. */
  readonly bytes: number;
  /** Messages and bytes a socket carried each way, and the code it was closed with. */
  readonly socket?: SocketFacts;
  /** Milliseconds to the origin's first sign. */
  readonly firstByteMs?: number;
  /** Milliseconds to the end. */
  readonly ms: number;
  /** How it ended. */
  readonly ending: Ending;
}

/** The facts of a request as they become known; written once. */
export interface Journal {
  /** The request's id. */
  readonly id: string;
  /** Adds a fact. */
  note(facts: Partial<LogLine>): void;
  /** Milliseconds since the request came in. */
  elapsed(): number;
  /** From now on the bytes that have gone down are counted there. */
  count(counter: { readonly bytes: number }): void;
  /** The line as far as it is known. */
  facts(): Omit<LogLine, "ending">;
  /** What is to be done when the request is over, with its line. */
  whenClosed(work: (line: LogLine) => void): void;
  /** Writes the line; later calls do nothing. */
  close(ending: Ending, facts?: Partial<LogLine>): void;
}

/** A journal of one request at `path` as received; `now` is milliseconds, `write` gets the finished line. */
export function openJournal(
  request: { method: string; path: string },
  { now, write }: { now: () => number; write: (line: LogLine) => void },
): Journal {
  return new OpenJournal(request, now, write);
}

class OpenJournal implements Journal {
  readonly id = crypto.randomUUID();
  readonly #request: { readonly method: string; readonly path: string };
  readonly #now: () => number;
  readonly #started: number;
  readonly #noted: Partial<LogLine> = {};
  readonly #works: ((line: LogLine) => void)[];
  #counter = NOTHING;
  #open = true;

  constructor(
    request: { method: string; path: string },
    now: () => number,
    write: (line: LogLine) => void,
  ) {
    this.#request = request;
    this.#now = now;
    this.#started = now();
    this.#works = [write];
  }

  whenClosed(work: (line: LogLine) => void): void {
    this.#works.push(work);
  }

  note(facts: Partial<LogLine>): void {
    Object.assign(this.#noted, facts);
  }

  elapsed(): number {
    return this.#now() - this.#started;
  }

  count(counter: { readonly bytes: number }): void {
    this.#counter = counter;
  }

  facts(): Omit<LogLine, "ending"> {
    return {
      time: new Date(this.#started).toISOString(),
      id: this.id,
      method: this.#request.method,
      path: loggable(this.#request.path),
      status: 0,
      bytes: this.#counter.bytes,
      ...this.#noted,
      ms: this.elapsed(),
    };
  }

  close(ending: Ending, facts?: Partial<LogLine>): void {
    if (!this.#open) return;
    this.#open = false;
    const line: LogLine = Object.assign(this.facts(), facts, { ending });
    for (const work of this.#works) work(line);
  }
}

const NOTHING: { readonly bytes: number } = { bytes: 0 };

/** A path as it may be written down: no token in it, however it is encoded. */
function loggable(path: string): string {
  if (!/%|dpl_/.test(path)) return path;
  const decoded = percentDecode(path);
  return decoded.includes("dpl_") ? redactTokens(decoded) : path;
}
