/** The meter, over the corpus in test/usage/ and what can happen to it. */

import assert from "node:assert/strict";
import process from "node:process";
import v8 from "node:v8";
import vm from "node:vm";
import * as zlib from "node:zlib";
import { PROVIDERS } from "../providers/mod.ts";
import { CORPUS, meterFor, pieces } from "../test/usage/mod.ts";
import { estimateInput, estimateRequest } from "./estimate.ts";
import { type Answer, type Metered, meteringOf } from "./meter.ts";
import { requestLine } from "./provider.ts";
import { largerUsage, type Usage } from "./usage.ts";

const encoder = new TextEncoder();

/** What a body comes to that is given in chunks of `size` bytes. */
async function metered(
  row: (typeof CORPUS)[number],
  body: Uint8Array,
  { size = body.length, ending = "complete", ...answer }:
    & { size?: number; ending?: "complete" | "cut" }
    & Partial<Answer> = {},
): Promise<Metered> {
  const meter = meterFor(row, answer);
  for (let at = 0; at < body.length; at += size) {
    meter.see(body.subarray(at, at + size));
  }
  return await meter.end(ending);
}

const bodies = CORPUS.filter(({ messages }) => !messages);

Deno.test("the corpus names a source and a date for every shape", () => {
  for (const { name, source, date, file } of CORPUS) {
    assert.match(date, /^20\d\d-\d\d-\d\d$/, name);
    assert.ok(source.length > 3, `${file}: ${name}`);
  }
  const names = CORPUS.map(({ file, name }) => `${file}: ${name}`);
  assert.equal(new Set(names).size, names.length);
});

for (const row of bodies) {
  const { name, file, is } = row;
  Deno.test(`openMeter() ${file}: ${name}`, async () => {
    for (const newline of ["\n", "\r\n", "\r"]) {
      const body = encoder.encode(pieces(row, newline).join(""));
      assert.deepEqual(await metered(row, body), is);
      for (let cut = 1; cut < body.length; cut++) {
        const meter = meterFor(row);
        meter.see(body.subarray(0, cut));
        meter.see(body.subarray(cut));
        assert.deepEqual(await meter.end("complete"), is, `split at ${cut}`);
      }
      assert.deepEqual(await metered(row, body, { size: 1 }), is);
    }
  });
}

/** Content codings and who writes them. */
const PACKERS: Record<string, ((body: Uint8Array) => Uint8Array)[]> = {
  "gzip": [zlib.gzipSync],
  "x-gzip": [zlib.gzipSync],
  "deflate": [zlib.deflateSync, zlib.deflateRawSync],
  "br": [zlib.brotliCompressSync],
  "zstd": zlib.zstdCompressSync ? [zlib.zstdCompressSync] : [],
};

for (const row of bodies) {
  Deno.test(`openMeter() ${row.file}: ${row.name}, through gzip, deflate, br and zstd, in any pieces`, async () => {
    const body = encoder.encode(pieces(row).join(""));
    for (const [encoding, packers] of Object.entries(PACKERS)) {
      for (const pack of packers) {
        const packed = pack(body);
        for (const size of [1, 7, packed.length]) {
          const found = await metered(row, packed, { size, encoding });
          assert.deepEqual(found, row.is, `${encoding}, ${size}`);
        }
      }
    }
  });
}

const chat = CORPUS.find(({ name }) => name === "chat")!;
const chatBody = encoder.encode(pieces(chat).join(""));
const GUESSED = { state: "estimated", usage: { input: 7 } };

Deno.test("openMeter() guesses where an answer cannot be unpacked", async () => {
  for (
    const [encoding, body] of [
      ["gzip", chatBody],
      ["br", chatBody],
      ["compress", chatBody],
      ["gzip, br", zlib.brotliCompressSync(zlib.gzipSync(chatBody))],
    ] as const
  ) {
    assert.deepEqual(await metered(chat, body, { encoding }), GUESSED);
  }
  const packed = zlib.gzipSync(chatBody);
  const broken = packed.with(packed.length - 8, packed.at(-8)! ^ 1);
  const found = await metered(chat, broken, { encoding: "gzip" });
  assert.notEqual(found.state, "measured");
});

