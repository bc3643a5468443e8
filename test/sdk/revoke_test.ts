/** A stream whose token is taken back raises the SDK's own typed error. */

import Anthropic from "@anthropic-ai/sdk";
import * as google from "@google/genai";
import assert from "node:assert/strict";
import OpenAI from "openai";
import { ResponsesWS } from "openai/resources/responses/ws";
import { WebSocketServer } from "ws";
import { tokenId } from "../../core/token.ts";
import { startSocketOrigin } from "../socket_origin.ts";
import { RUNTIMES, startDoppel, until } from "../subject.ts";
import { rejection, within } from "./check.ts";
import { onStage } from "./stage.ts";

type Stream = AsyncIterable<unknown>;

const messages = [{ role: "user" as const, content: "Hello" }];

/** A stream of each SDK, and what the error it raises must be. */
const SDKS: Record<
  string,
  {
    readonly open: (url: string, token: string) => Promise<Stream>;
    readonly raised: (error: Error) => unknown;
  }
> = {
  openai: {
    open: (url, apiKey) =>
      new OpenAI({ apiKey, baseURL: `${url}/v1` }).chat.completions
        .create({ model: "gpt-x", messages, stream: true }),
    raised: (error) => {
      assert.ok(error instanceof OpenAI.APIError);
      assert.deepEqual([error.code, error.type], [
        "invalid_api_key",
        "authentication_error",
      ]);
    },
  },
  "openai responses": {
    open: (url, apiKey) =>
      new OpenAI({ apiKey, baseURL: `${url}/v1` }).responses
        .create({ model: "gpt-x", input: "Hello", stream: true }),
    raised: (error) => {
      assert.ok(error instanceof OpenAI.APIError);
      assert.equal(error.code, "invalid_api_key");
    },
  },
  anthropic: {
    open: (baseURL, apiKey) =>
      new Anthropic({ apiKey, baseURL }).messages
        .create({ model: "claude-x", max_tokens: 9, messages, stream: true }),
    raised: (error) => {
      assert.ok(error instanceof Anthropic.APIError);
      assert.equal(error.type, "authentication_error");
    },
  },
  gemini: {
    open: (baseUrl, apiKey) =>
      new google.GoogleGenAI({ apiKey, httpOptions: { baseUrl } }).models
        .generateContentStream({ model: "gemini-x", contents: "Hello" }),
    raised: (error) => {
      assert.ok(error instanceof google.ApiError);
      assert.equal(error.status, 401);
    },
  },
};

for (const runtime of RUNTIMES) {
  Deno.test(`a stream whose token is taken back raises the SDK's own error, on ${runtime}`, (t) =>
    onStage(runtime, async ({ doppel, origin }) => {
      for (const [name, { open, raised }] of Object.entries(SDKS)) {
        await t.step(name, async () => {
          const token = await doppel.mint();
          origin.hold();
          try {
            const stream = await open(doppel.url, token);
            const events = stream[Symbol.asyncIterator]();
            assert.equal((await within(events.next())).done, false);
            const path = `/admin/tokens/${tokenId(token)}`;
            await doppel.admin("PATCH", path, { status: "disabled" });
            const rest = async () => {
              while (!(await events.next()).done);
            };
            const error = await rejection(name, within(rest())) as Error;
            assert.match(error.message, /doppel token/);
            raised(error);
          } finally {
            origin.open();
          }
        });
      }
    }));
}

for (const runtime of RUNTIMES) {
  Deno.test(`a socket whose token is taken back raises the SDK's own error and closes with 1008, on ${runtime}`, async () => {
    const origin = await startSocketOrigin(WebSocketServer);
    const doppel = await startDoppel({ runtime, origin: origin.url });
    try {
      const apiKey = await doppel.mint();
      const baseURL = `${doppel.url}/v1`;
      const responses = new ResponsesWS(new OpenAI({ apiKey, baseURL }));
      const heard: string[] = [];
      responses.on("error", ({ message }) => heard.push(message));
      let code: number | undefined;
      responses.socket.on("close", (closed: number) => code = closed);
      await until(() => origin.taken.length === 1);
      await doppel.admin("DELETE", `/admin/tokens/${tokenId(apiKey)}`);
      assert.equal(await until(() => code), 1008);
      assert.match(heard.join(), /Unknown or revoked doppel token/);
      assert.equal((await origin.taken[0]!.closed())[0], 1008);
    } finally {
      await doppel.stop();
      await origin.stop();
    }
  });
}
