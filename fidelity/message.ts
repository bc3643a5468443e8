/**
 * What a case sends and answers, as data, and the bytes it stands for.
 *
 * Text stands for bytes as latin1 does, as in `test/raw.ts`.
 */

import { Buffer } from "node:buffer";
import { bytes, chunk, message, type Part } from "../test/raw.ts";

/** A request; `GET /v1/x` without content if nothing else is said. */
export interface Ask {
  readonly method?: string;
  /** Path and query, as a client writes it that knows no gateway. */
  readonly target?: string;
  /** Whole lines, `name: value`. */
  readonly fields?: readonly string[];
  /** With its length; `undefined` for neither. */
  readonly content?: Part;
  /** In place of `content`: in chunks of these sizes. */
  readonly chunks?: readonly Part[];
  readonly trailers?: readonly string[];
  /** No type is said where there is content; else JSON, if the fields name none. */
  readonly untyped?: true;
  /** `1.1` if absent. */
  readonly version?: string;
}

/** An answer; 200 and a little JSON if nothing is said. `{origin}` in it is the origin's URL. */
export interface Reply {
  readonly status?: string;
  readonly fields?: readonly string[];
  /** With its length. */
  readonly content?: Part;
  readonly chunks?: readonly Part[];
  readonly trailers?: readonly string[];
  /** Neither a length nor chunks: no content, or content that ends with the connection. */
  readonly bare?: Part;
  /** As of a request. */
  readonly untyped?: true;
  /** Whole answers that precede it (RFC 9110 §15.2). */
  readonly before?: Part;
  readonly version?: string;
}

/** Where and as whom a request is sent. */
export interface To {
  readonly host: string;
  readonly prefix: string;
  readonly credential: string;
  /** What the gateway itself wants to be told. */
  readonly fields: readonly string[];
}

/** A request's head and content apart, so that a case may wait between the two. */
export function written(ask: Ask, to: To): [head: Buffer, content: Buffer] {
  const { method = "GET", target = "/v1/x", version = "1.1" } = ask;
  const head = message(`${method} ${to.prefix}${target} HTTP/${version}`, [
    `host: ${to.host}`,
    `authorization: Bearer ${to.credential}`,
    ...to.fields,
    ...ask.fields ?? [],
    ...typing(ask),
    ...framing(ask),
  ]);
  return [head, content(ask)];
}

/** The bytes of an answer, piece by piece as they are written. */
export function answered(reply: Reply, origin: string): Buffer[] {
  const { status = "200 OK", version = "1.1", before = "" } = reply;
  const said = reply.content === undefined && reply.chunks === undefined &&
      reply.bare === undefined
    ? { ...reply, content: '{"ok":true}' }
    : reply;
  const fields = (reply.fields ?? []).map((field) =>
    field.replaceAll("{origin}", origin)
  );
  const head = message(`HTTP/${version} ${status}`, [
    ...fields,
    ...typing(said),
    ...framing(said),
    ...(reply.bare !== undefined && bytes(reply.bare).length > 0
      ? ["connection: close"]
      : []),
  ]);
  const pieces = said.chunks === undefined
    ? [content(said)]
    : [...said.chunks.filter((part) => part.length > 0).map(chunk), last(said)];
  return [bytes(before, head), ...pieces, bytes(reply.bare ?? "")]
    .filter((piece) => piece.length > 0);
}

function typing(said: Ask | Reply): string[] {
  const bare = "bare" in said ? said.bare : undefined;
  const parts = [...said.chunks ?? [], said.content ?? "", bare ?? ""];
  const typed = said.untyped || parts.every((part) => part.length === 0) ||
    said.fields?.some((line) => /^content-type:/i.test(line));
  return typed ? [] : ["content-type: application/json"];
}

function framing({ content, chunks }: Ask | Reply): string[] {
  if (chunks !== undefined) return ["transfer-encoding: chunked"];
  if (content === undefined) return [];
  return [`content-length: ${bytes(content).length}`];
}

function content(said: Ask | Reply): Buffer {
  if (said.chunks === undefined) return bytes(said.content ?? "");
  // A chunk of no bytes would be the last one.
  const parts = said.chunks.filter((part) => part.length > 0);
  return bytes(...parts.map(chunk), last(said));
}

function last({ trailers = [] }: Ask | Reply): Buffer {
  return bytes("0\r\n", ...trailers.map((field) => `${field}\r\n`), "\r\n");
}

/** UTF-8, as latin1 stands for it here. */
export function utf8(text: string): string {
  return Buffer.from(text).toString("latin1");
}