Deno.test("openMeter() takes counts from a compressed stream that is cut off", async () => {
  const row = CORPUS.find(({ name }) => name === "message stream")!;
  const body = zlib.gzipSync(pieces(row).slice(0, 4).join(""));
  const found = await metered(row, body.subarray(0, -12), {
    encoding: "gzip",
    ending: "cut",
  });
  assert.equal(found.state, "partial");
  assert.equal(found.usage.input, 1475);
});

Deno.test("openMeter() says of every stream, cut after every event, what it knows", async () => {
  const states = { e: "estimated", p: "partial" } as Record<string, string>;
  for (const row of bodies.filter(({ cuts }) => cuts)) {
    const all = pieces(row);
    assert.equal(row.cuts!.length, all.length, row.name);
    for (let seen = 0; seen < all.length; seen++) {
      const body = encoder.encode(all.slice(0, seen).join(""));
      const found = await metered(row, body, { ending: "cut" });
      assert.equal(
        found.state,
        states[row.cuts![seen]!],
        `${row.name} ${seen}`,
      );
      const usage = row.cutUsage?.[seen];
      if (usage) assert.deepEqual(found.usage, usage, `${row.name} ${seen}`);
    }
  }
});

Deno.test("openMeter() calls no answer measured that is cut at any byte, nor gives less than it has read", async () => {
  for (const row of bodies) {
    if (row.is.state !== "measured" || row.is.usage.input === undefined) {
      continue;
    }
    const body = encoder.encode(pieces(row).join(""));
    let read: Metered["usage"] = {};
    for (let cut = 0; cut < body.length - 2; cut++) {
      const found = await metered(row, body.subarray(0, cut), {
        ending: "cut",
      });
      if (found.state === "measured") {
        // Nothing but the line's end was missing.
        assert.match(
          new TextDecoder().decode(body.subarray(cut)),
          /^[\s}\]]*$/,
        );
        continue;
      }
      if (found.state !== "partial") continue;
      assert.deepEqual(largerUsage(found.usage, read), found.usage, row.name);
      read = found.usage;
    }
  }
});

Deno.test("soFar() says after every event what a cut would, and changes nothing", async () => {
  for (const row of bodies.filter(({ cuts }) => cuts)) {
    const all = pieces(row);
    const asked = meterFor(row);
    for (let seen = 0; seen < all.length; seen++) {
      const now = asked.soFar();
      assert.deepEqual(asked.soFar(), now, row.name);
      const body = encoder.encode(all.slice(0, seen).join(""));
      const cut = await metered(row, body, { ending: "cut" });
      assert.deepEqual(now, cut, `${row.name} ${seen}`);
      asked.see(encoder.encode(all[seen]!));
    }
    assert.deepEqual(await asked.end("complete"), row.is, row.name);
  }
});

for (const row of CORPUS.filter(({ messages }) => messages)) {
  const { name, file, messages, binary, is } = row;
  Deno.test(`seeMessage() ${file}: ${name}`, async () => {
    for (const ending of ["complete", "cut"] as const) {
      const meter = meterFor(row);
      for (const message of messages!) {
        const text = JSON.stringify(message);
        meter.seeMessage(binary ? encoder.encode(text) : text);
      }
      assert.deepEqual(await meter.end(ending), is);
    }
  });
}

Deno.test("openMeter() counts nothing for an answer that is no success", async () => {
  for (const status of [304, 400, 429, 500, 529]) {
    assert.deepEqual(await metered(chat, chatBody, { status }), {
      state: "measured",
      usage: {},
    });
  }
});

/** A chat stream of `count` events of `size` bytes each, as chunks that no two events share. */
function* longStream(count: number, size: number): Generator<Uint8Array> {
  const text = (content: string) =>
    encoder.encode(
      `data: {"model":"m","choices":[{"delta":{"content":"${content}"}}],"usage":null}\r\n\r\n`,
    );
  const event = text("x".repeat(size - text("").length));
  for (let sent = 0; sent < count; sent++) {
    for (let at = 0; at < event.length; at += 65_536) {
      yield event.slice(at, at + 65_536);
    }
  }
  yield encoder.encode(
    'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\ndata: [DONE]\n\n',
  );
}

/** Deno hides its collector; Bun has one of its own. */
const collect = "Bun" in globalThis ? undefined : collector();

function collector(): () => void {
  v8.setFlagsFromString("--expose-gc");
  return vm.runInNewContext("gc");
}

