/** The AI SDK's providers for APIs of OpenAI's wire: the general one at every row, and xAI's own. */

import assert from "node:assert/strict";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { createXai } from "@ai-sdk/xai";
import { embedMany, generateImage, uploadFile } from "ai";
import { ROW_FIXTURES } from "../providers.ts";
import { ALL_KEYS, RUNTIMES } from "../subject.ts";
import { calls, doorsOf, generate, lawsOf, raised, stream } from "./ai_laws.ts";
import { collect, reachedUnchanged, rejection } from "./check.ts";
import { COMPATIBLE } from "./origin_compatible.ts";
import { BINARY, TEXT, WORDS } from "./shape.ts";
import {
  type Door,
  type Laws,
  onStage,
  refusedOnce,
  type Stage,
  suite,
  UNLISTED,
} from "./stage.ts";

/** Asserts that each call is refused as what its row does not list. */
async function unlisted(
  stage: Stage,
  calls: Readonly<Record<string, () => Promise<unknown>>>,
) {
  for (const [what, call] of Object.entries(calls)) {
    await refusedOnce(stage, UNLISTED, async () => {
      raised(undefined, await rejection(what, call()), UNLISTED);
    });
  }
}

type Compatible = ReturnType<typeof createOpenAICompatible>;

interface CompatibleDoor extends Door {
  readonly headers?: Record<string, string>;
}

const compatibleLaws: Laws<typeof createOpenAICompatible, Compatible> = {
  ...lawsOf({
    api: "groq",
    url: "/openai/v1/chat/completions",
    slot: { authorization: `Bearer ${ALL_KEYS.groq}` },
  }),
  "embeddings come number by number": async ({ client }) => {
    const model = client.embeddingModel("embed-x");
    const { embeddings } = await embedMany({ model, values: ["a", "b"] });
    assert.deepEqual(embeddings, [[0.5, -0.25, 2], [0.5, -0.25, 2]]);
  },
  "what the row does not list is the SDK's own 404": async (scene) => {
    const { client } = scene;
    await unlisted(scene, {
      completion: () => generate((model) => client.completionModel(model)),
      image: () =>
        generateImage({
          model: client.imageModel("image-x"),
          prompt: "Hello",
          maxRetries: 0,
        }),
    });
  },
};

suite<typeof createOpenAICompatible, Compatible, CompatibleDoor>(
  "@ai-sdk/openai-compatible",
  {
    sdks: {
      "ai 7.0.173 with @ai-sdk/openai-compatible 3.0.92":
        createOpenAICompatible,
    },
    doors: [
      { name: "its token", api: "groq", path: "/v1", alone: true, mute: true },
      { name: "its prefix", api: "groq", path: "/groq/v1" },
      { name: "its prefix alone", api: "groq", path: "/groq" },
      { name: "its prefix and path", api: "groq", path: "/groq/openai/v1" },
      { name: "its older prefix", api: "groq", path: "/proxy/groq/v1" },
      {
        name: "its host",
        api: "groq",
        path: "/v1",
        headers: { "X-Host-Final": "api.groq.com" },
      },
    ],
    connect: (create, { base, token, door: { headers = {} } }) =>
      create({ name: "groq", baseURL: base, apiKey: token, headers }),
    laws: compatibleLaws,
    calls,
    raised,
  },
);

for (const runtime of RUNTIMES) {
  Deno.test(`@ai-sdk/openai-compatible reaches every row by its name on ${runtime}`, () =>
    onStage(runtime, async (stage) => {
      const ids = Object.keys(COMPATIBLE);
      const token = await stage.doppel.mint({ providers: ids });
      for (const id of ids) {
        const { at, paths = {} } = ROW_FIXTURES[id]!;
        const chats = "/v1/chat/completions";
        const { pathname } = new URL(paths[chats] ?? at + chats);
        for (const path of [`/${id}/v1`, `/${id}`]) {
          const baseURL = stage.doppel.url + path;
          const ai = createOpenAICompatible({
            name: id,
            baseURL,
            apiKey: token,
          });
          assert.equal((await generate(ai)).text, TEXT, path);
          assert.deepEqual(await collect(stream(ai)), WORDS, path);
          reachedUnchanged(stage, {
            api: id,
            url: pathname,
            slot: { authorization: `Bearer ${ALL_KEYS[id]}` },
          });
        }
      }
    }));
}

type Xai = ReturnType<typeof createXai>;

const xaiLaws: Laws<typeof createXai, Xai> = {
  ...lawsOf({
    api: "xai",
    url: "/v1/responses",
    slot: { authorization: `Bearer ${ALL_KEYS.xai}` },
  }),
  "what the row does not list is the SDK's own 404": async (scene) => {
    const { client } = scene;
    await unlisted(scene, {
      file: () => uploadFile({ api: client, data: BINARY, filename: "a.bin" }),
    });
  },
};

suite("@ai-sdk/xai", {
  sdks: { "ai 7.0.173 with @ai-sdk/xai 5.0.12": createXai },
  doors: doorsOf("xai", "/v1").filter(({ name }) => name !== "the bare base")
    .map((door) => door.alone ? { ...door, mute: true as const } : door),
  connect: (create, { base, token }) =>
    create({ baseURL: base, apiKey: token }),
  laws: xaiLaws,
  calls,
  raised,
});
