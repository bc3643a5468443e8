import assert from "node:assert/strict";
import Groq from "groq-sdk";
import { ALL_KEYS, until } from "../subject.ts";
import { collect, reachedUnchanged, rejection, wordByWord } from "./check.ts";
import { CALL, TEXT, WORDS } from "./shape.ts";
import {
  type Expected,
  type Laws,
  refusedOnce,
  suite,
  UNLISTED,
} from "./stage.ts";

type Sdk = typeof Groq;

const messages = [{ role: "user" as const, content: "Hello" }];

const tools: Groq.Chat.ChatCompletionTool[] = [{
  type: "function",
  function: {
    name: CALL.name,
    parameters: { type: "object", properties: { city: { type: "string" } } },
  },
}];

function chat({ chat }: Groq, model = "model-x", maxRetries?: number) {
  return chat.completions.create(
    { model, messages },
    maxRetries === undefined ? {} : { maxRetries },
  );
}

function stream({ chat }: Groq, model = "model-x") {
  return chat.completions.create({ model, messages, stream: true });
}

function wordOf({ choices }: Groq.Chat.ChatCompletionChunk) {
  return choices[0]?.delta.content ?? undefined;
}

const LAWS: Laws<Sdk, Groq> = {
  "a chat completion comes as the origin wrote it": async ({ client }) => {
    const { choices, usage } = await chat(client);
    assert.equal(choices[0]?.message.content, TEXT);
    assert.equal(usage?.total_tokens, 5);
  },
  "a request arrives as it was sent, but for the slot": async (scene) => {
    await chat(scene.client);
    reachedUnchanged(scene, {
      api: "groq",
      url: "/openai/v1/chat/completions",
      slot: { authorization: `Bearer ${ALL_KEYS.groq}` },
    });
  },
  "a streamed chat completion comes word by word": async (scene) => {
    const words = await wordByWord(scene, () => stream(scene.client), wordOf);
    assert.deepEqual(words, WORDS);
  },
  "a stream broken at the origin is no finished one": async (scene) => {
    const open = () => stream(scene.client, "breaks-off");
    await rejection("a broken stream", wordByWord(scene, open, wordOf));
    await until(() => scene.doppel.lines().at(-1)?.ending === "origin_broken");
  },
  "an error in mid-stream is the SDK's own": async ({ client }) => {
    const failing = stream(client, "fails-midway").then(collect);
    const error = await rejection("a failing stream", failing);
    assert.ok(error instanceof Groq.APIError, `${error}`);
    assert.match(error.message, /The origin fails midway/);
  },
  "a client that leaves a stream ends it at the origin": async (scene) => {
    const before = scene.origin.abandoned();
    scene.origin.hold();
    for await (const _ of await stream(scene.client)) break;
    await until(() => scene.origin.abandoned() > before);
  },
  "a tool is called, and its result goes up": async (scene) => {
    const { completions } = scene.client.chat;
    const asked = { model: "model-x", messages, tools };
    const { choices } = await completions.create(asked);
    const { message, finish_reason } = choices[0]!;
    assert.equal(finish_reason, "tool_calls");
    const call = message.tool_calls![0]!;
    assert.deepEqual([call.id, call.function.name], [CALL.id, CALL.name]);
    assert.deepEqual(JSON.parse(call.function.arguments), CALL.input);
    const after = await completions.create({
      ...asked,
      messages: [
        ...messages,
        message,
        { role: "tool", tool_call_id: call.id, content: "warm" },
      ],
    });
    assert.equal(after.choices[0]?.message.content, TEXT);
    reachedUnchanged(scene, {
      api: "groq",
      url: "/openai/v1/chat/completions",
      slot: { authorization: `Bearer ${ALL_KEYS.groq}` },
    });
  },
  "a streamed tool call comes piece by piece": async ({ client }) => {
    const chunks = await collect(
      await client.chat.completions.create({
        model: "model-x",
        messages,
        tools,
        stream: true,
      }),
    );
    const deltas = chunks.flatMap(({ choices }) =>
      choices[0]?.delta.tool_calls ?? []
    );
    const pieces = deltas.map((delta) => delta.function?.arguments ?? "");
    assert.equal(deltas[0]?.function?.name, CALL.name);
    assert.ok(pieces.length > 2);
    assert.deepEqual(JSON.parse(pieces.join("")), CALL.input);
  },
  "embeddings come number by number": async ({ client }) => {
    const { data } = await client.embeddings.create({
      model: "embed-x",
      input: ["a", "b"],
    });
    const vector = [0.5, -0.25, 2];
    assert.deepEqual(data.map(({ embedding }) => embedding), [vector, vector]);
  },
  "models are listed": async ({ client }) => {
    const { data } = await client.models.list();
    const ids = data.map(({ id }) => id);
    assert.deepEqual(ids.slice(0, 2), [
      "llama-3.3-70b-versatile",
      "whisper-large-v3",
    ]);
  },
  "the origin's errors are the SDK's own": async ({ client }) => {
    const classes = {
      400: Groq.BadRequestError,
      429: Groq.RateLimitError,
      500: Groq.InternalServerError,
    };
    for (const [status, kind] of Object.entries(classes)) {
      const failing = chat(client, `fail-${status}`, 0);
      const error = await rejection(status, failing);
      assert.ok(error instanceof kind, `${error}`);
      assert.equal(error.status, Number(status));
      assert.match(error.message, new RegExp(`The origin says ${status}`));
    }
  },
  "the origin decides what is retried": async ({ client, origin }) => {
    const before = origin.received.length;
    const { choices } = await chat(client, "flaky");
    assert.equal(choices[0]?.message.content, TEXT);
    assert.equal(origin.received.length, before + 2);
  },
  "what the row does not list is the SDK's own 404, and 405": async (scene) => {
    const { client } = scene;
    await refusedOnce(scene, UNLISTED, async () => {
      const asked = client.get("/openai/v1/fine_tunings");
      const error = await rejection("fine-tuning", asked);
      assert.ok(error instanceof Groq.NotFoundError, `${error}`);
      assert.match(error.message, UNLISTED.said);
    });
    const deleting = { status: 405, code: "method_not_allowed" };
    await refusedOnce(scene, deleting, async () => {
      const error = await rejection("405", client.models.delete("model-x"));
      assert.ok(error instanceof Groq.APIError, `${error}`);
      assert.match(error.message, /no such method on this path/);
    });
  },
};

suite("groq-sdk", {
  sdks: { "groq-sdk 1.6.0": Groq },
  doors: [
    { name: "its prefix", api: "groq", path: "/groq" },
    { name: "its prefix and a slash", api: "groq", path: "/groq/" },
    { name: "its prefix and a version", api: "groq", path: "/groq/v1" },
    { name: "its older prefix", api: "groq", path: "/proxy/groq" },
    {
      name: "its token at its prefix",
      api: "groq",
      path: "/groq",
      alone: true,
    },
  ],
  connect: (Sdk, { base, token }) => new Sdk({ baseURL: base, apiKey: token }),
  laws: LAWS,
  calls: {
    chat: (client) => chat(client),
    stream: (client) => stream(client),
  },
  raised(_: Sdk, error: unknown, { status, said }: Expected) {
    const kind = {
      401: Groq.AuthenticationError,
      403: Groq.PermissionDeniedError,
      503: Groq.InternalServerError,
    }[status];
    assert.ok(kind && error instanceof kind, `${error}`);
    assert.equal(error.status, status);
    assert.match(error.message, said);
  },
});
