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

/** UTF-8, exactly: encoded again it is the same bytes. `undefined` where it is none. */
export function textOf(bytes: Uint8Array): string | undefined {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
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

/**
 * The values at a place of parsed JSON: members, split by dots, `*` for each
 * of an array.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { valuesAt } from "./json.ts";
 *
 * const answer = { error: { details: [{ reason: "A" }, { reason: "B" }] } };
 * assert.deepEqual(valuesAt(answer, "error.details.*.reason"), ["A", "B"]);
 * assert.deepEqual(valuesAt(answer, "error.code"), [undefined]);
 * ```
 */
export function valuesAt(value: unknown, path: string): unknown[] {
  return valuesOf(value, path.split("."));
}

function valuesOf(value: unknown, path: readonly string[]): unknown[] {
  const [first, ...rest] = path;
  if (first === undefined) return [value];
  if (typeof value !== "object" || value === null) return [];
  if (first === "*") {
    return Object.values(value).flatMap((one) => valuesOf(one, rest));
  }
  return valuesOf((value as Record<string, unknown>)[first], rest);
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

/**
 * Shows `see` every string of JSON text, quotes included, names of members too.
 * `false` where anything but strings, marks, numbers and JSON's three words
 * stands between them: then another reader may see other strings.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { eachString } from "./json.ts";
 *
 * const seen: string[] = [];
 * const text = '{"a":[1,"b"]}';
 * assert.ok(eachString(text, ({ start, end }) => seen.push(text.slice(start, end))));
 * assert.deepEqual(seen, ['"a"', '"b"']);
 * assert.equal(eachString("{'a':1}"), false);
 * ```
 */
export function eachString(
  text: string,
  see: (string: Span) => void = () => {},
): boolean {
  for (let at = skipSpace(text, 0); at < text.length;) {
    const end = tokenEnd(text, at);
    if (end === undefined) return false;
    if (text[at] === '"') see({ start: at, end });
    else if (!"{}[]:,".includes(text[at]!)) {
      if (end - at > LONGEST_WORD) return false;
      if (!WORD.test(text.slice(at, end))) return false;
    }
    at = skipSpace(text, end);
  }
  return true;
}

const WORD = /^(?:-?\d[\d.eE+-]*|true|false|null)$/;
const LONGEST_WORD = 1_024;

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
