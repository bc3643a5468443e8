import assert from "node:assert/strict";
import { KEYS } from "../subject.ts";
import { collect, reachedUnchanged, rejection, wordByWord } from "./check.ts";
import {
  chat,
  chatStream,
  type Client,
  COMMON,
  connect,
  type OpenAIDoor,
  raised,
  type Sdk,
  SDKS,
} from "./openai_laws.ts";
import { BINARY, HASH, sha256, TEXT, WORDS } from "./shape.ts";
import { type Laws, suite } from "./stage.ts";

const DOORS: readonly OpenAIDoor[] = [
  { name: "the bare base", api: "openai", path: "/v1" },
  { name: "its token", api: "openai", path: "/v1", alone: true },
  { name: "its prefix", api: "openai", path: "/openai/v1" },
  { name: "its prefix and a slash", api: "openai", path: "/openai/v1/" },
  { name: "its older prefix", api: "openai", path: "/proxy/openai/v1" },
  { name: "Azure's client", api: "openai", path: "", azure: true },
];

function upload({ files }: Client) {
  const file = new File([BINARY], "ünï.bin", { type: "application/x-own" });
  return files.create({ file, purpose: "user_data" });
}

const LAWS: Laws<Sdk, Client> = {
  ...COMMON,
  "a request arrives as it was sent, but for the slot": async (scene) => {
    const headers = {
      "openai-organization": "org-of-the-holder",
      "openai-project": "proj-of-the-holder",
      "openai-beta": "assistants=v2",
    };
    await chat(scene.client, "gpt-x", { headers });
    reachedUnchanged(scene, {
      api: "openai",
      url: "/v1/chat/completions",
      slot: { authorization: `Bearer ${KEYS.openai}` },
    });
  },
  "the origin's request id is the SDK's": async ({ client }) => {
    const { _request_id } = await chat(client);
    assert.equal(_request_id, "req_origin_1");
  },
  "an origin's error keeps code, type and param": async ({ client, sdk }) => {
    const error = await rejection("a 400", chat(client, "fail-400"));
    assert.ok(error instanceof sdk.APIError);
    const { code, type, param, requestID } = error;
    assert.deepEqual({ code, type, param, requestID }, {
      code: "c400",
      type: "origin_error",
      param: "model",
      requestID: "req_origin_1",
    });
  },
  "a response comes as the origin wrote it": async ({ client }) => {
    const { id, output_text } = await client.responses.create({
      model: "gpt-x",
      input: "Hello",
    });
    assert.deepEqual([id, output_text], ["resp_1", TEXT]);
  },
  "a streamed response comes word by word": async (scene) => {
    const words = await wordByWord(
      scene,
      () =>
        scene.client.responses.create({
          model: "gpt-x",
          input: "Hello",
          stream: true,
        }),
      (event) =>
        event.type === "response.output_text.delta" ? event.delta : undefined,
    );
    assert.deepEqual(words, WORDS);
  },
  "a response helper sees the whole stream": async ({ client }) => {
    const runner = client.responses.stream({ model: "gpt-x", input: "Hello" });
    assert.equal((await runner.finalResponse()).output_text, TEXT);
  },
  "a call without content has none at the origin": async (scene) => {
    const { client, origin } = scene;
    await client.responses.cancel("resp_1");
    const { url, body, rawHeaders } = origin.received.at(-1)!;
    assert.deepEqual([url, body.length], ["/v1/responses/resp_1/cancel", 0]);
    assert.ok(!rawHeaders.some((name) => /^transfer-encoding$/i.test(name)));
  },
  "a query arrives byte for byte": async ({ client, origin }) => {
    await client.responses.retrieve("resp_1", {
      include: ["reasoning.encrypted_content"],
    });
    const { url } = origin.received.at(-1)!;
    assert.match(
      url,
      /^\/v1\/responses\/resp_1\?include(\[\]|%5B%5D)=reasoning\.encrypted_content$/,
    );
  },
  "a model's name arrives byte for byte": async ({ client, origin }) => {
    const names = ["ft:gpt-x:org::1", "org/model"];
    for (const name of names) await client.models.delete(name);
    assert.deepEqual(
      origin.received.slice(-names.length).map(({ url }) => url),
      [
        "/v1/models/ft:gpt-x:org::1",
        "/v1/models/org%2Fmodel",
      ],
    );
  },
  "lists are paged to their end": async ({ client }) => {
    const ids = (await collect(client.files.list())).map(({ id }) => id);
    assert.deepEqual(ids, ["file-1", "file-2"]);
  },
  "a file goes up whole": async ({ client }) => {
    const { id, filename, bytes } = await upload(client);
    assert.deepEqual({ id, filename, bytes }, {
      id: HASH,
      filename: "ünï.bin",
      bytes: BINARY.length,
    });
  },
  "a file comes down whole": async ({ client }) => {
    const content = await client.files.content("file-1");
    assert.equal(sha256(await content.bytes()), HASH);
  },
  "speech comes down whole": async ({ client }) => {
    const speech = await client.audio.speech.create({
      model: "tts-x",
      voice: "alloy",
      input: "Hello",
    });
    assert.equal(speech.headers.get("content-type"), "audio/mpeg");
    assert.equal(sha256(await speech.bytes()), HASH);
  },
  "audio goes up whole and comes back as JSON or text": async ({ client }) => {
    const file = new File([BINARY], "a.mp3");
    const { transcriptions } = client.audio;
    const json = await transcriptions.create({ file, model: "whisper-x" });
    assert.equal(json.text, HASH);
    const text = await transcriptions.create({
      file,
      model: "whisper-x",
      response_format: "text",
    });
    assert.equal(text, HASH);
  },
  "a model is found in a form too": async ({ as }) => {
    const client = await as({ models: ["whisper-*"] });
    const file = new File([BINARY], "a.mp3");
    const { transcriptions } = client.audio;
    const { text } = await transcriptions.create({ file, model: "whisper-x" });
    assert.equal(text, HASH);
  },
};

suite("openai", {
  sdks: SDKS,
  doors: DOORS,
  connect,
  laws: LAWS,
  calls: {
    chat: (client) => chat(client),
    chatStream: (client) => chatStream(client),
    upload,
  },
  raised,
});
