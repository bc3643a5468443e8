/** The Gemini API's shapes (https://ai.google.dev/api, read 2026-11). */

import { KEYS } from "../subject.ts";
import { openai } from "./origin_openai.ts";
import {
  type Ask,
  BINARY,
  CALL,
  firstFit,
  named,
  type Row,
  sha256,
  type StandIn,
  TEXT,
  unnamed,
  WORDS,
} from "./shape.ts";

const AS_OPENAI = "/v1beta/openai/";

export const gemini: StandIn = {
  slot: (path) =>
    path.startsWith(AS_OPENAI)
      ? ["authorization", `Bearer ${KEYS.gemini}`]
      : ["x-goog-api-key", KEYS.gemini],
  answer(ask) {
    if (!ask.path.startsWith(AS_OPENAI)) return firstFit(ROWS, ask);
    const path = ask.path.replace(AS_OPENAI, "/v1/");
    return openai.answer({ ...ask, path });
  },
  error: (code, message) => ({
    error: { code, message, status: STATUS[code] ?? "INTERNAL", details: [] },
  }),
};

const STATUS: Record<number, string> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  404: "NOT_FOUND",
  429: "RESOURCE_EXHAUSTED",
};

const V = "v1(?:beta)?";
const at = (path: string) => new RegExp(`^/${path}$`);

const ROWS: readonly Row[] = [
  ["POST", at(`${V}/models/[^/]+:generateContent`), ({ json }) => ({
    body: candidate(calls(json) ? CALLED : { text: TEXT }, "STOP"),
  })],
  ["POST", at(`${V}/models/[^/]+:streamGenerateContent`), ({ query, json }) => {
    const parts = calls(json) ? [CALLED] : WORDS.map((text) => ({ text }));
    const chunks = parts.map((part, i) =>
      candidate(part, i === parts.length - 1 && "STOP")
    );
    return query.get("alt") === "sse"
      ? { events: unnamed(chunks) }
      : { body: chunks };
  }],
  ["POST", at(`${V}/models/[^/]+:countTokens`), () => ({
    body: { totalTokens: 7 },
  })],
  ["POST", at(`${V}/models/[^/]+:embedContent`), () => ({
    body: { embedding: { values: [0.5, -0.25, 2] } },
  })],
  ["POST", at(`${V}/models/[^/]+:batchEmbedContents`), ({ json }) => ({
    body: {
      embeddings: json.requests.map(() => ({ values: [0.5, -0.25, 2] })),
    },
  })],
  ["GET", at(`${V}/models`), ({ query }) => ({
    body: query.get("pageToken") === "next"
      ? { models: [{ name: "models/two" }] }
      : { models: [{ name: "models/one" }], nextPageToken: "next" },
  })],
  ["GET", at(`${V}/(models/[^/:]+)`), (_, [, name]) => ({ body: { name } })],
  ["POST", at(`${V}/models/[^/]+:predictLongRunning`), () => ({
    body: { name: "models/veo/operations/1" },
  })],
  ["GET", at(`${V}/models/veo/operations/1`), ({ base }) => ({
    body: operation(`${base}/v1beta/files/clip:download?alt=media`),
  })],
  ["POST", at(`${V}/models/[^/]+:batchGenerateContent`), () => ({
    body: batch("BATCH_STATE_PENDING"),
  })],
  ["GET", at(`${V}/batches/one`), () => ({
    body: batch("BATCH_STATE_SUCCEEDED"),
  })],
  ["POST", at(`upload/${V}/files`), upload],
  ["GET", at(`(${V})/files/([^/:]+):download`), ({ base }, [, v, id]) => ({
    status: 302,
    headers: {
      location: `${base}/download/${v}/files/${id}:download?alt=media`,
    },
  })],
  ["GET", at(`download/${V}/files/[^/]+:download`), () => ({ body: BINARY })],
  ["GET", at(`${V}/files`), ({ base }) => ({
    body: { files: [file(base, "one", 1)] },
  })],
  ["GET", at(`${V}/files/([^/:]+)`), ({ base }, [, id]) => ({
    body: file(base, id!, 1),
  })],
  ["DELETE", at(`${V}/files/([^/:]+)`), () => ({ body: {} })],
  [
    "POST",
    at(`${V}/interactions`),
    ({ json }) =>
      json.stream
        ? { events: named(interactionEvents()) }
        : { body: interaction("completed") },
  ],
];

