import assert from "node:assert/strict";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogle } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import {
  APICallError,
  embedMany,
  experimental_getBatchResults as getBatchResults,
  experimental_startBatch as startBatch,
  generateSpeech,
  generateText,
  type LanguageModel,
  streamText,
  transcribe,
  uploadFile,
} from "ai";
import { KEYS, until } from "../subject.ts";
import { collect, reachedUnchanged, rejection, wordByWord } from "./check.ts";
import { BINARY, HASH, type ProviderId, sha256, TEXT, WORDS } from "./shape.ts";
import { type Door, type Expected, type Laws, suite } from "./stage.ts";

type OpenAI = ReturnType<typeof createOpenAI>;
type Anthropic = ReturnType<typeof createAnthropic>;
type Google = ReturnType<typeof createGoogle>;

/** What the three have in common. */
type Ai = (model: string) => LanguageModel;

const asked = { prompt: "Hello", maxOutputTokens: 9 };

function generate(ai: Ai, model = "model-x", maxRetries = 0) {
  return generateText({ ...asked, model: ai(model), maxRetries });
}

/** The words as they come; throws what the stream brings as an error. */
async function* stream(ai: Ai, model = "model-x", maxRetries = 0) {
  const { stream } = streamText({
    model: ai(model),
    ...asked,
    maxRetries,
    onError: () => {},
  });
  for await (const part of stream) {
    if (part.type === "error") throw part.error;
    if (part.type === "text-delta") yield part.text;
  }
}

const itself = (word: string) => word;

function lawsOf(
  sent: { api: ProviderId; url: string; slot: Record<string, string> },
) {
  return {
    "text comes as the origin wrote it": async ({ client }) => {
      const { text, usage } = await generate(client);
      assert.equal(text, TEXT);
      assert.equal(usage.outputTokens, 4);
    },
    "a request arrives as it was sent, but for the slot": async (scene) => {
      await generate(scene.client);
      reachedUnchanged(scene, sent);
    },
    "streamed text comes word by word": async (scene) => {
      const open = () => stream(scene.client);
      assert.deepEqual(await wordByWord(scene, open, itself), WORDS);
    },
    "a stream broken at the origin is no finished one": async (scene) => {
      const open = () => stream(scene.client, "breaks-off");
      await rejection("a broken stream", wordByWord(scene, open, itself));
      await until(() =>
        scene.doppel.lines().at(-1)?.ending === "origin_broken"
      );
    },
    "the origin's errors are the SDK's own": async ({ client }) => {
      for (const status of [400, 429, 500]) {
        const error = await rejection(
          `${status}`,
          generate(client, `fail-${status}`),
        );
        assert.ok(APICallError.isInstance(error), `${error}`);
        assert.equal(error.statusCode, status);
        assert.equal(error.message, `The origin says ${status}`);
      }
    },
  } satisfies Laws<unknown, Ai>;
}

function doorsOf(api: ProviderId, version: string): readonly Door[] {
  return [
    { name: "the bare base", api, path: version },
    { name: "its token", api, path: version, alone: true },
    { name: "its prefix", api, path: `/${api}${version}` },
    { name: "its prefix and a slash", api, path: `/${api}${version}/` },
    { name: "its older prefix", api, path: `/proxy/${api}${version}` },
  ];
}

function raised(_: unknown, error: unknown, { status, said }: Expected) {
  assert.ok(APICallError.isInstance(error), `${error}`);
  assert.equal(error.statusCode, status);
  // The detail itself, not JSON around it.
  assert.match(error.message, said);
  assert.ok(!error.message.includes("{"), error.message);
}

/** It retries a 503 whatever `x-should-retry` says, and nothing else that doppel refuses here. */
const retries = ({ status }: Expected) => status === 503 ? 0 : 2;

const calls = {
  generate: (ai: Ai, expected: Expected) =>
    generate(ai, "model-x", retries(expected)),
  stream: (ai: Ai, expected: Expected) =>
    collect(stream(ai, "model-x", retries(expected))),
};

