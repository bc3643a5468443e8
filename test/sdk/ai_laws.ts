/** What holds for the AI SDK, whichever of its providers it is given. */

import assert from "node:assert/strict";
import {
  APICallError,
  generateText,
  isStepCount,
  jsonSchema,
  type LanguageModel,
  streamText,
  tool,
} from "ai";
import { until } from "../subject.ts";
import { collect, reachedUnchanged, rejection, wordByWord } from "./check.ts";
import { CALL, TEXT, WORDS } from "./shape.ts";
import type { Door, Expected, Laws } from "./stage.ts";

/** What its providers have in common. */
export type Ai = (model: string) => LanguageModel;

/** What every call here asks. */
export const asked = { prompt: "Hello", maxOutputTokens: 9 };

export function generate(ai: Ai, model = "model-x", maxRetries = 0) {
  return generateText({ ...asked, model: ai(model), maxRetries });
}

/** The words as they come; throws what the stream brings as an error. */
export async function* stream(ai: Ai, model = "model-x", maxRetries = 0) {
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

/** The text after a round of tools, and what the tool was told. */
async function runTools(model: LanguageModel) {
  const { told, tools } = weather();
  const { text } = await generateText({ ...asked, model, ...tools });
  return { text, told };
}

async function streamTools(model: LanguageModel) {
  const { told, tools } = weather();
  const text = await streamText({ ...asked, model, ...tools }).text;
  return { text, told };
}

function weather() {
  const told: unknown[] = [];
  const city = { type: "string" } as const;
  const itself = tool({
    inputSchema: jsonSchema<{ city: string }>({
      type: "object",
      properties: { city },
      required: ["city"],
    }),
    execute(input) {
      told.push(input);
      return "warm";
    },
  });
  const tools = { tools: { [CALL.name]: itself }, stopWhen: isStepCount(2) };
  return { told, tools };
}

export const itself = (word: string) => word;

/** What must hold, and how a request must arrive. */
export function lawsOf(
  sent: { api: string; url: string; slot: Record<string, string> },
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
    "a tool is called, and its result goes up": async (scene) => {
      for (const run of [runTools, streamTools]) {
        const { text, told } = await run(scene.client("model-x"));
        assert.deepEqual(told, [CALL.input]);
        assert.equal(text, TEXT);
      }
      await runTools(scene.client("model-x"));
      reachedUnchanged(scene, sent);
    },
    "the origin's errors are the SDK's own": async ({ client }) => {
      for (const status of [400, 429, 500]) {
        const error = await rejection(
          `${status}`,
          generate(client, `fail-${status}`),
        );
        assert.ok(APICallError.isInstance(error), `${error}`);
        assert.equal(error.statusCode, status);
        // xAI's have a code before it.
        assert.match(error.message, new RegExp(`The origin says ${status}$`));
      }
    },
  } satisfies Laws<unknown, Ai>;
}

/** The ways to an API whose base URL ends in a version. */
export function doorsOf(api: string, version: string): readonly Door[] {
  return [
    { name: "the bare base", api, path: version },
    { name: "its token", api, path: version, alone: true },
    { name: "its prefix", api, path: `/${api}${version}` },
    { name: "its prefix and a slash", api, path: `/${api}${version}/` },
    { name: "its older prefix", api, path: `/proxy/${api}${version}` },
  ];
}

export function raised(_: unknown, error: unknown, { status, said }: Expected) {
  assert.ok(APICallError.isInstance(error), `${error}`);
  assert.equal(error.statusCode, status);
  // The detail itself, not JSON around it.
  assert.match(error.message, said);
  assert.ok(!error.message.includes("{"), error.message);
}

/** It retries a 503 whatever `x-should-retry` says, and nothing else that doppel refuses here. */
const retries = ({ status }: Expected) => status === 503 ? 0 : 2;

export const calls = {
  generate: (ai: Ai, expected: Expected) =>
    generate(ai, "model-x", retries(expected)),
  stream: (ai: Ai, expected: Expected) =>
    collect(stream(ai, "model-x", retries(expected))),
};
