/** LangChain's chat models and embeddings, at the APIs they are for and at rows that speak the same wire. */

import { ChatAnthropic } from "@langchain/anthropic";
import {
  ChatGoogleGenerativeAI,
  GoogleGenerativeAIEmbeddings,
} from "@langchain/google-genai";
import { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import { ALL_KEYS, RUNTIMES } from "../subject.ts";
import { rejection } from "./check.ts";
import {
  type Connect,
  EMBEDS,
  langchain,
  raised,
  RETRIES,
  STREAMS,
} from "./langchain_laws.ts";
import { type Door, onStage, refusedOnce, UNLISTED } from "./stage.ts";

const openai = (useResponsesApi: boolean): Connect => ({ base, token }) => {
  const common = { apiKey: token, configuration: { baseURL: base } };
  return {
    chat: (model, maxRetries = RETRIES) =>
      new ChatOpenAI({ model, maxRetries, useResponsesApi, ...common }),
    embeddings: new OpenAIEmbeddings({ model: "embed-x", ...common }),
  };
};

const anthropic: Connect = ({ base, token }) => ({
  chat: (model, maxRetries = RETRIES) =>
    new ChatAnthropic({
      model,
      maxRetries,
      apiKey: token,
      anthropicApiUrl: base,
    }),
});

const google: Connect = ({ base, token }) => {
  const common = { apiKey: token, baseUrl: base };
  return {
    chat: (model, maxRetries = RETRIES) =>
      new ChatGoogleGenerativeAI({ model, maxRetries, ...common }),
    embeddings: new GoogleGenerativeAIEmbeddings({
      model: "embed-x",
      ...common,
    }),
  };
};
/** The ways to one of the three that are told apart by what comes. */
function three(api: string, version = ""): readonly Door[] {
  return [
    { name: "the bare base", api, path: version },
    { name: "its token", api, path: version, alone: true },
    { name: "its prefix", api, path: `/${api}${version}` },
  ];
}

const bearer = (id: string) => ({ authorization: `Bearer ${ALL_KEYS[id]}` });

const OPENAI = "@langchain/openai 1.6.0";

langchain(OPENAI, {
  connect: openai(false),
  sent: {
    api: "openai",
    url: "/v1/chat/completions",
    slot: bearer("openai"),
  },
  doors: three("openai", "/v1"),
  laws: { ...STREAMS, ...EMBEDS },
});

langchain(OPENAI, {
  connect: openai(true),
  sent: { api: "openai", url: "/v1/responses", slot: bearer("openai") },
  doors: three("openai", "/v1"),
  laws: { ...STREAMS, ...EMBEDS },
});

langchain(OPENAI, {
  connect: openai(false),
  sent: {
    api: "groq",
    url: "/openai/v1/chat/completions",
    slot: bearer("groq"),
  },
  doors: [
    { name: "its prefix", api: "groq", path: "/groq/v1" },
    { name: "its prefix alone", api: "groq", path: "/groq" },
  ],
  laws: { ...STREAMS, ...EMBEDS },
});

langchain("@langchain/anthropic 1.5.11", {
  connect: anthropic,
  sent: {
    api: "anthropic",
    url: "/v1/messages",
    slot: { "x-api-key": ALL_KEYS.anthropic! },
  },
  doors: three("anthropic"),
  laws: STREAMS,
});

langchain("@langchain/anthropic 1.5.11", {
  connect: anthropic,
  sent: {
    api: "deepseek",
    url: "/anthropic/v1/messages",
    slot: bearer("deepseek"),
  },
  doors: [{ name: "its prefix", api: "deepseek", path: "/deepseek/anthropic" }],
  laws: STREAMS,
});

langchain("@langchain/google-genai 2.3.2", {
  connect: google,
  sent: {
    api: "gemini",
    url: "/v1beta/models/model-x:generateContent",
    slot: { "x-goog-api-key": ALL_KEYS.gemini! },
  },
  doors: three("gemini"),
  // @google/generative-ai 0.24 tees its streams: it reads on when left, and a
  // broken one is an unhandled rejection besides.
  laws: EMBEDS,
});

for (const runtime of RUNTIMES) {
  Deno.test(`LangChain at a row of another wire gets a 404 of its own on ${runtime}`, () =>
    onStage(runtime, async (stage) => {
      const token = await stage.doppel.mint({ providers: ["groq", "mistral"] });
      const elsewhere: readonly (readonly [Connect, string])[] = [
        [openai(true), "/mistral/v1"],
        [anthropic, "/groq"],
        [google, "/groq"],
      ];
      for (const [connect, path] of elsewhere) {
        const { chat } = connect({ base: stage.doppel.url + path, token });
        await refusedOnce(stage, UNLISTED, async () => {
          const error = await rejection(path, chat("model-x").invoke("Hello"));
          raised(undefined, error, UNLISTED);
        });
      }
    }));
}
