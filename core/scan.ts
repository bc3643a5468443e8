/**
 * JSON read as it goes by: of any number of values in a row, only what stands
 * at the places asked for is kept, all else is passed over. Memory is bounded
 * by what is asked for, whatever goes by; nothing is thrown, and what is no
 * JSON finds nothing.
 *
 * An array around the values is not noticed, so that a list of events reads
 * like a stream of them.
 *
 * @module
 */

import { LONGEST_NAME, nameEnd, nameIn } from "./scan_name.ts";
import { openText, type Text } from "./text.ts";

/** Longest value that is kept, bytes; of a longer one nothing is. */
const LONGEST = 65_536;

/** The places asked for, in the form of the JSON itself. */
export interface Shape {
  /** `*` is each element of an array; a string the name under which a value is handed over. */
  readonly [member: string]: Shape | string;
}

/** Where what was found goes. */
export interface Finder {
  /** Names of which only the length is wanted: strings of any size. */
  readonly measured: ReadonlySet<string>;
  /** A value, as JSON text; `undefined` where it was too long to keep. */
  readonly found: (name: string, text: string | undefined) => void;
  /** So many bytes more of a measured string. */
  readonly passed: (name: string, bytes: number) => void;
  /** A value of the row has ended; its text where it is a bare word. */
  readonly ended: (word?: string) => void;
}

/** A reader for bytes that come in pieces. */
export interface Scan {
  /** Reads on. */
  push(chunk: Uint8Array): void;
  /** Forgets the value that has not ended: the next one begins. */
  reset(): void;
}

/** An object or array on the way to a place asked for. */
interface Frame {
  readonly shape: Shape;
  readonly array: boolean;
  /** Of the member whose value comes next. */
  name: string | undefined;
}

/** What is being read: marks between values, a word, a string, or the inside of a container that holds nothing asked for. */
interface State {
  readonly shape: Shape;
  readonly finder: Finder;
  readonly text: Text;
  readonly frames: Frame[];
  inWord: boolean;
  inString: boolean;
  /** Whether an odd number of backslashes stands before what comes. */
  odd: boolean;
  /** Of containers passed over, the outermost included. */
  depth: number;
  /** What the value being read is to be handed over as; `NAME` for a member's name, `WORD` for a value that is one bare word. */
  wanted: string | undefined;
  /** Of the value so far; `undefined` when it is too long. */
  kept: string | undefined;
  /** Bytes in `kept`. */
  size: number;
  /** Whether it is a name or a word, which are ASCII where they count. */
  short: boolean;
  /** Where in the chunk begins what has not been kept yet. */
  from: number;
}

const QUOTE = 0x22, BACKSLASH = 0x5c, COMMA = 0x2c, COLON = 0x3a;
const ARRAY = 0x5b, ARRAY_END = 0x5d, OBJECT = 0x7b, OBJECT_END = 0x7d;
const NAME = " name", WORD = " word";

/** Looks for `shape` in the values that come. */
export function openScan(shape: Shape, finder: Finder): Scan {
  const text = openText();
  const fresh = (): State => ({
    shape,
    finder,
    text,
    frames: [],
    inWord: false,
    inString: false,
    odd: false,
    depth: 0,
    wanted: undefined,
    kept: "",
    size: 0,
    short: false,
    from: 0,
  });
  let state = fresh();
  return {
    push(chunk) {
      state.from = 0;
      for (let at = 0; at < chunk.length;) {
        if (state.inString) at = readString(state, chunk, at);
        else if (state.inWord) at = readWord(state, chunk, at);
        else if (state.depth > 0) at = passOver(state, chunk, at);
        else at = readMark(state, chunk, at);
      }
      keep(state, chunk, chunk.length);
    },
    reset() {
      if (state.inWord && state.frames.length === 0) {
        finish(state, new Uint8Array(), 0);
      }
      text.forget();
      state = fresh();
    },
  };
}

/** A string goes on at `at`; returns where it, or the chunk, ends. */
function readString(state: State, chunk: Uint8Array, at: number): number {
  const quote = chunk.indexOf(QUOTE, at);
  const end = quote === -1 ? chunk.length : quote;
  let slashes = end;
  while (slashes > at && chunk[slashes - 1] === BACKSLASH) slashes--;
  const escapes = (end - slashes) % 2 === 1;
  state.odd = escapes !== (slashes === at && state.odd);
  if (quote === -1) return end;
  if (!state.odd) {
    if (isMeasured(state)) keep(state, chunk, quote);
    state.inString = false;
    if (state.depth === 0) finish(state, chunk, quote + 1);
  }
  state.odd = false;
  return quote + 1;
}

/** A number or bare word goes on. */
function readWord(state: State, chunk: Uint8Array, at: number): number {
  while (at < chunk.length && isWord(chunk[at]!)) at++;
  if (at < chunk.length) {
    state.inWord = false;
    finish(state, chunk, at);
  }
  return at;
}

