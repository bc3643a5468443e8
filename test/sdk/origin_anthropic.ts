/** Anthropic's shapes (https://docs.anthropic.com/en/api, read 2026-11). */

import { KEYS } from "../subject.ts";
import {
  type Ask,
  BINARY,
  CALL,
  fileOf,
  firstFit,
  named,
  type Row,
  type StandIn,
  TEXT,
  WORDS,
} from "./shape.ts";

export const anthropic: StandIn = {
  slot: () => ["x-api-key", KEYS.anthropic],
  requestId: "request-id",
  answer: (ask) => firstFit(ROWS, ask),
  error: (status, message) => ({
    type: "error",
    error: { type: TYPES[status] ?? "api_error", message },
    request_id: "req_origin_1",
  }),
};

const TYPES: Record<number, string> = {
  400: "invalid_request_error",
  401: "authentication_error",
  404: "not_found_error",
  429: "rate_limit_error",
};

const ROWS: readonly Row[] = [
  [
    "POST",
    /^\/v1\/messages$/,
    ({ json }) =>
      json.stream
        ? { events: named(messageEvents(json)) }
        : { body: message(json) },
  ],
  ["POST", /^\/v1\/messages\/count_tokens$/, () => ({
    body: { input_tokens: 7 },
  })],
  ["POST", /^\/v1\/messages\/batches$/, (ask) => ({ body: batch(ask) })],
  ["GET", /^\/v1\/messages\/batches$/, (ask) => ({ body: page([batch(ask)]) })],
  ["GET", /^\/v1\/messages\/batches\/([^/]+)$/, (ask) => ({
    body: batch(ask),
  })],
  ["POST", /^\/v1\/messages\/batches\/[^/]+\/cancel$/, (ask) => ({
    body: { ...batch(ask), processing_status: "canceling", results_url: null },
  })],
  ["GET", /^\/v1\/messages\/batches\/[^/]+\/results$/, () => ({
    headers: { "content-type": "application/x-jsonl" },
    body: ["first", "second"].map((custom_id) =>
      JSON.stringify({
        custom_id,
        result: { type: "succeeded", message: message({ model: "m" }) },
      }) + "\n"
    ).join(""),
  })],
  ["GET", /^\/v1\/models$/, ({ query }) => ({
    body: query.get("after_id") === "one"
      ? page([model("two")])
      : page([model("one")], true),
  })],
  ["GET", /^\/v1\/models\/(.+)$/, (_, [, id]) => ({ body: model(id!) })],
  ["POST", /^\/v1\/files$/, async (ask) => {
    const { name, size, hash } = await fileOf(ask);
    return { body: { ...file(hash), filename: name, size_bytes: size } };
  }],
  ["GET", /^\/v1\/files$/, () => ({ body: page([file("file_1")]) })],
  ["GET", /^\/v1\/files\/[^/]+\/content$/, () => ({ body: BINARY })],
];

const USAGE = { input_tokens: 1, output_tokens: 4 };

/** The text, or a call of the tool it is offered and has no result of yet. */
function block({ tools, messages = [] }: Ask["json"]) {
  const last = JSON.stringify(messages.at(-1)?.content ?? "");
  return tools?.length > 0 && !last.includes("tool_result")
    ? { type: "tool_use", ...CALL }
    : { type: "text", text: TEXT };
}

function message(json: Ask["json"]) {
  const content = block(json);
  return {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: json.model,
    content: [content],
    stop_reason: content.type === "text" ? "end_turn" : content.type,
    stop_sequence: null,
    usage: USAGE,
  };
}

function messageEvents(json: Ask["json"]) {
  const { stop_reason, ...whole } = message(json);
  const [content] = whole.content;
  const text = content!.type === "text";
  const input = JSON.stringify(CALL.input);
  const deltas = text
    ? WORDS.map((text) => ({ type: "text_delta", text }))
    : [input.slice(0, 5), input.slice(5)].map((partial_json) => ({
      type: "input_json_delta",
      partial_json,
    }));
  return [
    {
      type: "message_start",
      message: { ...whole, content: [], stop_reason: null },
    },
    {
      type: "content_block_start",
      index: 0,
      content_block: text
        ? { ...content, text: "" }
        : { ...content, input: {} },
    },
    { type: "ping" },
    ...deltas.map((delta) => ({
      type: "content_block_delta",
      index: 0,
      delta,
    })),
    { type: "content_block_stop", index: 0 },
    {
      type: "message_delta",
      delta: { stop_reason, stop_sequence: null },
      usage: { output_tokens: 4 },
    },
    { type: "message_stop" },
  ];
}

/** Ended at once; its results are at an absolute URL, which SDKs follow. */
function batch({ base }: Ask) {
  return {
    id: "msgbatch_1",
    type: "message_batch",
    processing_status: "ended",
    request_counts: {
      processing: 0,
      succeeded: 2,
      errored: 0,
      canceled: 0,
      expired: 0,
    },
    created_at: "2026-11-20T00:00:00Z",
    expires_at: "2026-11-21T00:00:00Z",
    ended_at: "2026-11-20T00:01:00Z",
    archived_at: null,
    cancel_initiated_at: null,
    results_url: `${base}/v1/messages/batches/msgbatch_1/results`,
  };
}

function page(data: readonly { readonly id: string }[], has_more = false) {
  return { data, has_more, first_id: data[0]?.id, last_id: data.at(-1)?.id };
}

function model(id: string) {
  const created_at = "2026-11-20T00:00:00Z";
  return { id, type: "model", display_name: id, created_at };
}

function file(id: string) {
  return {
    id,
    type: "file",
    filename: "f",
    mime_type: "application/pdf",
    size_bytes: 1,
    created_at: "2026-11-20T00:00:00Z",
    downloadable: true,
  };
}
