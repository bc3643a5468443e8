/**
 * What must come out at the ends, and the comparison of it with what came: the
 * whole message, with a reasoned list of what the runtimes write by themselves.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { RefusalCode } from "../core/refusal.ts";
import {
  type Answer,
  bytes,
  type Framing,
  type Message,
  type Part,
} from "./raw.ts";
import { KEYS, type Runtime } from "./subject.ts";

/** What must reach the origin. */
export interface Reaches {
  /** `GET /v1/x` if absent. */
  readonly target?: string;
  /** Beside what doppel and the runtime always write. */
  readonly fields?: readonly string[];
  /** The one slot that is filled, OpenAI's if absent. */
  readonly slot?: string;
  readonly content?: Part;
  /** `none`, or `length` where there is content, if absent. */
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
    /** Any that delimits the content if absent. */
    readonly framing?: Framing;
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
}

export type WireName = "openai" | "anthropic" | "google";

export const SLOT = {
  openai: `authorization: Bearer ${KEYS.openai}`,
  anthropic: `x-api-key: ${KEYS.anthropic}`,
  gemini: `x-goog-api-key: ${KEYS.gemini}`,
} as const;

function textOf({ line, fields, content }: Message): string {
  return message(line, fields, content).toString("latin1");
}

/** Fields in one order: theirs says nothing. */
function seen({ line, fields, framing, content }: Message) {
  return {
    line,
    fields: fields.filter((field) => !field.startsWith("content-length: "))
      .filter((field) => field !== "transfer-encoding: chunked").sort(),
    framing,
    content: content.toString("latin1"),
  };
}

function expectedRequest(
  {
    target = "GET /v1/x",
    fields = [],
    slot = SLOT.openai,
    content = "",
    framing = content.length > 0 ? "length" : "none",
  }: Reaches,
  { runtime, origin }: Pick<Stage, "runtime" | "origin">,
) {
  const always = [
    slot,
    "accept-encoding: identity",
    `host: ${new URL(origin.url).host}`,
    ...withoutNamed(ADDED_UP[runtime], fields),
  ];
  return {
    line: `${target} HTTP/1.1`,
    fields: [...fields, ...always].sort(),
    framing,
    content: bytes(content).toString("latin1"),
  };
}

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

function withoutNamed(added: readonly string[], fields: readonly string[]) {
  const names = fields.map(nameOf);
  return added.filter((field) => !names.includes(nameOf(field)));
}

const nameOf = (field: string) => field.slice(0, field.indexOf(":"));

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function checkAnswer(got: Answer | undefined, gets: Gets) {
  if (gets === "closed") return assert.equal(got, undefined);
  assert.ok(got, "the connection was closed without an answer");
  if ("bare" in gets) return assert.equal(got.status, gets.bare);
  assert.ok(got.whole, "the answer broke off");
  if ("refused" in gets) return checkRefusal(got, gets);
  const { status = 200, fields = [], content = "ok", informed = [] } = gets;
  const names = fields.map(nameOf);
  // `date` is the runtime's; an id is doppel's where the origin gave none.
  const own = got.fields.filter((field) =>
    !(nameOf(field) === "date" && !names.includes("date")) &&
    !(nameOf(field) === "x-request-id" && !names.includes("x-request-id") &&
      UUID.test(field.slice("x-request-id: ".length)))
  );
  assert.deepEqual(
    { ...seen({ ...got, fields: own }), status: got.status, informed },
    {
      line: got.line,
      status,
      fields: [...fields, ...withoutNamed(ADDED_DOWN, fields)].sort(),
      framing: gets.framing ?? got.framing,
      content: bytes(content).toString("latin1"),
      informed: got.informed,
    },
  );
}

/** A refusal in the envelope of the caller's wire (design §5). */
function checkRefusal(
  { status, fields, content }: Answer,
  expected: Refused,
) {
  const { error, ...rest } = JSON.parse(content.toString());
  const ids = fields.filter((field) => /^(x-)?request-id: /.test(field))
    .map((field) => field.split(": ")[1]);
  const { wire = "openai", refused } = expected;
  const retry = status >= 500 || status === 429;
  assert.equal(new Set(ids).size, 1);
  assert.match(ids[0]!, UUID);
  assert.deepEqual(
    {
      status,
      fields: fields.filter((field) =>
        !/^(date|content-length|(x-)?request-id): /.test(field)
      ).map((field) => field.replace(/;charset=utf-8$/, "")).sort(), // Bun's
      envelope: Object.keys({ ...rest, ...error }).sort(),
      code: codeOf[wire](error),
    },
    {
      status: expected.status,
      fields: [
        "cache-control: private, no-store",
        "content-type: application/json",
        "x-content-type-options: nosniff",
        retry ? "retry-after: 1" : "x-should-retry: false",
        ...(status === 401 ? ['www-authenticate: Bearer realm="doppel"'] : []),
      ].sort(),
      envelope: ENVELOPES[wire],
      code: refused,
    },
  );
}

const ENVELOPES: Record<WireName, readonly string[]> = {
  openai: ["code", "message", "param", "type"],
  anthropic: ["details", "message", "request_id", "type"],
  google: ["code", "details", "message", "status"],
};

// deno-lint-ignore no-explicit-any
const codeOf: Record<WireName, (error: any) => string> = {
  openai: (error) => error.code,
  anthropic: (error) => error.details.error_code,
  google: (error) => error.details[0].reason.toLowerCase(),
};
