import assert from "node:assert/strict";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogle } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import {
  embedMany,
  experimental_getBatchResults as getBatchResults,
  experimental_startBatch as startBatch,
  generateSpeech,
  transcribe,
  uploadFile,
} from "ai";
import { KEYS } from "../subject.ts";
import {
  asked,
  calls,
  doorsOf,
  generate,
  itself,
  lawsOf,
  raised,
  stream,
} from "./ai_laws.ts";
import { collect, wordByWord } from "./check.ts";
import { BINARY, HASH, sha256, TEXT, WORDS } from "./shape.ts";
import { type Laws, suite } from "./stage.ts";

type OpenAI = ReturnType<typeof createOpenAI>;
type Anthropic = ReturnType<typeof createAnthropic>;
type Google = ReturnType<typeof createGoogle>;

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
