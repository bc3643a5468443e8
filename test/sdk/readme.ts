/** The files that the README gives to coding tools, as it gives them. */

import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { parse as parseToml } from "smol-toml";

/** What stands in them for the reader's own. */
export interface Own {
  readonly B: string;
  readonly T: string;
}

/** A parsed file, or a part of one. */
// deno-lint-ignore no-explicit-any
export type Value = any;

const PARSERS: Readonly<Record<string, (text: string) => Value>> = {
  json: JSON.parse,
  toml: parseToml,
  sh: parseEnv,
};

const readme = readFileSync(
  new URL("../../README.md", import.meta.url),
  "utf8",
);

/** Parsed, by name: the fenced blocks under a heading that are named. */
export function filesOf(
  heading: string,
  own: Own,
  text = readme,
): Readonly<Record<string, Value>> {
  const [, below = ""] = text.split(`\n## ${heading}\n`);
  const [section = ""] = below.split("\n## ");
  const blocks = section.matchAll(/^```(\w+) (.+)\n([^]*?)^```$/gm);
  return Object.fromEntries(
    [...blocks].map(([, language, name, content]) => [
      name,
      filled(PARSERS[language!]!(content!), own),
    ]),
  );
}

/** `B` and what begins with it as a base, and `T`, wherever they are a whole value. */
function filled(value: Value, own: Own): Value {
  if (typeof value === "string") {
    return value === "T" ? own.T : value.replace(/^B(?=\/|$)/, own.B);
  }
  if (Array.isArray(value)) return value.map((item) => filled(item, own));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, filled(item, own)]),
  );
}
