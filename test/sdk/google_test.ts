import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v3 from "@google/genai";
import * as v2 from "@google/genai-2";
import { KEYS, until } from "../subject.ts";
import { collect, reachedUnchanged, rejection, wordByWord } from "./check.ts";
import { BINARY, HASH, noise, sha256, TEXT, WORDS } from "./shape.ts";
import { type Door, type Expected, type Laws, suite } from "./stage.ts";

type Sdk = typeof v3;
type Client = v3.GoogleGenAI;

const SDKS: Record<string, Sdk> = {
  "@google/genai 3.1.0": v3,
  // The calls made here are the same in both; their types are not.
  "@google/genai 2.32.0": v2 as unknown as Sdk,
};

interface GoogleDoor extends Door {
  /** The token rides in `Authorization` as well, as Gemini CLI may send it. */
  readonly twice?: true;
}

const DOORS: readonly GoogleDoor[] = [
  { name: "the bare base", api: "gemini", path: "" },
  { name: "its token", api: "gemini", path: "", alone: true },
  { name: "its prefix", api: "gemini", path: "/gemini" },
  { name: "its prefix and a slash", api: "gemini", path: "/gemini/" },
  { name: "its older prefix", api: "gemini", path: "/proxy/gemini" },
  { name: "the bare base, twice", api: "gemini", path: "", twice: true },
];

const contents = "Hello";

function generate({ models }: Client, model = "gemini-x") {
  return models.generateContent({ model, contents });
}

function stream({ models }: Client, model = "gemini-x") {
  return models.generateContentStream({ model, contents });
}

/** More than the 8 MiB the SDK sends at a time. */
const LARGE = noise(9_000_000);
const LARGE_NAME = `files/${sha256(LARGE).slice(0, 40)}`;

function upload({ files }: Client) {
  const file = new Blob([LARGE], { type: "application/x-own" });
  return files.upload({ file, config: { displayName: "ünï" } });
}

