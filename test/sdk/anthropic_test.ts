import assert from "node:assert/strict";
import * as v1 from "@anthropic-ai/sdk";
import * as v0 from "@anthropic-ai/sdk-0";
import { KEYS, until } from "../subject.ts";
import { collect, reachedUnchanged, rejection, wordByWord } from "./check.ts";
import { BINARY, HASH, sha256, TEXT, WORDS } from "./shape.ts";
import { type Door, type Expected, type Laws, suite } from "./stage.ts";

type Sdk = typeof v1;
type Client = v1.Anthropic;

const SDKS: Record<string, Sdk> = {
  "@anthropic-ai/sdk 1.11.0": v1,
  // The calls made here are the same in both; their types are not.
  "@anthropic-ai/sdk 0.137.0": v0 as unknown as Sdk,
};

interface AnthropicDoor extends Door {
  /** What the token is given as, and what lies in the other slot. */
  readonly options?: (token: string) => v1.ClientOptions;
}

const authToken = (token: string) => ({ apiKey: null, authToken: token });

const DOORS: readonly AnthropicDoor[] = [
  { name: "the bare base", api: "anthropic", path: "" },
  { name: "its token", api: "anthropic", path: "", alone: true },
  { name: "its prefix", api: "anthropic", path: "/anthropic" },
  { name: "its prefix and a slash", api: "anthropic", path: "/anthropic/" },
  { name: "its older prefix", api: "anthropic", path: "/proxy/anthropic" },
  {
    name: "the bare base as authToken",
    api: "anthropic",
    path: "",
    options: authToken,
  },
  {
    name: "the bare base beside a key of the holder's",
    api: "anthropic",
    path: "",
    options: (token) => ({
      ...authToken(token),
      defaultHeaders: { "x-api-key": "sk-ant-api03-left-in-the-environment" },
    }),
  },
];

const asked = {
  max_tokens: 9,
  messages: [{ role: "user" as const, content: "Hello" }],
};

function create(
  { messages }: Client,
  model = "claude-x",
  options?: v1.Anthropic.RequestOptions,
) {
  return messages.create({ ...asked, model }, options);
}

function stream({ messages }: Client, model = "claude-x") {
  return messages.create({ ...asked, model, stream: true });
}

function upload({ beta }: Client) {
  const file = new File([BINARY], "ünï.pdf", { type: "application/pdf" });
  return beta.files.upload({ file });
}

function wordOf(event: v1.Anthropic.RawMessageStreamEvent) {
  return event.type === "content_block_delta" &&
      event.delta.type === "text_delta"
    ? event.delta.text
    : undefined;
}

function textOf({ content: [block] }: v1.Anthropic.Message) {
  return block?.type === "text" ? block.text : undefined;
}