/** Up to the end of a container, or a string in it. */
function passOver(state: State, chunk: Uint8Array, at: number): number {
  for (; at < chunk.length; at++) {
    const byte = chunk[at]!;
    if (byte === QUOTE) {
      state.inString = true;
      return at + 1;
    }
    if (byte === OBJECT || byte === ARRAY) state.depth++;
    if (byte !== OBJECT_END && byte !== ARRAY_END) continue;
    if (--state.depth > 0) continue;
    finish(state, chunk, at + 1);
    return at + 1;
  }
  return at;
}

/** A mark, or the beginning of a value. */
function readMark(state: State, chunk: Uint8Array, at: number): number {
  const { frames } = state;
  const byte = chunk[at]!;
  const frame = frames.at(-1);
  if (byte === COMMA) {
    if (frame) frame.name = undefined;
  } else if (byte === OBJECT_END || byte === ARRAY_END) {
    if (frames.pop() && frames.length === 0) state.finder.ended();
  } else if (byte > 0x20 && byte !== COLON && (byte !== ARRAY || frame)) {
    const end = byte === QUOTE && isNamed(frame) ? nameEnd(chunk, at + 1) : -1;
    if (end === -1) beginValue(state, byte, at);
    else {
      frame!.name = nameIn(frame!.shape, chunk, at + 1, end);
      return end + 1;
    }
  }
  return at + 1;
}

/** Whether the next string is a member's name. */
function isNamed(frame: Frame | undefined): boolean {
  return frame !== undefined && !frame.array && frame.name === undefined;
}

function beginValue(state: State, byte: number, at: number): void {
  const frame = state.frames.at(-1);
  const place = placeOf(state.shape, frame);
  const container = byte === OBJECT || byte === ARRAY;
  state.wanted = typeof place === "string" ? place : undefined;
  state.kept = "";
  state.size = 0;
  state.short = false;
  state.from = at;
  if (container && typeof place === "object") {
    const array = byte === ARRAY;
    state.frames.push({ shape: place, array, name: undefined });
  } else if (container) {
    if (isMeasured(state)) state.wanted = undefined;
    state.depth = 1;
  } else if (byte === QUOTE) {
    state.inString = true;
    if (isNamed(frame)) {
      state.wanted = NAME;
      state.short = true;
    }
    if (isMeasured(state)) state.from = at + 1;
  } else {
    state.inWord = state.short = true;
    if (frame === undefined) state.wanted = WORD;
  }
}

function placeOf(shape: Shape, frame: Frame | undefined) {
  if (frame === undefined) return shape;
  const name = frame.array ? "*" : frame.name;
  return name !== undefined && Object.hasOwn(frame.shape, name)
    ? frame.shape[name]
    : undefined;
}

function isMeasured({ wanted, finder }: State): boolean {
  return wanted !== undefined && finder.measured.has(wanted);
}

/** Takes over what of the chunk, up to `end`, belongs to the value being read. */
function keep(state: State, chunk: Uint8Array, end: number): void {
  const { wanted, from, finder, text, short } = state;
  state.from = end;
  if (wanted === undefined || end === from) return;
  if (isMeasured(state)) {
    if (state.inString) finder.passed(wanted, end - from);
    return;
  }
  state.size += end - from;
  if (state.kept === undefined) return;
  if (state.size > (short ? LONGEST_NAME : LONGEST)) {
    state.kept = undefined;
    text.forget();
    return;
  }
  const ascii = short || state.kept === "" && isAscii(chunk, from, end);
  const bytes = chunk.subarray(from, end);
  state.kept += ascii
    ? String.fromCharCode.apply(null, bytes as unknown as number[])
    : text.decode(bytes);
}

/** Whether so few bytes are all ASCII that characters can be made of them at once. */
function isAscii(chunk: Uint8Array, from: number, end: number): boolean {
  if (end - from > LONGEST_NAME) return false;
  while (from < end && chunk[from]! < 0x80) from++;
  return from === end;
}

/** The value being read ends at `end`. */
function finish(state: State, chunk: Uint8Array, end: number): void {
  keep(state, chunk, end);
  const { wanted, kept, finder, frames } = state;
  const measured = isMeasured(state);
  state.wanted = undefined;
  if (wanted === NAME) frames.at(-1)!.name = nameOf(kept);
  else if (frames.length === 0) {
    finder.ended(wanted === WORD ? kept : undefined);
  } else if (wanted !== undefined && !measured) finder.found(wanted, kept);
}

/** What a member's name in quotes says; none of ours where it cannot be read. */
function nameOf(literal = '""'): string {
  if (!literal.includes("\\")) return literal.slice(1, -1);
  try {
    return JSON.parse(literal);
  } catch {
    return "";
  }
}

/** What may go on a number or bare word. */
function isWord(byte: number): boolean {
  return byte > 0x20 && byte !== COMMA && byte !== COLON && byte !== QUOTE &&
    byte !== OBJECT && byte !== OBJECT_END && byte !== ARRAY &&
    byte !== ARRAY_END;
}
