/**
 * What an answer has used, from its bytes as they go by.
 *
 * The meter reads along: it alters, delays and holds no byte, throws nothing,
 * and keeps no more than the counts it is looking for, whatever the size of the
 * answer. Where an API reports nothing, or was cut off, the rest is guessed and
 * said to be.
 *
 * @module
 */

import type { Guessing } from "./estimate.ts";
import { rememberingOf } from "./memo.ts";
import { openScan, type Shape } from "./scan.ts";
import { openEvents } from "./sse.ts";
import { EVENTS, openTally } from "./tally.ts";
import { openUnpacker, type Unpacker } from "./unpack.ts";
import type { Usage } from "./usage.ts";

/** A JSON object as an API wrote it. */
export type Counts = Readonly<Record<string, unknown>>;

/** What one model has used. */
export interface Bill {
  /** As the answer names it; absent: the answer's own. */
  readonly model?: string | undefined;
  /** Its part. */
  readonly usage: Usage;
}

/** What stood beside the counts. */
export interface Beside {
  /** Of the event. */
  readonly type: string | undefined;
  /** Searches among the things the answer did. */
  readonly searches: number;
  /** The model that hears, of a session. */
  readonly hearer: string | undefined;
  /** Counts of tools. */
  readonly tools: Counts;
}

/** How an API says what an answer used. */
export interface Dialect {
  /**
   * Where in the answer's JSON, or in that of each event, there stands:
   * `usage`, the counts; `begun`, those of the input alone, before the output;
   * `tools`, more counts; `seconds` of sound that was heard; `model`, `hearer`, `tier`, `type`, `status`, `object`,
   * strings; `background`, true; `action`, something done; `image`, a picture made; `text` and
   * `audio`, what is guessed from.
   */
  readonly shape: Shape;
  /** Counts in our terms: of the answer's own model first. */
  readonly read: (counts: Counts, beside: Beside) => readonly Bill[];
  /** The tier that counts name. */
  readonly tier?: (counts: Counts) => unknown;
  /** Micro-dollars, where the API says itself what it charges. */
  readonly cost?: (counts: Counts) => number | undefined;
}

/** How the answers of an endpoint are metered. */
export interface Metering {
  /** The wire. */
  readonly dialect: Dialect;
  /** Counts add up: of files of results, and of sockets. Else a later count takes the place of the earlier. */
  readonly each?: true;
  /** The tier of all that is done here. */
  readonly tier?: string;
  /** The usage shown is that of a thing which can be looked at again: the path's name for it (group 1), or the one that the answer gives. */
  readonly once?: RegExp | "named";
  /** `once` holds only of things that are made in the background; others were counted when they were made, and what is `shown` here of them counts nothing. */
  readonly background?: "made" | "shown";
  /** Streams tell their usage only to who asks for it: see `askForUsage()`. */
  readonly asks?: true;
  /** JSON comes while it is written, piece by piece. */
  readonly pieces?: true;
  /** Pictures are counted. */
  readonly pictures?: true;
  /** What is guessed; {@linkcode guessAnswer} where absent. */
  readonly guess?: (guessing: Guessing) => Usage;
}

/** What need not be metered: `free` costs nothing; `later` begins what costs something, and its answer shows nothing of that. */
export type Unmetered = "free" | "later";

/** A row of a provider's table: what is not metered, or how it is, by `METHOD /path` (see `requestLine()`). */
export type MeteringRow = readonly [Metering | Unmetered, RegExp];

/** What no row knows is `unknown`. */
export const meteringOf: (
  rows: readonly MeteringRow[],
  line: string,
) => Metering | Unmetered | "unknown" = rememberingOf((rows, line) =>
  rows.find(([, pattern]) => pattern.test(line))?.[0] ?? "unknown"
);

/** What is known before the first byte. */
export interface Answer {
  /** Status code: what is no success costs nothing. */
  readonly status: number;
  /** `Content-Type`. */
  readonly type?: string | null;
  /** `Content-Encoding`. */
  readonly encoding?: string | null;
  /** Path of the request. */
  readonly path?: string;
  /** What the request asks for, guessed: `estimateRequest()`; called where it may be needed. */
  readonly asked?: () => Usage;
}

