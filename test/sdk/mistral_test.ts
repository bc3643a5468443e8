import assert from "node:assert/strict";
import { HTTPClient, Mistral } from "@mistralai/mistralai";
import type {
  ChatCompletionRequest,
  CompletionEvent,
} from "@mistralai/mistralai/models/components";
import { SDKError } from "@mistralai/mistralai/models/errors";
import { ALL_KEYS, until } from "../subject.ts";
import { collect, reachedUnchanged, rejection, wordByWord } from "./check.ts";
import { CALL, TEXT, WORDS } from "./shape.ts";
import {
  type Door,
  type Expected,
  type Laws,
  refusedOnce,
  suite,
  UNLISTED,
} from "./stage.ts";

interface MistralDoor extends Door {
  /** The row is named by a field of the owner's choice. */
  readonly host?: string;
}

const asked: ChatCompletionRequest = {
  model: "model-x",
  messages: [{ role: "user", content: "Hello" }],
};

const tools = [{
  type: "function" as const,
  function: {
    name: CALL.name,
    parameters: { type: "object", properties: { city: { type: "string" } } },
  },
}];

function chat({ chat }: Mistral, model = "model-x") {
  return chat.complete({ ...asked, model });
}

function stream({ chat }: Mistral, model = "model-x") {
  return chat.stream({ ...asked, model });
}

function wordOf({ data }: CompletionEvent) {
  return `${data.choices[0]?.delta.content ?? ""}`;
}

const REACHED = {
  api: "mistral",
  url: "/v1/chat/completions",
  slot: { authorization: `Bearer ${ALL_KEYS.mistral}` },
};

const LAWS: Laws<typeof Mistral, Mistral> = {
  "a chat completion comes as the origin wrote it": async ({ client }) => {
    const { choices, usage } = await chat(client);
    assert.equal(choices[0]?.message?.content, TEXT);
    assert.equal(usage.totalTokens, 5);
  },
  "a request arrives as it was sent, but for the slot": async (scene) => {
    await chat(scene.client);
    reachedUnchanged(scene, REACHED);
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
  "a client that leaves a stream ends it at the origin": async (scene) => {
    const before = scene.origin.abandoned();
    scene.origin.hold();
    for await (const _ of await stream(scene.client)) break;
    await until(() => scene.origin.abandoned() > before);
  },
  "a tool is called, and its result goes up": async (scene) => {
    const { client } = scene;
    const { choices } = await client.chat.complete({ ...asked, tools });
    const message = choices[0]!.message!;
    const [call] = message.toolCalls!;
    assert.deepEqual([call!.id, call!.function.name], [CALL.id, CALL.name]);
    assert.deepEqual(JSON.parse(`${call!.function.arguments}`), CALL.input);
    const after = await client.chat.complete({
      ...asked,
      tools,
      messages: [
        ...asked.messages,
        { ...message, role: "assistant" },
        { role: "tool", toolCallId: CALL.id, content: "warm" },
      ],
    });
    assert.equal(after.choices[0]?.message?.content, TEXT);
    reachedUnchanged(scene, REACHED);
  },
  "a streamed tool call comes whole": async ({ client }) => {
    const events = await collect(await client.chat.stream({ ...asked, tools }));
    const calls = events.flatMap(({ data }) =>
      data.choices[0]?.delta.toolCalls ?? []
    );
    assert.deepEqual(calls.map(({ function: { name } }) => name), [CALL.name]);
    const { arguments: input } = calls[0]!.function;
    assert.deepEqual(JSON.parse(`${input}`), CALL.input);
  },
  "embeddings come number by number": async ({ client }) => {
    const { data } = await client.embeddings.create({
      model: "embed-x",
      inputs: ["a", "b"],
    });
    const vector = [0.5, -0.25, 2];
    assert.deepEqual(data.map(({ embedding }) => embedding), [vector, vector]);
  },
  "models are listed": async ({ client }) => {
    const { data = [] } = await client.models.list();
    const [first] = data;
    assert.ok(first && "id" in first, JSON.stringify(first));
    assert.equal(first.id, "mistral-large-2512");
  },
  "the origin's errors are the SDK's own": async ({ client }) => {
    for (const status of [400, 429, 500]) {
      const error = await rejection(
        `${status}`,
        chat(client, `fail-${status}`),
      );
      assert.ok(error instanceof SDKError, `${error}`);
      assert.equal(error.statusCode, status);
      assert.match(error.message, new RegExp(`The origin says ${status}`));
    }
  },
  "what the row does not list is the SDK's own 404": async (scene) => {
    await refusedOnce(scene, UNLISTED, async () => {
      const jobs = scene.client.beta.agents.list();
      const error = await rejection("agents", jobs);
      assert.ok(error instanceof SDKError, `${error}`);
      assert.equal(error.statusCode, 404);
      assert.match(error.message, UNLISTED.said);
    });
  },
};

suite<typeof Mistral, Mistral, MistralDoor>("@mistralai/mistralai", {
  sdks: { "@mistralai/mistralai 2.7.0": Mistral },
  doors: [
    { name: "its prefix", api: "mistral", path: "/mistral" },
    { name: "its prefix and a slash", api: "mistral", path: "/mistral/" },
    { name: "its prefix and a version", api: "mistral", path: "/mistral/v1" },
    { name: "its older prefix", api: "mistral", path: "/proxy/mistral" },
    { name: "its token", api: "mistral", path: "", alone: true, mute: true },
    { name: "its host", api: "mistral", path: "", host: "api.mistral.ai" },
  ],
  connect(Sdk, { base, token, door }) {
    const httpClient = new HTTPClient();
    const { host } = door;
    if (host !== undefined) {
      httpClient.addHook("beforeRequest", (request) => {
        request.headers.set("x-host-final", host);
      });
    }
    return new Sdk({ serverURL: base, apiKey: token, httpClient });
  },
  laws: LAWS,
  calls: {
    chat: (client) => chat(client),
    stream: (client) => stream(client),
  },
  raised(_, error: unknown, { status, said }: Expected) {
    assert.ok(error instanceof SDKError, `${error}`);
    assert.equal(error.statusCode, status);
    assert.match(error.message, said);
  },
});
