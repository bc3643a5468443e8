/**
 * Which models a request names: in its path, its query, a form field, or the
 * top level of its JSON. Read only for tokens that are limited to some models.
 *
 * Strict on purpose: where doppel and an origin could read the same content
 * differently, it counts as unreadable, and what cannot be read is refused.
 *
 * @module
 */

import { members, textOf } from "./json.ts";
import { percentDecode } from "./provider.ts";
import type { Target } from "./target.ts";

/** The parts of a request that may name a model. */
export interface ModelSources {
  /** Where it goes. */
  readonly target: Target;
  /** The provider's pattern, whose first group is the model. */
  readonly pattern: RegExp;
  /** `Content-Type`. */
  readonly type: string | null;
  /** `Content-Encoding`. */
  readonly encoding: string | null;
  /** The whole content; `undefined` where there is none. */
  readonly content: Uint8Array | undefined;
}

/** What was found; longer names than any model's count as unreadable. */
export interface ModelsNamed {
  /** By path or content, which is what origins go by. */
  readonly named: readonly string[];
  /** By the query: must be covered too, but proves nothing. */
  readonly mentioned: readonly string[];
}

const LONGEST = 256;

/** `undefined` where the content cannot be read beyond doubt. */
export function modelsNamed(sources: ModelSources): ModelsNamed | undefined {
  const { target, pattern, type, encoding, content } = sources;
  const path = percentDecode(target.path).replace(/\/+/g, "/");
  const inPath = pattern.exec(path)?.[1];
  const inContent = content === undefined
    ? []
    : encoding === null
    ? modelsInContent(type ?? "", content)
    : undefined;
  if (inContent === undefined) return undefined;
  const named = (inPath === undefined ? [] : [inPath]).concat(inContent)
    .map((model) => model.replace(/^models\//, ""));
  const mentioned = new URLSearchParams(target.query).getAll("model");
  const all = [...named, ...mentioned];
  return all.some((model) => model.length > LONGEST)
    ? undefined
    : { named, mentioned };
}

/** JSON that every server decodes alike. */
export const JSON_TYPE = /^application\/json(?:; ?charset="?utf-8"?)?$/i;
/** A form that every server takes apart alike. */
export const FORM_TYPE =
  /^multipart\/form-data; ?boundary=(?:([\w'()+.\/:=?-]{1,70})|"([\w'()+.\/:=?-]{1,70})")$/i;

/** A model that content names, and where. */
export interface ModelPlace {
  /** As it stands there. */
  readonly model: string;
  /** Offset of its first byte, or of the quote before. */
  readonly start: number;
  /** Offset behind the last, or the quote. */
  readonly end: number;
  /** Whether it stands between quotes. */
  readonly quoted: boolean;
}

/** Models by their places, none that is not ASCII; `undefined` where the content cannot be read beyond doubt. */
export function modelPlaces(
  type: string,
  content: Uint8Array,
): ModelPlace[] | undefined {
  // Each byte a character: places are offsets, and marks are ASCII.
  const text = latin1(content);
  const boundary = boundaryOf(type);
  const places = JSON_TYPE.test(type)
    ? placesInJson(text)
    : boundary === undefined
    ? undefined
    : placesInForm(boundary, text);
  return places?.every(({ model }) => /^[\x20-\x7e]*$/.test(model))
    ? places
    : undefined;
}

function boundaryOf(type: string): string | undefined {
  const [, plain, quoted] = FORM_TYPE.exec(type) ?? [];
  return plain ?? quoted;
}

function latin1(content: Uint8Array): string {
  return new TextDecoder("latin1").decode(content);
}

function modelsInContent(
  type: string,
  content: Uint8Array,
): string[] | undefined {
  if (JSON_TYPE.test(type)) return modelsInJson(content);
  const boundary = boundaryOf(type);
  return boundary === undefined ? undefined : modelsInForm(boundary, content);
}

function modelsInJson(content: Uint8Array): string[] | undefined {
  const text = textOf(content);
  return text === undefined
    ? undefined
    : placesInJson(text)?.map(({ model }) => model);
}

function placesInJson(text: string): ModelPlace[] | undefined {
  try {
    return members(text, "model")?.map(({ start, end }) => {
      const model: unknown = JSON.parse(text.slice(start, end));
      if (typeof model !== "string") throw new TypeError("no model's name");
      return { model, start, end, quoted: true };
    });
  } catch {
    return undefined;
  }
}

/** The one form in which every client writes a part's disposition; others are read differently by different servers. */
const DISPOSITION =
  /^content-disposition: form-data; name="([^"\\\r\n]*)"(; filename="[^"\\\r\n]*")?(?:; filename\*=[^"\\;\r\n]*)?$/i;
const PART_FIELD =
  /^(?:content-type|content-length|content-transfer-encoding): [^\r\n]*$/i;

function modelsInForm(
  boundary: string,
  content: Uint8Array,
): string[] | undefined {
  return placesInForm(boundary, latin1(content))?.map(({ model }) => model);
}

function placesInForm(
  boundary: string,
  text: string,
): ModelPlace[] | undefined {
  const parts = `\r\n${text}`.split(`\r\n--${boundary}`);
  const last = parts.pop()!;
  if (parts.shift() !== "" || !/^--(?:\r\n)?$/.test(last)) return undefined;
  const models: ModelPlace[] = [];
  const delimiter = `\r\n--${boundary}`.length;
  let end = delimiter - 2;
  for (const part of parts) {
    const start = end;
    end += part.length + delimiter;
    const head = part.indexOf("\r\n\r\n");
    const [empty, ...lines] = part.slice(0, head).split("\r\n");
    const [own, ...more] = lines.filter((line) => !PART_FIELD.test(line));
    const [, name, file] = DISPOSITION.exec(own ?? "") ?? [];
    if (head === -1 || empty !== "" || name === undefined || more.length > 0) {
      return undefined;
    }
    if (name === "model") {
      if (file !== undefined) return undefined;
      const model = part.slice(head + 4);
      models.push({
        model,
        start: start + head + 4,
        end: start + part.length,
        quoted: false,
      });
    }
  }
  return models;
}

/** Whether a glob (`*` is any run of characters) covers a model's name whole. */
export function covers(glob: string, model: string): boolean {
  const [first = "", ...rest] = glob.split("*");
  if (rest.length === 0) return model === glob;
  const last = rest.pop()!;
  if (!model.startsWith(first)) return false;
  let at = first.length;
  for (const literal of rest) {
    const found = model.indexOf(literal, at);
    if (found === -1) return false;
    at = found + literal.length;
  }
  return model.length - last.length >= at && model.endsWith(last);
}
