/**
 * JSON passed over quickly: what of a large request is needed is found by its
 * place, and the rest is neither copied nor understood. A text that is no JSON
 * has no members; what comes after its end is not looked at.
 *
 * @module
 */

const QUOTE = 0x22, BACKSLASH = 0x5c, COMMA = 0x2c, COLON = 0x3a;
const ARRAY = 0x5b, ARRAY_END = 0x5d, OBJECT = 0x7b, OBJECT_END = 0x7d;

/** Where a value stands: from its first byte to the one after its last. */
export interface Place {
  /** Offset of the first byte. */
  readonly start: number;
  /** Offset behind the last. */
  readonly end: number;
}

/** Longest name of a member that can be asked for, bytes. */
const LONGEST_NAME = 32;

/** Names that are watched for, by their length: most others are not even read. */
export type Names = readonly (readonly string[] | undefined)[];

/** Names of ASCII, made ready. */
export function namesOf(names: readonly string[]): Names {
  const byLength: string[][] = [];
  for (const name of names) (byLength[name.length] ??= []).push(name);
  return byLength;
}

/** What is passed over, and who watches. */
export interface Skim {
  /** The text, in UTF-8. */
  readonly bytes: Uint8Array;
  /** Told of members anywhere within what is passed over. */
  readonly watch?: {
    /** Which. */
    readonly names: Names;
    /** Where its value begins. */
    readonly found: (value: number) => void;
  };
}

/** Shows the members of the object at `start` in their order; `false` ends it. Returns where the object ends, -1 where it does not or `see` has ended it. */
export function eachMember(
  skim: Skim,
  start: number,
  see: (name: string, value: Place) => boolean | void,
): number {
  const { bytes } = skim;
  let at = skipSpace(bytes, start);
  if (bytes[at] !== OBJECT) return -1;
  at = skipSpace(bytes, at + 1);
  while (bytes[at] === QUOTE) {
    const end = afterString(bytes, at);
    const colon = skipSpace(bytes, end);
    if (end === -1 || bytes[colon] !== COLON) return -1;
    const value = placeAt(skim, colon + 1);
    if (value === undefined) return -1;
    if (see(nameAt(bytes, at, end), value) === false) return -1;
    at = skipSpace(bytes, value.end);
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
  }
  return bytes[at] === OBJECT_END ? at + 1 : -1;
}

/** Shows the elements of the array at `start`; `false` ends it. */
export function eachElement(
  skim: Skim,
  start: number,
  see: (value: Place) => boolean | void,
): void {
  const { bytes } = skim;
  let at = skipSpace(bytes, start);
  if (bytes[at] !== ARRAY) return;
  at = skipSpace(bytes, at + 1);
  while (bytes[at] !== ARRAY_END) {
    const value = placeAt(skim, at);
    if (value === undefined || see(value) === false) return;
    at = skipSpace(bytes, value.end);
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
  }
}

/** Passes over the value at `start`, names within it told to the watcher; returns where it ends, -1 where it does not. */
export function passOver(skim: Skim, start: number): number {
  return afterValue(skim, start);
}

/** Where the string stands whose quote is at `start`. */
export function stringPlace(bytes: Uint8Array, start: number): Place {
  const end = afterString(bytes, start);
  return { start, end: end === -1 ? bytes.length : end };
}

/** The value that begins at `from` or behind the space there. */
function placeAt(skim: Skim, from: number): Place | undefined {
  const start = skipSpace(skim.bytes, from);
  const end = afterValue(skim, start);
  return end === -1 || end === start ? undefined : { start, end };
}

/** Behind the white space at `at`. */
export function skipSpace(bytes: Uint8Array, at: number): number {
  while (bytes[at]! <= 0x20) at++;
  return at;
}

function afterValue(skim: Skim, at: number): number {
  const { bytes } = skim;
  const first = bytes[at];
  if (first === QUOTE) return afterString(bytes, at);
  if (first === OBJECT || first === ARRAY) return afterContainer(skim, at);
  while (at < bytes.length && isWord(bytes[at]!)) at++;
  return at;
}

function isWord(byte: number): boolean {
  return byte > 0x20 && byte !== COMMA && byte !== COLON && byte !== QUOTE &&
    byte !== OBJECT_END && byte !== ARRAY_END;
}

function afterContainer({ bytes, watch }: Skim, at: number): number {
  for (let depth = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) {
      const end = afterString(bytes, at);
      if (end === -1) return -1;
      if (watch && isNamed(bytes, at + 1, end - 1, watch.names)) {
        const colon = skipSpace(bytes, end);
        if (bytes[colon] === COLON) watch.found(skipSpace(bytes, colon + 1));
      }
      at = end - 1;
    } else if (byte === OBJECT || byte === ARRAY) depth++;
    else if (byte === OBJECT_END || byte === ARRAY_END) {
      if (--depth === 0) return at + 1;
    }
  }
  return -1;
}

function isNamed(bytes: Uint8Array, start: number, end: number, names: Names) {
  return names[end - start]?.some((name) => {
    let at = start;
    while (at < end && name.charCodeAt(at - start) === bytes[at]) at++;
    return at === end;
  });
}

/** Bytes looked at one by one before the runtime is asked to search, which costs it more to begin. */
const NEAR = 24;

/** Behind the string whose quote is at `at`; -1 where it does not end. */
function afterString(bytes: Uint8Array, at: number): number {
  for (;;) {
    const near = Math.min(++at + NEAR, bytes.length);
    while (at < near && bytes[at] !== QUOTE && bytes[at] !== BACKSLASH) at++;
    if (at >= near) at = nextMark(bytes, at);
    if (at === -1) return -1;
    if (bytes[at] === QUOTE) return at + 1;
    // What a backslash stands before is no end.
    at++;
  }
}

/** The next quote, or the backslash that stands before one. */
function nextMark(bytes: Uint8Array, at: number): number {
  const quote = bytes.indexOf(QUOTE, at);
  if (quote === -1) return -1;
  let slashes = quote;
  while (slashes > at && bytes[slashes - 1] === BACKSLASH) slashes--;
  return (quote - slashes) % 2 === 0 ? quote : quote - 1;
}

/** A name in quotes; none that anybody asks for where it is long or escaped. */
function nameAt(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > LONGEST_NAME + 2) return "";
  let name = "";
  for (let at = start + 1; at < end - 1; at++) {
    name += String.fromCharCode(bytes[at]!);
  }
  return name;
}
