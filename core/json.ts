/**
 * JSON text, read by position: what is found can be cut out or replaced, and
 * every other byte stays as it was.
 *
 * @module
 */

/** Where a value stands in JSON text. */
export interface Span {
  /** Offset of the value's first character. */
  readonly start: number;
  /** Offset after the value's last character. */
  readonly end: number;
}

/**
 * Every member called `name` of the object that `text` holds, nested ones left
 * out, repeated ones included: which of two equal names counts is the origin's
 * choice. `undefined` where the text is not one object from end to end.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { members } from "./json.ts";
 *
 * const text = '{"a":[{"model":"x"}],"mo\\u0064el":"m"}';
 * assert.deepEqual(members(text, "model"), [{ start: 34, end: 37 }]);
 * assert.equal(members('{"model":"m"', "model"), undefined);
 * ```
 */
export function members(text: string, name: string): Span[] | undefined {
  const found: Span[] = [];
  let depth = 0;
  let at = skipSpace(text, 0);
  if (text[at] !== "{") return undefined;
  let key: string | undefined; // of the member being read at depth 1
  let start = -1; // of its value
  let last = at; // end of the token before
  for (; at < text.length; at = skipSpace(text, last)) {
    const mark = text[at]!;
    if (depth === 1 && key !== undefined && start === -1) start = at;
    if (depth === 1 && (mark === "," || mark === "}")) {
      if (key === name && start !== -1) found.push({ start, end: last });
      key = undefined;
      start = -1;
    }
    if (mark === "{" || mark === "[") depth++;
    if (mark === "}" || mark === "]") depth--;
    const end = tokenEnd(text, at);
    if (end === undefined || depth < 0) return undefined;
    if (depth === 0) {
      return skipSpace(text, end) === text.length ? found : undefined;
    }
    const next = skipSpace(text, end);
    if (
      depth === 1 && mark === '"' && key === undefined && text[next] === ":"
    ) {
      key = JSON.parse(text.slice(at, end));
      last = next + 1;
    } else last = end;
  }
  return undefined;
}

/** Where the values of the array stand that is at `span`, which must hold valid JSON. */
export function elements(text: string, { start, end }: Span): Span[] {
  const found: Span[] = [];
  let depth = 0;
  let from = -1;
  let last = start;
  for (let at = start; at < end; at = skipSpace(text, last)) {
    const mark = text[at]!;
    const closes = mark === "]" || mark === "}";
    if (depth === 1 && (mark === "," || closes)) {
      if (from !== -1) found.push({ start: from, end: last });
      from = -1;
    } else if (depth === 1 && from === -1) from = at;
    if (mark === "{" || mark === "[") depth++;
    if (closes) depth--;
    last = tokenEnd(text, at) ?? end;
  }
  return found;
}

/** `text` without the elements of an array that `keep` turns down, commas put right. */
export function keepElements(
  text: string,
  array: Span,
  keep: (element: string) => boolean,
): string {
  const all = elements(text, array);
  const kept = all.map(({ start, end }) => text.slice(start, end)).filter(keep);
  return kept.length === all.length
    ? text
    : `${text.slice(0, array.start)}[${kept.join(",")}]${
      text.slice(array.end)
    }`;
}

/** JSON's white space, no other. */
function skipSpace(text: string, at: number): number {
  while (" \t\n\r".includes(text[at] ?? "x")) at++;
  return at;
}

/** The end of the string, mark or bare word at `at`. By hand: a regular expression gives up at some megabytes, Bun's without a word. */
function tokenEnd(text: string, at: number): number | undefined {
  if (text[at] !== '"') {
    if ("{}[]:,".includes(text[at]!)) return at + 1;
    while (at < text.length && !' \t\n\r"{}[]:,'.includes(text[at]!)) at++;
    return at;
  }
  for (let end = text.indexOf('"', at + 1); end !== -1;) {
    let slashes = 0;
    while (text[end - 1 - slashes] === "\\") slashes++;
    if (slashes % 2 === 0) return end + 1;
    end = text.indexOf('"', end + 1);
  }
  return undefined;
}