const LAWS: Laws<Sdk, Client> = {
  "a message comes as the origin wrote it": async ({ client }) => {
    const message = await create(client);
    assert.equal(textOf(message), TEXT);
    assert.equal(message.usage.output_tokens, 4);
    assert.equal(message._request_id, "req_origin_1");
  },
  "a request arrives as it was sent, but for the slot": async (scene) => {
    const headers = {
      "anthropic-workspace-id": "of-the-holder",
      "anthropic-beta": "one-2026-01-01,two-2026-01-01",
    };
    await create(scene.client, "claude-x", { headers });
    reachedUnchanged(scene, {
      api: "anthropic",
      url: "/v1/messages",
      slot: { "x-api-key": KEYS.anthropic },
    });
  },
  "a streamed message comes word by word": async (scene) => {
    const words = await wordByWord(scene, () => stream(scene.client), wordOf);
    assert.deepEqual(words, WORDS);
  },
  "a message helper sees the whole stream": async ({ client }) => {
    const runner = client.messages.stream({ ...asked, model: "claude-x" });
    assert.equal(textOf(await runner.finalMessage()), TEXT);
  },
  "a beta message comes too": async ({ client }) => {
    const message = await client.beta.messages.create({
      ...asked,
      model: "claude-x",
      betas: ["one-2026-01-01"],
    });
    assert.equal(message.id, "msg_1");
  },
  "a stream broken at the origin is no finished one": async (scene) => {
    const open = () => stream(scene.client, "breaks-off");
    await rejection("a broken stream", wordByWord(scene, open, wordOf));
    await until(() => scene.doppel.lines().at(-1)?.ending === "origin_broken");
  },
  "an error in mid-stream is the SDK's own": async (scene) => {
    const failing = stream(scene.client, "fails-midway").then(collect);
    const error = await rejection("a failing stream", failing);
    assert.ok(error instanceof scene.sdk.APIError, `${error}`);
    assert.match(error.message, /The origin fails midway/);
  },
  "a token for the model asked for is admitted": async ({ as }) => {
    const client = await as({ models: ["claude-*"] });
    assert.equal(textOf(await create(client)), TEXT);
    assert.ok((await collect(await stream(client))).length > 1);
  },
  "a client that leaves a stream ends it at the origin": async (scene) => {
    const { client, origin } = scene;
    const before = origin.abandoned();
    origin.hold();
    for await (const _ of await stream(client)) break;
    await until(() => origin.abandoned() > before);
  },
  "tokens are counted": async ({ client }) => {
    const { messages } = asked;
    const { input_tokens } = await client.messages.countTokens({
      messages,
      model: "claude-x",
    });
    assert.equal(input_tokens, 7);
  },
  "models are listed to their end": async ({ client }) => {
    const ids = (await collect(client.models.list())).map(({ id }) => id);
    // At the bare base a token for several APIs is shown theirs behind them.
    const named = ids.filter((id) => id.includes("/"));
    assert.deepEqual(ids, ["one", "two", ...named]);
  },
  "a batch's results come through doppel": async (scene) => {
    const { client, base, origin } = scene;
    const params = { ...asked, model: "claude-x" };
    const { id, results_url } = await client.messages.batches.create({
      requests: [{ custom_id: "first", params }],
    });
    assert.equal(results_url, `${base}/v1/messages/batches/${id}/results`);
    const results = await collect(await client.messages.batches.results(id));
    assert.deepEqual(
      results.map(({ custom_id }) => custom_id),
      ["first", "second"],
    );
    assert.equal(
      origin.received.at(-1)?.url,
      `/v1/messages/batches/${id}/results`,
    );
  },
  "a batch without results has none": async ({ client }) => {
    const { results_url } = await client.messages.batches.cancel("msgbatch_1");
    assert.equal(results_url, null);
  },
  "listed batches have their results at doppel": async ({ client, base }) => {
    const [batch] = await collect(client.messages.batches.list());
    assert.ok(batch?.results_url?.startsWith(`${base}/v1/messages/batches/`));
  },
  "a file goes up whole": async ({ client }) => {
    const { id, filename, size_bytes } = await upload(client);
    assert.deepEqual({ id, filename, size_bytes }, {
      id: HASH,
      filename: "ünï.pdf",
      size_bytes: BINARY.length,
    });
  },
  "a file comes down whole": async ({ client }) => {
    const content = await client.beta.files.download("file_1");
    assert.equal(sha256(await content.bytes()), HASH);
  },
  "files are files outside beta too": async ({ client, sdk }) => {
    if (sdk !== v1) return;
    const [first] = await collect(client.files.list());
    assert.equal(first?.id, "file_1");
    const file = new File([BINARY], "a.pdf", { type: "application/pdf" });
    assert.equal((await client.files.upload({ file })).id, HASH);
    const content = await client.files.download("file_1");
    assert.equal(sha256(await content.bytes()), HASH);
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
        create(client, `fail-${status}`, { maxRetries: 0 }),
      );
      assert.ok(error instanceof kind, `${error}`);
      assert.equal(error.status, Number(status));
      assert.equal(error.requestID, "req_origin_1");
      assert.match(error.message, new RegExp(`The origin says ${status}`));
    }
  },
  "the origin decides what is retried": async ({ client, origin }) => {
    const before = origin.received.length;
    assert.equal(textOf(await create(client, "flaky")), TEXT);
    assert.equal(origin.received.length, before + 2);
  },
};

const TYPES: Record<number, string> = {
  401: "authentication_error",
  403: "permission_error",
  503: "api_error",
};

suite("@anthropic-ai/sdk", {
  sdks: SDKS,
  doors: DOORS,
  connect: (sdk, { base, token, door }) =>
    new sdk.Anthropic({
      baseURL: base,
      ...(door.options?.(token) ?? { apiKey: token }),
    }),
  laws: LAWS,
  calls: {
    create: (client) => create(client),
    stream: (client) => stream(client),
    upload,
  },
  raised(sdk: Sdk, error: unknown, { status, said }: Expected) {
    const kind = {
      401: sdk.AuthenticationError,
      403: sdk.PermissionDeniedError,
      503: sdk.InternalServerError,
    }[status];
    assert.ok(kind && error instanceof kind, `${error}`);
    assert.equal(error.status, status);
    assert.equal(error.type, TYPES[status]);
    assert.match(error.message, said);
    assert.match(error.requestID ?? "", /^[0-9a-f-]{36}$/);
  },
});
