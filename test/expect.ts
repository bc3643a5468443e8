/**
 * What must come out at the two ends, compared whole with what came, but for
 * what is listed here that the runtimes write by themselves.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { RefusalCode } from "../core/refusal.ts";
import { type Answer, bytes, type Message, type Part } from "./raw.ts";
import { KEYS, type Runtime } from "./subject.ts";

/** What must reach the origin. */
export interface Reaches {
  /** `GET /v1/x` if absent. */
  readonly target?: string;
  /** Beside what doppel and the runtime always write. */
  readonly fields?: readonly string[];
  /** The one slot that is filled, OpenAI's if absent; `null`: none. */
  readonly slot?: string | null;
  readonly content?: Part;
  /** `length` where there is content, else `none`, if absent. */
  readonly framing?: Framing;
}

/** What must reach the client. */
export type Gets =
  | {
    /** 200 if absent. */
    readonly status?: number;
    /** Beside what doppel and the runtime always write. */
    readonly fields?: readonly string[];
    /** `ok` if absent. */
    readonly content?: Part;
    /** A number is the length of content that is not sent; if absent, any that says where the content ends. */
    readonly framing?: Framing | number;
    /** Status lines before the answer; none if absent. */
    readonly informed?: readonly string[];
  }
  | Refused
  /** The runtime's own refusal, before any code of doppel's. */
  | { readonly bare: number }
  | "closed";

/** doppel's own refusal, whole, in the envelope of the caller's wire. */
export interface Refused {
  readonly refused: RefusalCode;
  readonly status: number;
  /** OpenAI's if absent. */
  readonly wire?: WireName;
  /** With 405. */
  readonly allow?: string;
}

export type Framing = "none" | "length" | "chunked";
export type WireName = "openai" | "anthropic" | "google";

export const SLOT = {
  openai: `authorization: Bearer ${KEYS.openai}`,
  anthropic: `x-api-key: ${KEYS.anthropic}`,
  gemini: `x-goog-api-key: ${KEYS.gemini}`,
} as const;

/** Written where the client wrote none: the first by doppel, the others by the runtime's fetch, which cannot be kept from it. */
const ADDED_UP: Record<Runtime, readonly string[]> = {
  deno: ["user-agent: doppel", "accept: */*", "accept-language: *"],
  bun: ["user-agent: doppel", "accept: */*", "connection: keep-alive"],
};

/** Written by doppel where the origin wrote none (design §10). */
const ADDED_DOWN = [
  "cache-control: private, no-store",
  "content-security-policy: sandbox",
  "x-content-type-options: nosniff",
];

const FRAMING = /^(?:content-length|transfer-encoding): /;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Compares all requests that reached the origin with the one that must, or with none; "broken": none came to its end. */
export function checkReached(
  reached: readonly Message[],
  expected: Reaches | null | "broken",
  { runtime, host }: { runtime: Runtime; host: string },
) {
  const seen = reached.map(({ line, fields, content, whole }) => ({
    line,
    whole,
    fields: fields.toSorted(),
    content: brief(content),
  }));
  if (expected === null) return assert.deepEqual(seen, []);
  if (expected === "broken") {
    return assert.ok(seen.every(({ whole }) => !whole), "a whole request");
  }
  const { fields = [], content = "", slot = SLOT.openai } = expected;
  const length = bytes(content).length;
  const { framing = length > 0 ? "length" : "none" } = expected;
  assert.deepEqual(seen, [{
    line: `${expected.target ?? "GET /v1/x"} HTTP/1.1`,
    whole: true,
    fields: [
      ...fields,
      ...slot === null ? [] : [slot],
      "accept-encoding: identity",
      `host: ${host}`,
      ...framed(framing, length),
      ...withoutNamed(ADDED_UP[runtime], fields),
    ].sort(),
    content: brief(content),
  }]);
}