const openaiLaws: Laws<typeof createOpenAI, OpenAI> = {
  ...lawsOf({
    api: "openai",
    url: "/v1/responses",
    slot: { authorization: `Bearer ${KEYS.openai}` },
  }),
  "a chat model answers and streams": async (scene) => {
    const ai = (model: string) => scene.client.chat(model);
    assert.equal((await generate(ai)).text, TEXT);
    const words = await wordByWord(scene, () => stream(ai), itself);
    assert.deepEqual(words, WORDS);
  },
  "embeddings come number by number": async ({ client }) => {
    const model = client.embeddingModel("embed-x");
    const { embeddings } = await embedMany({ model, values: ["a", "b"] });
    assert.deepEqual(embeddings, [[0.5, -0.25, 2], [0.5, -0.25, 2]]);
  },
  "a file goes up whole": async ({ client }) => {
    const { providerReference } = await uploadFile({
      api: client,
      data: BINARY,
      filename: "ünï.bin",
    });
    assert.equal(providerReference.openai, HASH);
  },
  "speech comes down whole": async ({ client }) => {
    const model = client.speech("tts-x");
    const { audio } = await generateSpeech({ model, text: "Hello" });
    assert.equal(sha256(audio.uint8Array), HASH);
  },
  "audio goes up whole": async ({ client }) => {
    const model = client.transcription("whisper-1");
    const { text } = await transcribe({ model, audio: BINARY });
    assert.equal(text, HASH);
  },
};

suite("@ai-sdk/openai", {
  sdks: { "ai 7.0.173 with @ai-sdk/openai 4.0.118": createOpenAI },
  doors: doorsOf("openai", "/v1"),
  connect: (create, { base, token }) =>
    create({ baseURL: base, apiKey: token }),
  laws: openaiLaws,
  calls,
  raised,
});

const anthropicLaws: Laws<typeof createAnthropic, Anthropic> = {
  ...lawsOf({
    api: "anthropic",
    url: "/v1/messages",
    slot: { "x-api-key": KEYS.anthropic },
  }),
  "a file goes up whole": async ({ client }) => {
    const { providerReference } = await uploadFile({
      api: client,
      data: BINARY,
      filename: "ünï.bin",
    });
    assert.equal(providerReference.anthropic, HASH);
  },
  "a batch's results come through doppel": async ({ client, origin }) => {
    const batch = await startBatch({
      provider: client,
      requests: [{ id: "first", type: "text", model: "claude-x", ...asked }],
    });
    const results = await collect(getBatchResults({ provider: client, batch }));
    assert.deepEqual(results.map(({ id }) => id), ["first", "second"]);
    const { url } = origin.received.at(-1)!;
    assert.equal(url, `/v1/messages/batches/${batch.id}/results`);
  },
};

suite("@ai-sdk/anthropic", {
  sdks: { "ai 7.0.173 with @ai-sdk/anthropic 4.0.105": createAnthropic },
  doors: [
    ...doorsOf("anthropic", "/v1"),
    { name: "the bare base as authToken", api: "anthropic", path: "/v1" },
  ],
  connect: (create, { base, token, door }) =>
    create({
      baseURL: base,
      ...(/authToken/.test(door.name)
        ? { authToken: token }
        : { apiKey: token }),
    }),
  laws: anthropicLaws,
  calls,
  raised,
});

const googleLaws: Laws<typeof createGoogle, Google> = {
  ...lawsOf({
    api: "gemini",
    url: "/v1beta/models/model-x:generateContent",
    slot: { "x-goog-api-key": KEYS.gemini },
  }),
  "embeddings come number by number": async ({ client }) => {
    const model = client.embeddingModel("gemini-embedding-001");
    const { embeddings } = await embedMany({ model, values: ["a", "b"] });
    assert.deepEqual(embeddings, [[0.5, -0.25, 2], [0.5, -0.25, 2]]);
  },
  // The URL it was given is all its second leg has.
  "a file whose second leg carries no key goes up whole": async (
    { client },
  ) => {
    const { providerReference } = await uploadFile({
      api: client,
      data: BINARY,
    });
    assert.match(`${providerReference.google}`, /files\/./);
  },
};

suite("@ai-sdk/google", {
  sdks: { "ai 7.0.173 with @ai-sdk/google 4.0.121": createGoogle },
  doors: doorsOf("gemini", "/v1beta"),
  connect: (create, { base, token }) =>
    create({ baseURL: base, apiKey: token }),
  laws: googleLaws,
  calls,
  raised,
});