/** What an answer has used, and how well that is known. */
export interface Metered {
  /**
   * `measured`: all of it reported by the API. `partial`: some reported, the
   * rest guessed from what passed, never less than was reported. `estimated`:
   * guessed.
   */
  readonly state: "measured" | "partial" | "estimated";
  /** The whole. */
  readonly usage: Usage;
  /** As the answer names it. */
  readonly model?: string;
  /** As the answer names it, lower case (`priority`, `flex`, `fast`, `batch`, …). */
  readonly tier?: string;
  /** Where more than one model was used: the parts of `usage`; `""` is a model nobody named. */
  readonly byModel?: Readonly<Record<string, Usage>>;
  /** Whole micro-dollars, as the API says; only of what is `measured`. */
  readonly cost?: number;
  /** The thing whose usage this is: it is shown at every look at it, and is to be counted at the first that is `measured`, and at the first that is `partial`. */
  readonly once?: string;
  /** Nothing is known yet: the work goes on, and a later look at `once` shows its usage. */
  readonly later?: true;
}

/** A meter for one answer, or one socket. */
export interface Meter {
  /** The answer was written before its first byte: who leaves in the middle has to pay for all of it, and it is worth while to read on for its counts. */
  readonly written: boolean;
  /** Looks at bytes that pass. */
  readonly see: (chunk: Uint8Array) => void;
  /** Looks at a whole message of a socket. */
  seeMessage(message: string | Uint8Array): void;
  /** Tells what it would be if this were the end; `end()` is as if nobody had asked. */
  soFar(): Metered;
  /** Tells what was used; once. Waits for nothing but what had to be unpacked. */
  end(ending: "complete" | "cut"): Promise<Metered>;
}

const NOTHING: Metered = { state: "measured", usage: {} };
const UNKNOWN: Metered = { state: "estimated", usage: {} };

/** Opens a meter for an answer of an endpoint that is metered so. */
export function openMeter(
  how: Metering | Unmetered | "unknown",
  answer: Answer,
): Meter {
  if (isUnmetered(how) || answer.status >= 300) return idleMeter(NOTHING);
  if (how === "unknown") return idleMeter(UNKNOWN);
  const tally = openTally(how, answer);
  const scan = openScan(how.dialect.shape, tally.finder);
  const read = EVENTS.test(answer.type ?? "")
    ? openEvents({ data: scan.push, dispatch: scan.reset })
    : scan.push;
  // Whatever an answer does to its meter must not reach those who wait for it.
  let broken = false;
  const safely = (work: () => void) => {
    try {
      work();
    } catch {
      broken = true;
    }
  };
  const source = openSource(answer, (bytes) =>
    safely(() => {
      tally.weigh(bytes.byteLength);
      read(bytes);
    }));
  let socket = false;
  return {
    written: JSON_DOCUMENT.test(answer.type ?? "") && !how.pieces,
    see: source.push,
    seeMessage(message) {
      socket = true;
      safely(() => {
        scan.push(message instanceof Uint8Array ? message : encode(message));
        scan.reset();
      });
    },
    soFar: () => broken ? UNKNOWN : tally.soFar(),
    async end(ending) {
      const readable = await source.end() && !broken;
      const whole = socket || answer.status < 200 || ending === "complete";
      let metered = UNKNOWN;
      safely(() => {
        scan.reset();
        metered = tally.close({ readable, whole });
      });
      return metered;
    },
  };
}

/** Whether an answer shows no usage of its own. */
export function isUnmetered(how: unknown): how is Unmetered {
  return how === "free" || how === "later";
}

function idleMeter(metered: Metered): Meter {
  return {
    written: false,
    see() {},
    seeMessage() {},
    soFar: () => metered,
    end: () => Promise.resolve(metered),
  };
}

const JSON_DOCUMENT = /^application\/json\b/i;

const ENCODER = new TextEncoder();

function encode(text: string): Uint8Array {
  return ENCODER.encode(text);
}

/** Sound, pictures and films hold no counts. */
const OPAQUE = /^(?:audio|image|video)\//i;

/** Gives `read` the plain bytes of an answer, as far as they may hold counts. */
function openSource(
  { type, encoding }: Answer,
  read: (bytes: Uint8Array) => void,
): Unpacker {
  if (OPAQUE.test(type ?? "")) return { push() {}, end: () => DONE };
  const coding = encoding?.trim().toLowerCase() || "identity";
  if (coding === "identity") return { push: read, end: () => DONE };
  return openUnpacker(coding, read) ??
    { push() {}, end: () => Promise.resolve(false) };
}

const DONE = Promise.resolve(true);