/** Bytes in use when nothing is left to collect. */
function inUse(): number {
  (globalThis as { gc?: () => void; Bun?: { gc(full: boolean): void } }).Bun
    ?.gc(true);
  collect?.();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}

Deno.test("see() of 1 GiB in 10,000 events keeps memory flat", async () => {
  const meter = meterFor({ ...chat, type: "text/event-stream" });
  let bytes = 0;
  let chunks = 0;
  let most = 0;
  const before = inUse();
  for (const chunk of longStream(10_000, 107_375)) {
    bytes += chunk.byteLength;
    meter.see(chunk);
    if (++chunks % 2_000 === 0) most = Math.max(most, inUse() - before);
  }
  assert.ok(bytes >= 2 ** 30);
  assert.deepEqual(await meter.end("complete"), {
    state: "measured",
    usage: { input: 3, output: 4 },
    model: "m",
  });
  assert.ok(most < 64 * 2 ** 20, `${most} bytes`);
});

Deno.test("see() reads pictures and vectors of 256 MiB in flat memory", async () => {
  const table = [
    [
      "image",
      '{"data":[{"b64_json":"',
      "iVBORw0KGgo=".repeat(5_000),
      '"}],"usage":{"input_tokens":1,"output_tokens":2}}',
      { input: 1, output: 2, images: 1 },
    ],
    [
      "embeddings",
      '{"data":[{"embedding":[0',
      ",-0.0123456".repeat(5_000),
      ']}],"usage":{"prompt_tokens":8,"total_tokens":8}}',
      { input: 8 },
    ],
  ] as const;
  for (const [name, head, middle, tail, usage] of table) {
    const meter = meterFor(CORPUS.find((row) => row.name === name)!);
    const before = inUse();
    let most = 0;
    meter.see(encoder.encode(head));
    const piece = encoder.encode(middle);
    for (let sent = 0, chunks = 1; sent < 2 ** 28; chunks++) {
      meter.see(piece.slice());
      sent += piece.byteLength;
      if (chunks % 100 === 0) most = Math.max(most, inUse() - before);
    }
    meter.see(encoder.encode(tail));
    const found = await meter.end("complete");
    assert.deepEqual([found.state, found.usage], ["measured", usage]);
    assert.ok(most < 128 * 2 ** 20, `${name}: ${most} bytes`);
  }
});

Deno.test("see() counts nothing that is too long to be kept, and says so", async () => {
  const usage = { prompt_tokens: 5, padding: "x".repeat(70_000) };
  const body = encoder.encode(JSON.stringify({ model: "m", usage }));
  assert.deepEqual(await metered(chat, body), { ...GUESSED, model: "m" });
});