/** It is offered a tool, and has no result of it yet. */
function calls({ tools, contents = [] }: Ask["json"]): boolean {
  const last = JSON.stringify(contents.at(-1) ?? "");
  return tools?.length > 0 && !last.includes("functionResponse");
}

const CALLED = { functionCall: { name: CALL.name, args: CALL.input } };

function candidate(part: unknown, finishReason: string | false) {
  return {
    candidates: [{
      content: { role: "model", parts: [part] },
      ...(finishReason && { finishReason }),
      index: 0,
    }],
    usageMetadata: {
      promptTokenCount: 1,
      candidatesTokenCount: 4,
      totalTokenCount: 5,
    },
    modelVersion: "m",
    responseId: "r1",
  };
}

/** Bytes come so far, by upload id. */
const uploads = new Map<string, Uint8Array[]>();

/** https://ai.google.dev/gemini-api/docs/files: resumable, the second leg at a URL that the first answers. */
function upload({ headers, query, base, path, body }: Ask) {
  const command = headers.get("x-goog-upload-command") ?? "";
  if (command === "start") {
    const id = crypto.randomUUID();
    uploads.set(id, []);
    const url = `${base}${path}?upload_id=${id}&upload_protocol=resumable`;
    return {
      headers: {
        "x-goog-upload-status": "active",
        "x-goog-upload-url": url,
        "x-goog-upload-control-url": url,
        "x-goog-upload-chunk-granularity": "8388608",
      },
      body: "",
    };
  }
  const parts = uploads.get(query.get("upload_id") ?? "")!;
  parts.push(body);
  if (!/finalize/.test(command)) {
    return { headers: { "x-goog-upload-status": "active" }, body: "" };
  }
  const whole = Buffer.concat(parts);
  return {
    headers: { "x-goog-upload-status": "final" },
    body: { file: file(base, sha256(whole).slice(0, 40), whole.length) },
  };
}

/** `uri` comes back in requests, so it stays what it is. */
function file(base: string, id: string, size: number) {
  return {
    name: `files/${id}`,
    mimeType: "application/octet-stream",
    sizeBytes: `${size}`,
    uri: `${base}/v1beta/files/${id}`,
    state: "ACTIVE",
  };
}

function batch(state: string) {
  return {
    name: "batches/one",
    metadata: {
      "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.X",
      name: "batches/one",
      state,
      output: { responsesFile: "files/results" },
    },
  };
}

function operation(uri: string) {
  const generatedSamples = [{ video: { uri, encoding: "video/mp4" } }];
  return {
    name: "models/veo/operations/1",
    done: true,
    response: { generateVideoResponse: { generatedSamples } },
  };
}

function interaction(status: string) {
  return {
    id: "int_1",
    object: "interaction",
    model: "m",
    status,
    created: "2026-11-20T00:00:00Z",
    updated: "2026-11-20T00:00:00Z",
    steps: [{ type: "model_output", content: [{ type: "text", text: TEXT }] }],
    outputs: [{ type: "text", text: TEXT }],
    usage: { total_input_tokens: 1, total_output_tokens: 4, total_tokens: 5 },
  };
}

function interactionEvents() {
  return [
    {
      type: "interaction.created",
      event_type: "interaction.created",
      interaction: { ...interaction("in_progress"), steps: [], outputs: [] },
    },
    ...WORDS.map((text) => ({
      type: "step.delta",
      event_type: "step.delta",
      index: 0,
      delta: { type: "text", text },
    })),
    {
      type: "interaction.completed",
      event_type: "interaction.completed",
      interaction: interaction("completed"),
    },
  ];
}