const LAWS: Laws<Sdk, Client> = {
  "content comes as the origin wrote it": async ({ client }) => {
    const { text, usageMetadata } = await generate(client);
    assert.equal(text, TEXT);
    assert.equal(usageMetadata?.totalTokenCount, 5);
  },
  "a request arrives as it was sent, but for the slot": async (scene) => {
    await generate(scene.client);
    reachedUnchanged(scene, {
      api: "gemini",
      url: `/${
        scene.sdk === v3 ? "v1" : "v1beta"
      }/models/gemini-x:generateContent`,
      slot: { "x-goog-api-key": KEYS.gemini },
    });
  },
  "streamed content comes word by word": async (scene) => {
    const words = await wordByWord(
      scene,
      () => stream(scene.client),
      ({ text }) => text,
    );
    assert.deepEqual(words, WORDS);
  },
  "a chat sees the whole stream": async ({ client }) => {
    const chat = client.chats.create({ model: "gemini-x" });
    await collect(await chat.sendMessageStream({ message: "Hello" }));
    const [, ...said] = chat.getHistory();
    const words = said.map(({ parts }) => parts?.[0]?.text);
    assert.deepEqual(words, WORDS);
  },
  "a stream broken at the origin is no finished one": async (scene) => {
    const broken = wordByWord(
      scene,
      () => stream(scene.client, "breaks-off"),
      ({ text }) => text,
    );
    await rejection("a broken stream", broken);
    await until(() => scene.doppel.lines().at(-1)?.ending === "origin_broken");
  },
  "an error in mid-stream is the SDK's own": async (scene) => {
    const failing = stream(scene.client, "fails-midway").then(collect);
    const error = await rejection("a failing stream", failing);
    assert.ok(error instanceof scene.sdk.ApiError, `${error}`);
    assert.match(error.message, /The origin fails midway/);
  },
  "a token for the model asked for is admitted": async ({ as }) => {
    const client = await as({ models: ["gemini-*"] });
    assert.equal((await generate(client)).text, TEXT);
    assert.ok((await collect(await stream(client))).length > 1);
  },
  "a client that leaves a stream ends it at the origin": async (scene) => {
    const { client, origin } = scene;
    const before = origin.abandoned();
    const leaving = new AbortController();
    origin.hold();
    const left = client.models.generateContentStream({
      model: "gemini-x",
      contents,
      config: { abortSignal: leaving.signal },
    }).then(async (chunks) => {
      for await (const _ of chunks) leaving.abort();
    });
    await rejection("an aborted stream", left);
    await until(() => origin.abandoned() > before);
  },
  "tokens are counted": async ({ client }) => {
    const { models } = client;
    const { totalTokens } = await models.countTokens({
      model: "gemini-x",
      contents,
    });
    assert.equal(totalTokens, 7);
  },
  "embeddings come number by number": async ({ client }) => {
    const { embeddings } = await client.models.embedContent({
      model: "gemini-embedding-001",
      contents: ["a", "b"],
    });
    const vector = [0.5, -0.25, 2];
    assert.deepEqual(embeddings?.map(({ values }) => values), [vector, vector]);
  },
  "models are listed to their end": async ({ client }) => {
    const names = (await collect(await client.models.list()))
      .map(({ name }) => name);
    assert.deepEqual(names, ["models/one", "models/two"]);
  },
  "a file goes up whole, in pieces": async ({ client, origin }) => {
    const before = origin.received.length;
    const { name, sizeBytes, uri } = await upload(client);
    assert.deepEqual({ name, sizeBytes }, {
      name: LARGE_NAME,
      sizeBytes: `${LARGE.length}`,
    });
    assert.equal(origin.received.length, before + 3);
    // It comes back in requests, where doppel's own would mean nothing.
    assert.ok(uri?.startsWith(origin.urls.gemini!));
  },
  // The SDK puts its own host there, other clients go where they are told.
  "an upload goes on at doppel": async ({ base, token }) => {
    const answer = await fetch(`${base}/upload/v1beta/files`, {
      method: "POST",
      headers: { "x-goog-api-key": token, "x-goog-upload-command": "start" },
    });
    await answer.body?.cancel();
    for (const field of ["x-goog-upload-url", "x-goog-upload-control-url"]) {
      const url = answer.headers.get(field);
      assert.ok(
        url?.startsWith(`${base}/upload/v1beta/files?upload_id=`),
        url!,
      );
    }
  },
  "an upload goes on where it is told, without a token": async (scene) => {
    const { base, token, origin } = scene;
    const begun = await fetch(`${base}/upload/v1beta/files`, {
      method: "POST",
      headers: { "x-goog-api-key": token, "x-goog-upload-command": "start" },
    });
    await begun.body?.cancel();
    const answer = await fetch(begun.headers.get("x-goog-upload-url")!, {
      method: "POST",
      headers: { "x-goog-upload-command": "upload, finalize" },
      body: BINARY,
    });
    const { file } = await answer.json();
    assert.equal(file.sizeBytes, `${BINARY.length}`);
    assert.doesNotMatch(JSON.stringify(origin.received.at(-1)), /dpl_/);
  },
  "a batch's results come through doppel": async ({ client }) => {
    const { name } = await client.batches.create({
      model: "gemini-x",
      src: [{ contents: [{ role: "user", parts: [{ text: "Hello" }] }] }],
    });
    assert.equal(name, "batches/one");
    const { dest } = await client.batches.get({ name });
    const folder = await mkdtemp(join(tmpdir(), "doppel-sdk-"));
    const downloadPath = join(folder, "results");
    try {
      await client.files.download({ file: dest!.fileName!, downloadPath });
      assert.equal(sha256(await readFile(downloadPath)), HASH);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
  "files are listed, got and deleted": async ({ client, origin }) => {
    const [first] = await collect(await client.files.list());
    assert.equal(first?.name, "files/one");
    assert.equal((await client.files.get({ name: "one" })).name, "files/one");
    await client.files.delete({ name: "one" });
    assert.equal(origin.received.at(-1)?.method, "DELETE");
  },
  "a file comes down whole, past a redirect": async ({ client }) => {
    const folder = await mkdtemp(join(tmpdir(), "doppel-sdk-"));
    const downloadPath = join(folder, "file");
    try {
      await client.files.download({ file: "files/one", downloadPath });
      const bytes = await readFile(downloadPath);
      assert.equal(sha256(bytes), HASH);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
  "an interaction comes as the origin wrote it": async ({ client }) => {
    const { id, status } = await client.interactions.create({
      model: "gemini-x",
      input: "Hello",
    });
    assert.deepEqual({ id, status }, { id: "int_1", status: "completed" });
  },
  "a streamed interaction comes word by word": async (scene) => {
    const words = await wordByWord(
      scene,
      () =>
        scene.client.interactions.create({
          model: "gemini-x",
          input: "Hello",
          stream: true,
        }),
      (event) =>
        event.event_type === "step.delta" && event.delta.type === "text"
          ? event.delta.text
          : undefined,
    );
    assert.deepEqual(words, WORDS);
  },
  "a video comes down from doppel": async ({ client, base, token, sdk }) => {
    if (sdk === v3) return; // moved out of it
    const begun = await client.models.generateVideos({
      model: "veo",
      source: { prompt: "Hello" },
    });
    const operation = await client.operations.getVideosOperation({
      operation: begun,
    });
    const uri = operation.response?.generatedVideos?.[0]?.video?.uri;
    assert.equal(uri, `${base}/v1beta/files/clip:download?alt=media`);
    // As Google's documents fetch it: the SDK wants https here.
    const clip = await fetch(uri, { headers: { "x-goog-api-key": token } });
    assert.equal(sha256(await clip.bytes()), HASH);
  },
  "the origin's errors are the SDK's own": async ({ client, sdk }) => {
    for (const status of [400, 429, 500]) {
      const error = await rejection(
        `${status}`,
        generate(client, `fail-${status}`),
      );
      assert.ok(error instanceof sdk.ApiError, `${error}`);
      assert.equal(error.status, status);
      assert.match(error.message, new RegExp(`The origin says ${status}`));
    }
  },
};

const NAMES: Record<number, string> = {
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  503: "UNAVAILABLE",
};

suite("@google/genai", {
  sdks: SDKS,
  doors: DOORS,
  connect: (sdk, { base, token, door }) =>
    new sdk.GoogleGenAI({
      apiKey: token,
      httpOptions: {
        baseUrl: base,
        ...(door.twice && { headers: { authorization: `Bearer ${token}` } }),
      },
    }),
  laws: LAWS,
  calls: {
    generate: (client) => generate(client),
    stream: (client) => stream(client),
    upload,
  },
  raised(sdk: Sdk, error: unknown, { status, said }: Expected) {
    assert.ok(error instanceof sdk.ApiError, `${error}`);
    assert.equal(error.status, status);
    const { code, message, status: name } = JSON.parse(error.message).error;
    assert.deepEqual({ code, name }, { code: status, name: NAMES[status] });
    assert.match(message, said);
  },
});
