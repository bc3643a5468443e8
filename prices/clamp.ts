/**
 * How far a request's limit must be lowered for its bound to fit what is left
 * of a budget: the one case where doppel changes what is asked.
 *
 * @module
 */

import { members, type Span } from "../core/json.ts";
import {
  type Ask,
  type Bound,
  type Worst,
  worstCase,
  worstOf,
} from "./bound.ts";
import type { PriceBook } from "./price.ts";
import { type Shape, shapeOf, type Unbounded } from "./request.ts";
import { strictly } from "./strict.ts";

/** A request whose limit is lowered. */
export interface Clamped {
  /** The content, as it was but for the limit. */
  readonly text: string;
  /** Tokens per answer, as written there. */
  readonly maxOutput: number;
  /** The new bound. */
  readonly bound: Bound;
}

/** OpenAI's Responses refuse less. */
const LEAST = 16;

/**
 * Lowers what a request may write until its bound is within `left`
 * micro-dollars; no limit is ever raised. `undefined` where that leaves less
 * than 16 tokens, or less than the request's own budget for thoughts.
 */
export function clamp(
  book: PriceBook,
  ask: Ask,
  left: number,
): Clamped | Unbounded | undefined {
  const asked = worstOf(book, ask);
  if ("unbounded" in asked) return asked;
  const bound = asked.at(asked.limit);
  const room = roomOf(book, ask, asked);
  if (room === undefined || "unbounded" in room) return room;
  if (bound.microDollars <= left) {
    return { text: room.before, maxOutput: asked.limit, bound };
  }
  const { text, limits, least, worst } = room;
  let [fits, tooMany] = [least - 1, asked.limit];
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    if (worst.at(middle).microDollars <= left) fits = middle;
    else tooMany = middle;
  }
  if (fits < least) return undefined;
  const fitting = { ...ask, text: lowered(text, fits, { limits, ask }) };
  const lower = worstCase(book, fitting);
  return "unbounded" in lower
    ? lower
    : { text: fitting.text, maxOutput: fits, bound: lower };
}

/** The least micro-dollars with which `clamp()` can do something; `undefined` where it never can. */
export function leastOf(book: PriceBook, ask: Ask): number | undefined {
  const asked = worstOf(book, ask);
  if ("unbounded" in asked) return undefined;
  const room = roomOf(book, ask, asked);
  if (room === undefined || "unbounded" in room) return undefined;
  if (room.least >= asked.limit) return undefined;
  const { microDollars } = room.worst.at(room.least);
  return microDollars < asked.at(asked.limit).microDollars
    ? microDollars
    : undefined;
}

/** What a limit can be lowered in, and how far. */
function roomOf(book: PriceBook, ask: Ask, { limit }: Worst) {
  const limits = shapeOf(ask.endpoint, ask.olderLimit)?.limit;
  const { text: before } = ask;
  if (limits === undefined || before === undefined) return undefined;
  // The member itself may be new, and its bytes count.
  const text = lowered(before, limit, { limits, ask });
  const worst = worstOf(book, { ...ask, text });
  if ("unbounded" in worst) return worst;
  const { budget_tokens: thoughts } = Object(strictly(text)?.thinking);
  const least = Math.max(LEAST, Number.isFinite(thoughts) ? thoughts + 1 : 0);
  return { before, text, limits, least, worst };
}

/** Those that take OpenAI's newer name for the limit; its reasoning models take no other. */
const NEWER_NAME = ["openai", "groq", "xai"];

/** Writes the limit where limits stand, or else adds it. */
function lowered(
  text: string,
  limit: number,
  { limits, ask }: { limits: Shape["limit"] & object; ask: Ask },
): string {
  const standing = limits.map((path) => spanOf(text, path))
    .filter((span) => span !== undefined)
    .sort((a, b) => b.start - a.start);
  for (const { start, end } of standing) {
    const value: number | null = JSON.parse(text.slice(start, end));
    if (value !== null && value <= limit) continue;
    text = text.slice(0, start) + limit + text.slice(end);
  }
  if (standing.length > 0) return text;
  const known = limits.filter(([name]) =>
    name !== "max_completion_tokens" || NEWER_NAME.includes(ask.provider)
  );
  const [outer = "", inner] =
    known.find(([outer = ""]) => spanOf(text, [outer]) !== undefined) ??
      known[0]!;
  if (inner === undefined) return withMember(text, 0, `"${outer}":${limit}`);
  const span = spanOf(text, [outer]);
  const member = `"${inner}":${limit}`;
  if (span === undefined) return withMember(text, 0, `"${outer}":{${member}}`);
  return text[span.start] === "{"
    ? withMember(text, span.start, member)
    : `${text.slice(0, span.start)}{${member}}${text.slice(span.end)}`;
}

/** Where the value at `path` stands; the text has no member twice. */
function spanOf(text: string, [name = "", inner]: readonly string[]) {
  const span = members(text, name)?.[0];
  if (span === undefined || inner === undefined) return span;
  const found = members(text.slice(span.start, span.end), inner)?.[0];
  return found && shifted(found, span.start);
}

function shifted({ start, end }: Span, by: number): Span {
  return { start: start + by, end: end + by };
}

/** Puts a member first into the object that begins at or after `at`. */
function withMember(text: string, at: number, member: string): string {
  const inside = text.indexOf("{", at) + 1;
  const comma = /^[ \t\n\r]*\}/.test(text.slice(inside)) ? "" : ",";
  return text.slice(0, inside) + member + comma + text.slice(inside);
}
