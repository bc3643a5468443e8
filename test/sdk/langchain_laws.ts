/** What holds for LangChain's chat models, whichever API they are for. */

import assert from "node:assert/strict";
import type { Embeddings } from "@langchain/core/embeddings";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import { until } from "../subject.ts";
import { collect, reachedUnchanged, rejection, wordByWord } from "./check.ts";
import { CALL, TEXT, WORDS } from "./shape.ts";
import { type Door, type Expected, type Laws, suite } from "./stage.ts";

interface To {
  readonly base: string;
  readonly token: string;
}

export interface Lang {
  chat(model: string, maxRetries?: number): BaseChatModel;
  readonly embeddings?: Embeddings;
}

export type Connect = (to: To) => Lang;

/** LangChain's own. */
export const RETRIES = 6;

const tools = [{
  type: "function" as const,
  function: {
    name: CALL.name,
    description: "The weather",
    parameters: { type: "object", properties: { city: { type: "string" } } },
  },
}];

const wordOf = ({ text }: { text: string }) => text;

interface Sent {
  readonly api: string;
  /** Path and query at the origin. */
  readonly url: string;
  readonly slot: Readonly<Record<string, string>>;
}

function lawsOf(sent: Sent): Laws<Connect, Lang> {
  return {
    "a message comes as the origin wrote it": async ({ client }) => {
      const message = await client.chat("model-x").invoke("Hello");
      assert.equal(message.text, TEXT);
      // Typed `undefined` for a message of no declared structure.
      assert.equal(Object(message.usage_metadata).total_tokens, 5);
    },
    "a request arrives as it was sent, but for the slot": async (scene) => {
      await scene.client.chat("model-x").invoke("Hello");
      reachedUnchanged(scene, sent);
    },
    "a streamed message comes word by word": async (scene) => {
      const open = () => scene.client.chat("model-x").stream("Hello");
      assert.deepEqual(await wordByWord(scene, open, wordOf), WORDS);
    },
    "a tool is called, and its result goes up": async (scene) => {
      const model = scene.client.chat("model-x").bindTools!(tools);
      const asked = new HumanMessage("Hello");
      const called = await model.invoke([asked]);
      const [call] = called.tool_calls!;
      assert.deepEqual([call?.name, call?.args], [CALL.name, CALL.input]);
      const { name, id } = call!;
      const told = new ToolMessage({
        content: "warm",
        name,
        tool_call_id: id!,
      });
      const after = await model.invoke([asked, called, told]);
      assert.equal(after.text, TEXT);
      reachedUnchanged(scene, sent);
    },
    "a streamed tool call comes whole": async ({ client }) => {
      const model = client.chat("model-x").bindTools!(tools);
      const chunks = await collect(await model.stream("Hello"));
      const whole = chunks.reduce((all, chunk) => all.concat(chunk));
      assert.deepEqual(
        whole.tool_calls?.map(({ name, args }) => [name, args]),
        [[CALL.name, CALL.input]],
      );
    },
    "the origin's errors are the SDK's own": async ({ client }) => {
      for (const status of [400, 429, 500]) {
        const failing = client.chat(`fail-${status}`, 0).invoke("Hello");
        raised(undefined, await rejection(`${status}`, failing), {
          status,
          said: new RegExp(`The origin says ${status}`),
        });
      }
    },
  };
}

/** Whose client reads what it was given, and no copy that is read on behind it. */
export const STREAMS: Laws<Connect, Lang> = {
  "a stream broken at the origin is no finished one": async (scene) => {
    const open = () => scene.client.chat("breaks-off", 0).stream("Hello");
    await rejection("a broken stream", wordByWord(scene, open, wordOf));
    await until(() => scene.doppel.lines().at(-1)?.ending === "origin_broken");
  },
  "a client that leaves a stream ends it at the origin": async (scene) => {
    const before = scene.origin.abandoned();
    scene.origin.hold();
    for await (
      const chunk of await scene.client.chat("model-x").stream("Hello")
    ) if (chunk.text) break;
    await until(() => scene.origin.abandoned() > before);
  },
};

/** Who has embeddings. */
export const EMBEDS: Laws<Connect, Lang> = {
  "embeddings come number by number": async ({ client: { embeddings } }) => {
    const vector = [0.5, -0.25, 2];
    const both = await embeddings!.embedDocuments(["a", "b"]);
    assert.deepEqual(both, [vector, vector]);
    assert.deepEqual(await embeddings!.embedQuery("a"), vector);
  },
};

/** What a user would catch: each house's own class, by its name, as LangChain brings its own copy of some. */
const CLASSES: Readonly<Record<number, string>> = {
  400: "BadRequestError",
  401: "AuthenticationError",
  403: "PermissionDeniedError",
  404: "NotFoundError",
  429: "RateLimitError",
  500: "InternalServerError",
  503: "InternalServerError",
};

export function raised(_: unknown, error: unknown, { status, said }: Expected) {
  assert.ok(error instanceof Error, `${error}`);
  const kind = error.constructor.name;
  assert.ok(
    kind === CLASSES[status] || kind === "GoogleGenerativeAIFetchError",
    kind,
  );
  assert.ok("status" in error);
  assert.equal(error.status, status);
  assert.match(error.message, said);
}

/** It retries a 503 whatever `x-should-retry` says, and nothing else that doppel refuses here. */
const retries = ({ status }: Expected) => status === 503 ? 0 : RETRIES;

export function langchain(
  sdk: string,
  { connect, sent, doors, laws }: {
    connect: Connect;
    sent: Sent;
    doors: readonly Door[];
    laws: Laws<Connect, Lang>;
  },
) {
  suite(`${sdk} for ${sent.api}${sent.url}`, {
    sdks: { [sdk]: connect },
    doors,
    connect: (connect, to) => connect(to),
    laws: { ...lawsOf(sent), ...laws },
    calls: {
      invoke: ({ chat }, expected) =>
        chat("model-x", retries(expected)).invoke("Hello"),
      stream: async ({ chat }, expected) =>
        collect(await chat("model-x", retries(expected)).stream("Hello")),
    },
    raised,
  });
}
