/** OpenAI's shapes (openai-openapi, read 2026-11). */

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
  unnamed,
  WORDS,
} from "./shape.ts";

export const openai: StandIn = {
  slot: () => ["authorization", `Bearer ${KEYS.openai}`],
  requestId: "x-request-id",
  answer: (ask) => firstFit(ROWS, ask),
  socket: (path) => path === "/v1/responses" ? responseEvents : undefined,
  error: (status, message) => ({
    error: {
      message,
      type: "origin_error",
      param: "model",
      code: `c${status}`,
    },
  }),
};

const USAGE = { prompt_tokens: 1, completion_tokens: 4, total_tokens: 5 };

const ROWS: readonly Row[] = [
  [
    "POST",
    /^\/v1\/chat\/completions$/,
    (ask) =>
      ask.json.stream
        ? { events: [...unnamed(chatChunks(ask)), "data: [DONE]\n\n"] }
        : { body: chat(ask.json) },
  ],
  [
    "POST",
    /^\/v1\/responses$/,
    ({ json }) =>
      json.stream
        ? { events: named(responseEvents(json)) }
        : { body: response(json) },
  ],
  ["GET", /^\/v1\/responses\/(.+)$/, ({ query }) => ({
    body: { ...response({ model: "m" }), instructions: query.get("include[]") },
  })],
  ["POST", /^\/v1\/responses\/[^/]+\/cancel$/, () => ({
    body: { ...response({ model: "m" }), status: "cancelled" },
  })],
  ["POST", /^\/v1\/embeddings$/, ({ json }) => ({ body: embeddings(json) })],
  ["GET", /^\/v1\/models$/, () => ({
    body: { object: "list", data: ["one", "two"].map(model) },
  })],
  ["GET", /^\/v1\/models\/(.+)$/, (_, [, id]) => ({ body: model(id!) })],
  ["DELETE", /^\/v1\/models\/(.+)$/, (_, [, id]) => ({
    body: { id, object: "model", deleted: true },
  })],
  ["POST", /^\/v1\/files$/, async (ask) => {
    const { name, size, hash } = await fileOf(ask);
    return { body: { ...file(hash), filename: name, bytes: size } };
  }],
  ["GET", /^\/v1\/files$/, ({ query }) => ({
    body: query.get("after") === "file-1"
      ? { object: "list", data: [file("file-2")], has_more: false }
      : { object: "list", data: [file("file-1")], has_more: true },
  })],
  ["GET", /^\/v1\/files\/[^/]+\/content$/, () => ({ body: BINARY })],
  ["POST", /^\/v1\/audio\/speech$/, () => ({
    headers: { "content-type": "audio/mpeg" },
    body: BINARY,
  })],
  ["POST", /^\/v1\/audio\/transcriptions$/, async (ask) => {
    const { hash, form } = await fileOf(ask);
    return form.get("response_format") === "text"
      ? { body: hash }
      : { body: { text: hash, usage: { type: "duration", seconds: 1 } } };
  }],
];

/** It is offered a tool, and has no result of it yet. */
function calls({ tools, messages = [] }: Ask["json"]): boolean {
  return tools?.length > 0 && messages.at(-1)?.role !== "tool";
}

const TOOL_CALL = {
  index: 0,
  id: CALL.id,
  type: "function",
  function: { name: CALL.name, arguments: JSON.stringify(CALL.input) },
};

function chat(json: Ask["json"]) {
  const called = calls(json);
  const message = {
    role: "assistant",
    content: called ? null : TEXT,
    refusal: null,
    ...called && { tool_calls: [TOOL_CALL] },
  };
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1_763_600_000,
    model: json.model,
    choices: [{
      index: 0,
      message,
      logprobs: null,
      finish_reason: called ? "tool_calls" : "stop",
    }],
    usage: USAGE,
  };
}

/** Usage only for who asks for it, and then `null` in all chunks but its own. */
function chatChunks({ json, wholeCalls }: Ask) {
  const called = calls(json);
  const asked = json.stream_options?.include_usage === true;
  const head = {
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: 1_763_600_000,
    model: json.model,
  };
  const choice = (delta: unknown, finish_reason: string | null) => ({
    ...head,
    choices: [{ index: 0, delta, finish_reason }],
    ...asked && { usage: null },
  });
  return [
    ...called
      ? toolDeltas(wholeCalls).map((delta) => choice(delta, null))
      : WORDS.map((content) => choice({ role: "assistant", content }, null)),
    choice({}, called ? "tool_calls" : "stop"),
    ...asked ? [{ ...head, choices: [], usage: USAGE }] : [],
  ];
}