/** Compares an answer, `undefined` for none, with what must reach the client. */
export function checkAnswer(
  got: Answer | undefined,
  expected: Gets,
  runtime: Runtime,
) {
  if (expected === "closed") return assert.equal(got, undefined);
  assert.ok(got, "the connection was closed without an answer");
  if ("bare" in expected) return assert.equal(got.status, expected.bare);
  assert.ok(got.whole, "the answer broke off");
  if ("refused" in expected) return checkRefusal(got, expected);
  const { status = 200, fields = [], content = "ok", informed = [] } = expected;
  const framing = got.fields.filter((field) => FRAMING.test(field));
  const length = bytes(content).length;
  // Bun answers in chunks what is not there whole at once, and says no length.
  const either = expected.framing === undefined ||
    runtime === "bun" && expected.framing === "length";
  assert.deepEqual(
    {
      status: got.status,
      fields: ownFields(got, fields),
      framing,
      content: brief(got.content),
      informed: got.informed,
    },
    {
      status,
      fields: [...fields, ...withoutNamed(ADDED_DOWN, fields)].sort(),
      framing: either && framing[0]?.startsWith("transfer")
        ? framed("chunked", length)
        : framed(expected.framing ?? "length", length),
      content: brief(content),
      informed,
    },
  );
}

/** Without framing, without the server's own `date` and `connection: close`, without the id that doppel gives where the origin gave none. */
function ownFields(got: Answer, expected: readonly string[]): string[] {
  const names = expected.map(nameOf);
  return got.fields.filter((field) => {
    const name = nameOf(field);
    if (names.includes(name)) return true;
    if (name === "x-request-id") return !UUID.test(valueOf(field));
    if (field === "connection: close") return false;
    return name !== "date" && !FRAMING.test(field);
  }).sort();
}

function framed(framing: Framing | number, length: number): string[] {
  if (framing === "none") return [];
  return framing === "chunked"
    ? ["transfer-encoding: chunked"]
    : [`content-length: ${framing === "length" ? length : framing}`];
}

function withoutNamed(added: readonly string[], fields: readonly string[]) {
  const names = fields.map(nameOf);
  return added.filter((field) => !names.includes(nameOf(field)));
}

function nameOf(field: string): string {
  return field.slice(0, field.indexOf(":"));
}

function valueOf(field: string): string {
  return field.slice(field.indexOf(":") + 2);
}

/** Short enough to be read in a failure. */
function brief(content: Part): string {
  const whole = bytes(content);
  if (whole.length <= 200) return whole.toString("latin1");
  const hash = createHash("sha256").update(whole).digest("hex");
  return `${whole.length} bytes, ${hash.slice(0, 16)}`;
}

/** A refusal in the envelope of the caller's wire (design §5). */
function checkRefusal(
  { status, fields, content }: Answer,
  { refused, status: wanted, wire = "openai", allow }: Refused,
) {
  const { error, ...rest } = JSON.parse(content.toString());
  const ids = fields.filter((field) => /^(?:x-)?request-id: /.test(field))
    .map(valueOf);
  assert.equal(ids.length, 2);
  assert.equal(ids[0], ids[1]);
  assert.match(ids[0]!, UUID);
  const retry = wanted >= 500 || wanted === 429;
  assert.deepEqual(
    {
      status,
      fields: fields.filter((field) =>
        !/^(?:date|content-length|(?:x-)?request-id|connection): /.test(field)
      ).map((field) => field.replace(/;charset=utf-8$/, "")).sort(), // Bun's
      envelope: Object.keys({ ...rest, ...error }).sort(),
      code: ENVELOPES[wire].code(error),
    },
    {
      status: wanted,
      fields: [
        "cache-control: private, no-store",
        "content-type: application/json",
        "x-content-type-options: nosniff",
        retry ? "retry-after: 1" : "x-should-retry: false",
        ...(allow === undefined ? [] : [`allow: ${allow}`]),
        ...(wanted === 401 ? ['www-authenticate: Bearer realm="doppel"'] : []),
      ].sort(),
      envelope: ENVELOPES[wire].members,
      code: refused,
    },
  );
}

/** Members of `error` and beside it, and where doppel's own code stands. */
const ENVELOPES: Record<WireName, {
  members: readonly string[];
  // deno-lint-ignore no-explicit-any
  code: (error: any) => string;
}> = {
  openai: {
    members: ["code", "message", "param", "type"],
    code: (error) => error.code,
  },
  anthropic: {
    members: ["details", "message", "request_id", "type"],
    code: (error) => error.details.error_code,
  },
  google: {
    members: ["code", "details", "message", "status"],
    code: (error) => error.details[0].reason.toLowerCase(),
  },
};
