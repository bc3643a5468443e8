/**
 * Names of members, told apart where they stand in the bytes: most are not
 * asked for, and need not become strings.
 *
 * @module
 */

import type { Shape } from "./scan.ts";

/** Longest member name that can be asked for, and longest number, bytes. */
export const LONGEST_NAME = 64;

const QUOTE = 0x22, BACKSLASH = 0x5c;

/** Where a name that is short, plain and all there ends; else -1. */
export function nameEnd(chunk: Uint8Array, from: number): number {
  const most = Math.min(chunk.length, from + LONGEST_NAME);
  for (let at = from; at < most; at++) {
    if (chunk[at] === QUOTE) return at;
    if (chunk[at] === BACKSLASH) return -1;
  }
  return -1;
}

/** The name asked for that stands there; empty where it is another. */
export function nameIn(
  shape: Shape,
  chunk: Uint8Array,
  from: number,
  end: number,
): string {
  for (const name of namesOf(shape)) {
    if (name.length !== end - from) continue;
    let at = from;
    while (at < end && chunk[at] === name.charCodeAt(at - from)) at++;
    if (at === end) return name;
  }
  return "";
}

const NAMES = new WeakMap<Shape, readonly string[]>();

function namesOf(shape: Shape): readonly string[] {
  let names = NAMES.get(shape);
  if (names === undefined) NAMES.set(shape, names = Object.keys(shape));
  return names;
}
