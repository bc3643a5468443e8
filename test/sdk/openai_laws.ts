/** What holds for OpenAI's SDK on every surface that speaks its wire. */

import assert from "node:assert/strict";
import * as v7 from "openai";
import * as v6 from "openai-6";
import { until } from "../subject.ts";
import { collect, rejection, wordByWord } from "./check.ts";
import { TEXT, WORDS } from "./shape.ts";
import {
  type Door,
  type Expected,
  type Laws,
  linesDuring,
  type Stage,
} from "./stage.ts";

export type Sdk = typeof v7;
export type Client = v7.OpenAI;

export const SDKS: Record<string, Sdk> = {
  "openai 7.55.0": v7,
  // The calls made here are the same in both; their types are not.
  "openai 6.49.0": v6 as unknown as Sdk,
};

export interface OpenAIDoor extends Door {
  /** Azure's client, which sends `api-key` and paths of its own. */
  readonly azure?: true;
}

const messages = [{ role: "user" as const, content: "Hello" }];

export function chat(
  { chat }: Client,
  model = "gpt-x",
  options?: v7.OpenAI.RequestOptions,
) {
  return chat.completions.create({ model, messages }, options);
}

export function chatStream({ chat }: Client, model = "gpt-x") {
  return chat.completions.create({ model, messages, stream: true });
}

/** What is kept of the one request that `act` makes, once it is written down. */
async function kept(stage: Stage, act: () => Promise<void>) {
  const [line] = await linesDuring(stage, act);
  const path = `/admin/tokens/${line!.token}/requests`;
  while (true) {
    const { requests } = await stage.doppel.admin("GET", path) as {
      requests: Record<string, unknown>[];
    };
    const entry = requests.find(({ id }) => id === line!.id);
    if (entry) return entry;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What Gemini's OpenAI-compatible surface has too. */
export const COMMON: Laws<Sdk, Client> = {
  "a chat completion comes as the origin wrote it": async ({ client }) => {
    const { choices, usage, _request_id } = await chat(client);
    assert.equal(choices[0]?.message.content, TEXT);
    assert.equal(usage?.total_tokens, 5);
    assert.ok(_request_id);
  },
  "a streamed chat completion comes word by word": async (scene) => {
    const words = await wordByWord(
      scene,
      () => chatStream(scene.client),
      ({ choices }) => choices[0]?.delta.content ?? undefined,
    );
    assert.deepEqual(words, WORDS);
  },
  "a stream whose usage doppel asks for is the same, and measured": async (
    scene,
  ) => {
    const plain = await collect(await chatStream(scene.client));
    const exact = await scene.as({ exactUsage: true });
    let chunks: unknown[] = [];
    const { state, usage } = await kept(scene, async () => {
      chunks = await collect(await chatStream(exact));
    });
    assert.deepEqual(chunks, plain);
    assert.ok(plain.every((chunk) => !("usage" in chunk)));
    const { stream_options } = JSON.parse(
      new TextDecoder().decode(scene.origin.received.at(-1)!.body),
    );
    assert.deepEqual(stream_options, { include_usage: true });
    assert.deepEqual([state, usage], ["measured", { input: 1, output: 4 }]);
    const asking = await exact.chat.completions.create({
      model: "gpt-x",
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    assert.equal((await collect(asking)).at(-1)?.usage?.total_tokens, 5);
  },
  "a chat helper sees the whole stream": async ({ client }) => {
    const runner = client.chat.completions.stream({ model: "gpt-x", messages });
    const { choices } = await runner.finalChatCompletion();
    assert.equal(choices[0]?.message.content, TEXT);
  },
  "a stream broken at the origin is no finished one": async (scene) => {
    const broken = wordByWord(
      scene,
      () => chatStream(scene.client, "breaks-off"),
      ({ choices }) => choices[0]?.delta.content ?? undefined,
    );
    await rejection("a broken stream", broken);
    await until(() => scene.doppel.lines().at(-1)?.ending === "origin_broken");
  },
  "an error in mid-stream is the SDK's own": async (scene) => {
    const failing = chatStream(scene.client, "fails-midway").then(collect);
    const error = await rejection("a failing stream", failing);
    assert.ok(error instanceof scene.sdk.APIError, `${error}`);
    assert.match(error.message, /The origin fails midway/);
  },
  "a token for the model asked for is admitted": async ({ as }) => {
    const client = await as({ models: ["gpt-*"] });
    assert.equal((await chat(client)).choices[0]?.message.content, TEXT);
    assert.ok((await collect(await chatStream(client))).length > 1);
  },
  "a client that leaves a stream ends it at the origin": async (scene) => {
    const { client, origin } = scene;
    const before = origin.abandoned();
    origin.hold();
    for await (const _ of await chatStream(client)) break;
    await until(() => origin.abandoned() > before);
  },
  "embeddings come in base64, number by number": async ({ client }) => {
    const { data } = await client.embeddings.create({
      model: "embed-x",
      input: ["a", "b"],
    });
    const vector = [0.5, -0.25, 2];
    assert.deepEqual(data.map((row) => row.embedding), [vector, vector]);
  },
  "models are listed": async ({ client }) => {
    const ids = (await collect(client.models.list())).map(({ id }) => id);
    // At the bare base a token for several APIs is shown theirs behind them.
    const named = ids.filter((id) => id.includes("/"));
    assert.deepEqual(ids, ["one", "two", ...named]);
  },
  "the origin's errors are the SDK's own": async ({ client, sdk }) => {
    const classes = {
      400: sdk.BadRequestError,
      429: sdk.RateLimitError,
      500: sdk.InternalServerError,
    };
    for (const [status, kind] of Object.entries(classes)) {
      const error = await rejection(
        status,
        chat(client, `fail-${status}`, { maxRetries: 0 }),
      );
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
};

export function connect(
  sdk: Sdk,
  { base, token, door }: { base: string; token: string; door: OpenAIDoor },
): Client {
  return door.azure
    ? new sdk.AzureOpenAI({
      endpoint: base,
      apiKey: token,
      apiVersion: "2026-10-01",
    })
    : new sdk.OpenAI({ baseURL: base, apiKey: token });
}

export function raised(sdk: Sdk, error: unknown, { status, said }: Expected) {
  const kind = {
    401: sdk.AuthenticationError,
    403: sdk.PermissionDeniedError,
    503: sdk.InternalServerError,
  }[status];
  assert.ok(kind && error instanceof kind, `${error}`);
  assert.equal(error.status, status);
  assert.match(error.message, said);
  assert.ok(error.code && error.type, `${error.code}, ${error.type}`);
  assert.match(error.requestID ?? "", /^[0-9a-f-]{36}$/);
}
