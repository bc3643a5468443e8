/**
 * Which model a request names: in its path, in a form field, or in the top
 * level of its JSON. Read only for tokens that are limited to some models.
 *
 * @module
 */

import { percentDecode } from "./provider.ts";
import type { Target } from "./target.ts";

/** A member of a JSON object's top level, and where its value stands in the text. */
export interface Member {
  /** The member's name, decoded. */
  readonly name: string;
  /** Offset of the value's first character. */
  readonly start: number;
  /** Offset after the value's last character. */
  readonly end: number;
}

// One JSON token: a string, a run of number/literal characters, or a mark.
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s"{}[\]:,]+/gy;
const SPACE = /\s*/y;

/**
 * The members of the object `text` holds, in order, repeated names included:
 * which of two equal names counts is the origin's choice, so both are seen.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { members } from "./model.ts";
 *
 * const text = '{"a":[{"model":"x"}],"mo\\u0064el":"m"}';
 * const [, member] = members(text);
 * assert.deepEqual(member, { name: "model", start: 34, end: 37 });
 * ```
 */
export function members(text: string): Member[] {
  const found: Member[] = [];
  let depth = 0;
  let name: string | undefined;
  let start = -1;
  let last = "";
  let lastEnd = 0;
  const close = () => {
    if (name !== undefined && start !== -1) {
      found.push({ name, start, end: lastEnd });
    }
    name = undefined;
    start = -1;
  };
  for (let at = skip(text, 0); at < text.length; at = skip(text, lastEnd)) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)?.[0];
    if (token === undefined) break;
    if (depth === 1 && name !== undefined && start === -1) start = at;
    if (depth === 1 && (token === "," || token === "}")) close();
    if (depth === 1 && token === ":" && name === undefined) {
      name = parseString(last);
    }
    if (token === "{" || token === "[") depth++;
    if (token === "}" || token === "]") depth--;
    last = token;
    lastEnd = at + token.length;
  }
  return found;
}

function skip(text: string, at: number): number {
  SPACE.lastIndex = at;
  SPACE.exec(text);
  return SPACE.lastIndex;
}

/** The string a JSON literal stands for; `undefined` where it is none. */
export function parseString(token: string): string | undefined {
  try {
    const value: unknown = JSON.parse(token);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The parts of a request that may name a model. */
export interface ModelSources {
  /** Where it goes. */
  readonly target: Target;
  /** The provider's pattern, whose first group is the model. */
  readonly pattern: RegExp;
  /** `Content-Type` of the body. */
  readonly type: string | null;
  /** The whole body. */
  readonly content: Uint8Array<ArrayBuffer>;
}

/** Every model named in path, query, JSON or form; none where a body cannot be read. */
export async function modelsNamed(sources: ModelSources): Promise<string[]> {
  const { target, pattern, type, content } = sources;
  const inPath = pattern.exec(target.path)?.[1];
  const models = inPath === undefined ? [] : [percentDecode(inPath)];
  models.push(...new URLSearchParams(target.query).getAll("model"));
  if (type?.includes("multipart/form-data")) {
    return [...models, ...await modelsInForm(type, content)];
  }
  const text = new TextDecoder().decode(content);
  for (const { name, start, end } of members(text)) {
    const value = name === "model" ? parseString(text.slice(start, end)) : "";
    if (typeof value !== "string") return [];
    if (name === "model") models.push(value.replace(/^models\//, ""));
  }
  return models;
}

async function modelsInForm(
  type: string,
  content: Uint8Array<ArrayBuffer>,
): Promise<string[]> {
  try {
    const form = await new Response(content, {
      headers: { "content-type": type },
    }).formData();
    return form.getAll("model").filter((value) => typeof value === "string");
  } catch {
    return [];
  }
}

/** Whether a glob (`*` is any run of characters) covers a model's name whole. */
export function covers(glob: string, model: string): boolean {
  const parts = glob.split("*").map((part) =>
    part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
  );
  return new RegExp(`^${parts.join(".*")}$`, "s").test(model);
}