/** The call's name, then its arguments in two pieces; or all at once. */
function toolDeltas(whole?: true) {
  if (whole) return [{ role: "assistant", tool_calls: [TOOL_CALL] }];
  const { arguments: input, name } = TOOL_CALL.function;
  const more = (piece: string) => ({
    tool_calls: [{ index: 0, function: { arguments: piece } }],
  });
  return [
    {
      role: "assistant",
      content: null,
      tool_calls: [{ ...TOOL_CALL, function: { name, arguments: "" } }],
    },
    more(input.slice(0, 5)),
    more(input.slice(5)),
  ];
}

const PART = { type: "output_text", text: TEXT, annotations: [] };
const ITEM = {
  id: "msg_1",
  type: "message",
  status: "completed",
  role: "assistant",
  content: [PART],
};

const CALLED = {
  id: "fc_1",
  type: "function_call",
  status: "completed",
  call_id: CALL.id,
  name: CALL.name,
  arguments: JSON.stringify(CALL.input),
};

/** The message, or a call of the tool it is offered and has no result of yet. */
function itemOf(
  { tools, input = [] }: Ask["json"],
): typeof ITEM | typeof CALLED {
  const offered = tools?.some(({ type }: { type: string }) =>
    type === "function"
  );
  return offered && input.at(-1)?.type !== "function_call_output"
    ? CALLED
    : ITEM;
}

function response(json: Ask["json"]) {
  return {
    id: "resp_1",
    object: "response",
    created_at: 1_763_600_000,
    status: "completed",
    model: json.model,
    output: [itemOf(json)],
    usage: {
      input_tokens: 1,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: 4,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 5,
    },
  };
}

function responseEvents(json: Ask["json"]) {
  const item = itemOf(json);
  const begun = { ...response(json), status: "in_progress", output: [] };
  const place = { item_id: item.id, output_index: 0 };
  const empty = item === ITEM ? { content: [] } : { arguments: "" };
  const events = [
    { type: "response.created", response: begun },
    {
      type: "response.output_item.added",
      output_index: 0,
      item: { ...item, status: "in_progress", ...empty },
    },
    ...item === ITEM
      ? textEvents({ ...place, content_index: 0 })
      : callEvents(place),
    { type: "response.output_item.done", output_index: 0, item },
    { type: "response.completed", response: response(json) },
  ];
  return events.map((event, i) => ({ ...event, sequence_number: i }));
}

function textEvents(place: Record<string, unknown>) {
  return [
    {
      type: "response.content_part.added",
      ...place,
      part: { ...PART, text: "" },
    },
    ...WORDS.map((delta) => ({
      type: "response.output_text.delta",
      ...place,
      delta,
    })),
    { type: "response.output_text.done", ...place, text: TEXT },
    { type: "response.content_part.done", ...place, part: PART },
  ];
}

function callEvents(place: Record<string, unknown>) {
  const type = "response.function_call_arguments";
  const { arguments: input } = CALLED;
  return [
    { type: `${type}.delta`, ...place, delta: input.slice(0, 5) },
    { type: `${type}.delta`, ...place, delta: input.slice(5) },
    { type: `${type}.done`, ...place, arguments: input },
  ];
}

/** Numbers that base64 of float32 keeps exactly. */
const VECTOR = [0.5, -0.25, 2];

function embeddings({ input, model, encoding_format }: Ask["json"]) {
  const embedding = encoding_format === "base64"
    ? Buffer.from(new Float32Array(VECTOR).buffer).toString("base64")
    : VECTOR;
  const data = [input].flat().map((_: unknown, index: number) => ({
    object: "embedding",
    index,
    embedding,
  }));
  const usage = { prompt_tokens: 1, total_tokens: 1 };
  return { id: "embd-1", object: "list", model, data, usage };
}

function model(id: string) {
  return { id, object: "model", created: 1_763_600_000, owned_by: "origin" };
}

function file(id: string) {
  return {
    id,
    object: "file",
    bytes: 1,
    created_at: 1_763_600_000,
    filename: "f",
    purpose: "user_data",
    status: "processed",
  };
}