/** The same numbers every time (mulberry32). */
function numbers(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

Deno.test("openMeter() throws nothing and keeps to integers, whatever comes", async () => {
  const random = numbers(4);
  const marks = encoder.encode('{}[]":,\\\n\r 0-null');
  for (const row of bodies) {
    const body = encoder.encode(pieces(row).join(""));
    for (let round = 0; round < 40; round++) {
      const broken = body.slice();
      for (let i = 0; i < 1 + round / 4; i++) {
        const mark = marks[Math.floor(random() * marks.length)]!;
        broken[Math.floor(random() * broken.length)] = round % 3 === 0
          ? Math.floor(random() * 256)
          : mark;
      }
      const untouched = broken.slice();
      const found = await metered(row, broken, {
        ending: round % 2 === 0 ? "cut" : "complete",
      });
      assert.deepEqual(broken, untouched);
      for (const [kind, count] of Object.entries(found.usage)) {
        assert.ok(Number.isSafeInteger(count) && count > 0, `${kind} ${count}`);
      }
    }
  }
  const deep = encoder.encode(`{"usage":${"[".repeat(60_000)}`);
  assert.equal((await metered(chat, deep)).state, "estimated");
});

Deno.test("openMeter() counts no prompt's words for what the API says", async () => {
  const fake = '{"usage":{"prompt_tokens":1,"completion_tokens":1}}';
  const body = encoder.encode(JSON.stringify({
    usage_: { prompt_tokens: 2 },
    choices: [{ message: { content: fake, usage: { prompt_tokens: 3 } } }],
    metadata: { usage: { prompt_tokens: 4 } },
  }));
  assert.equal((await metered(chat, body)).state, "estimated");
});

Deno.test("estimateInput() takes the strings a model reads, media by the piece", () => {
  const table: readonly (readonly [unknown, number])[] = [
    [{
      model: "a-long-model-name",
      messages: [{ role: "user", content: "12345678" }],
    }, 2],
    [{ input: ["1234", "5678"], stream: true }, 2],
    [{
      content: [{
        type: "image_url",
        image_url: { url: "data:," + "A".repeat(4_000_000) },
      }, { type: "text", text: "1234" }],
    }, 1001],
    [{
      contents: [{
        parts: [{ inlineData: { mimeType: "image/png", data: "AAAA" } }, {
          text: '"\\',
        }],
      }],
    }, 1001],
    [{ input: "日本" }, 2],
    [{}, 0],
  ];
  for (const [sent, tokens] of table) {
    const content = encoder.encode(JSON.stringify(sent));
    assert.equal(estimateInput(content, content.length), tokens);
  }
  assert.equal(estimateInput(encoder.encode("--b\r\n"), 5), 1000);
  assert.equal(estimateInput(encoder.encode('{"a":"never ends'), 16), 3);
  assert.equal(estimateInput(undefined, undefined), 0);
  assert.equal(estimateInput(new Uint8Array(), 0), 0);
});

Deno.test("estimateRequest() finds what is to be spoken, drawn and filmed", () => {
  const table: readonly (readonly [string, Usage])[] = [
    ['{"model":"tts-1","input":"Hé 😀"}', { input: 2, characters: 4 }],
    ['{"prompt":"cats","n":3}', { input: 1, images: 3 }],
    ['{"prompt":"cats","seconds":"12"}', { input: 2, videoSeconds: 12 }],
    [
      '{"instances":[{"prompt":"cats"}],"parameters":{"durationSeconds":6,"sampleCount":2}}',
      { input: 1, images: 2, videoSeconds: 6 },
    ],
    ["[1", {}],
    ["null", {}],
  ];
  for (const [sent, asked] of table) {
    const content = encoder.encode(sent);
    assert.deepEqual(estimateRequest(content, content.length), asked, sent);
  }
});

Deno.test("meteringOf() knows what is free, and calls the rest unknown", () => {
  const table: readonly (readonly [string, string, string])[] = [
    ["openai", "GET /v1/models", "free"],
    ["openai", "POST /v1/files", "free"],
    ["openai", "POST /v1/moderations/", "free"],
    ["openai", "GET /v1/chat/completions/chatcmpl-1", "free"],
    ["openai", "GET /v1/batches", "free"],
    ["openai", "DELETE /v1/responses/resp_1", "free"],
    ["openai", "POST /v1/fine_tuning/jobs", "unknown"],
    ["openai", "POST /v1/realtime/calls", "unknown"],
    ["openai", "GET /v1/live/sessions", "unknown"],
    ["openai", "POST /v1/chat/completions", "metered"],
    ["openai", "POST /V1//Chat/Completions/", "metered"],
    ["openai", "HEAD /v1/responses/resp_1", "metered"],
    ["openai", "GET /v1/realtime", "metered"],
    ["anthropic", "POST /v1/messages/count_tokens", "free"],
    ["anthropic", "GET /v1/messages/batches/msgbatch_1", "free"],
    ["anthropic", "GET /v1/messages/batches/msgbatch_1/results", "metered"],
    ["anthropic", "POST /v1/agents", "unknown"],
    ["gemini", "POST /v1beta/models/g:countTokens", "free"],
    ["gemini", "POST /v1/models/g:generateContent", "metered"],
    ["gemini", "POST /v1beta/openai/chat/completions", "metered"],
    ["gemini", "POST /upload/v1beta/files", "free"],
    ["gemini", "POST /v1beta/cachedContents", "unknown"],
    ["gemini", "GET /v1beta/files/f:download", "metered"],
    ["gemini", "GET /v1beta/operations/o", "free"],
  ];
  for (const [id, line, want] of table) {
    const { usage } = PROVIDERS.find((row) => row.id === id)!;
    const [method = "", path = ""] = line.split(" ");
    const how = meteringOf(usage, requestLine(method, path));
    assert.equal(typeof how === "string" ? how : "metered", want, line);
  }
});
