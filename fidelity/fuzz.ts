/** Generated traffic: one case for one seed, whatever runs beside it. */

import type { Case } from "./case.ts";
import { type Ask, type Reply, utf8 } from "./message.ts";
import { type Random, random } from "./random.ts";

/** A case for each of so many seeds from this one on. */
export function fuzz(seed: number, cases: number): Case[] {
  return Array.from({ length: cases }, (_, i) => generated(seed + i));
}

function generated(seed: number): Case {
  const chance = random(seed);
  const sends = askOf(chance);
  return {
    name: `--seed ${seed} --cases 1`,
    sends,
    answers: replyOf(chance, sends.method === "HEAD"),
  };
}

const METHODS = [
  "GET",
  "POST",
  "POST",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "HEAD",
];
const PATHS = [
  "/v1/chat/completions",
  "/v1/responses",
  "/v1/embeddings",
  "/v1/models",
  "/v1/files",
  "/v1/x",
];
const IN_PATH = [..."abcXYZ019-._~!$&'()*+,;=:@/"].concat(
  "%20",
  "%E2%82%AC",
  "%7e",
);
const IN_QUERY = [..."abcXYZ019-._~!$&()*+,;=:@/?[]"].concat(
  "%20",
  "%2F",
  "&",
  "=",
  "%zz",
);
const KNOWN = [
  "accept: text/event-stream",
  "anthropic-beta: a-1,b-2",
  "anthropic-version: 2023-06-01",
  "openai-beta: assistants=v2",
  "idempotency-key: 1",
  "user-agent: OpenAI/JS 7.55.0",
  "x-stainless-retry-count: 1",
  "accept-language: de",
  "if-match: *",
];
const KNOWN_DOWN = [
  "x-request-id: req_1",
  "retry-after: 1",
  "x-ratelimit-remaining-tokens: 5",
  "openai-processing-ms: 5",
  "cache-control: no-cache",
  "server: nginx",
  "vary: accept",
];
const TYPES = [
  "application/json",
  "text/event-stream",
  "text/plain; charset=utf-8",
  "application/octet-stream",
  "audio/mpeg",
];

function askOf(chance: Random): Ask {
  const method = chance.pick(METHODS);
  const path = chance.once(2)
    ? chance.pick(PATHS)
    : "/v1/" + chance.some(12, () => chance.pick(IN_PATH)).join("");
  const query = chance.once(2)
    ? "?" + chance.some(20, () => chance.pick(IN_QUERY)).join("")
    : "";
  const fields = [
    ...chance.some(3, () => chance.pick(KNOWN)),
    ...fieldsOf(chance),
  ];
  const bare = { method, target: path + query, fields: once(fields) };
  if (method === "GET" || method === "HEAD" || chance.once(8)) return bare;
  const [type, content] = contentOf(chance);
  return {
    ...bare,
    fields: [...bare.fields, `content-type: ${type}`],
    ...chance.once(3) ? { chunks: cut(chance, content) } : { content },
  };
}

function replyOf(chance: Random, head: boolean): Reply {
  const status = chance.pick([
    200,
    200,
    200,
    201,
    204,
    304,
    302,
    400,
    401,
    404,
    409,
    429,
    500,
    503,
    529,
  ]);
  const fields = once([
    ...chance.some(3, () => chance.pick(KNOWN_DOWN)),
    ...fieldsOf(chance),
  ]);
  const said = { status: `${status} Generated`, fields };
  if (status === 204 || status === 304) return { ...said, bare: "" };
  const [type, content] = contentOf(chance);
  const typed = { ...said, fields: [...fields, `content-type: ${type}`] };
  if (head) {
    const length = `content-length: ${content.length}`;
    return { ...typed, fields: [...typed.fields, length], bare: "" };
  }
  if (chance.once(6) && content) return { ...typed, bare: content };
  return chance.once(2)
    ? { ...typed, chunks: cut(chance, content) }
    : { ...typed, content };
}

/** Unheard-of names, values of any bytes that a value may have. */
function fieldsOf(chance: Random): string[] {
  return chance.some(5, () => {
    const name = chance.some(6, () => chance.pick([..."abcXYZ09-_"])).join("");
    const value = chance.some(30, () => {
      const code = chance.once(8)
        ? 128 + chance.below(128)
        : 32 + chance.below(95);
      return String.fromCharCode(code);
    }).join("");
    return `x-f${name}: ${value.trim()}`;
  });
}

/** Each of the known names once: what lists them twice is a case of its own. */
function once(fields: readonly string[]): string[] {
  return [
    ...new Map(fields.map((line) => [line.split(":")[0]!.toLowerCase(), line]))
      .values(),
  ];
}

function contentOf(chance: Random): [type: string, content: string] {
  const type = chance.pick(TYPES);
  if (type === "application/json") return [type, utf8(jsonOf(chance, 3))];
  if (type === "text/event-stream") return [type, eventsOf(chance)];
  const bytes = chance.some(
    chance.once(10) ? 70_000 : 300,
    () => String.fromCharCode(chance.below(256)),
  );
  return [type, bytes.join("")];
}

const SPACE = ["", "", "", " ", "\n", "\t", "\r\n"];
const SCALARS = [
  "0",
  "-0",
  "1.0",
  "1e2",
  "1E+2",
  "12345678901234567890",
  "0.10",
  "true",
  "null",
  '""',
  '"é"',
  '"\\u00e9"',
  '"\\/"',
  '"😀"',
  '"\\ud83d"',
];
const NAMES = [
  '"model"',
  '"messages"',
  '"a"',
  '"a"',
  '"é"',
  '""',
  '"__proto__"',
  '"stream"',
];

function jsonOf(chance: Random, depth: number): string {
  const space = () => chance.pick(SPACE);
  const value = () =>
    space() + (depth === 0 || chance.once(2)
      ? chance.pick(SCALARS)
      : jsonOf(chance, depth - 1)) +
    space();
  return chance.once(3)
    ? `[${chance.some(4, value).join(",") || space()}]`
    : `{${
      chance.some(5, () =>
        `${space()}${chance.pick(NAMES)}${space()}:${value()}`).join(",") ||
      space()
    }}`;
}

const LINES = [
  "data: {}",
  "data: [DONE]",
  "data",
  "event: x",
  ": ping",
  "id: 1",
  "retry: 5",
  "",
  "",
  "data:\xc3\xa9",
  "x: y",
];

function eventsOf(chance: Random): string {
  const end = chance.pick(["\n", "\n", "\r\n", "\r"]);
  return chance.some(20, () => chance.pick(LINES) + end).join("");
}

/** Into chunks of any sizes. */
function cut(chance: Random, content: string): string[] {
  const chunks: string[] = [];
  let at = 0;
  while (at < content.length) {
    const size = 1 + chance.below(chance.once(3) ? 5000 : 20);
    chunks.push(
      content.slice(at, at += chunks.length < 200 ? size : content.length),
    );
  }
  return chunks;
}
