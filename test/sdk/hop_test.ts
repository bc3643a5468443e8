/** What holders see when the hop behind their doppel is gone: each SDK's own error. */

import assert from "node:assert/strict";
import process from "node:process";
import Anthropic from "@anthropic-ai/sdk";
import { ApiError, GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import { RUNTIMES, startDoppel } from "../subject.ts";
import { rejection } from "./check.ts";
import { startOrigin } from "./origin.ts";

const SECRET = "hop-secret-of-the-sdk-tests-0123456789";

for (const runtime of RUNTIMES) {
  Deno.test(`a killed hop is each SDK's own error, on ${runtime}`, async () => {
    const origin = await startOrigin();
    const upstreams = {
      ...origin.upstreams,
      EGRESS_HOP_SECRET: SECRET,
    };
    const hop = await startDoppel({ runtime, env: upstreams });
    const doppel = await startDoppel({
      runtime,
      env: {
        ...upstreams,
        EGRESS_HOP_URL: hop.url,
        EGRESS_OPENAI: "hop",
        EGRESS_ANTHROPIC: "hop",
        EGRESS_GEMINI: "hop",
      },
    });
    const apiKey = await doppel.mint();
    const { url } = doppel;
    const openai = new OpenAI({ apiKey, baseURL: `${url}/v1`, maxRetries: 0 });
    const anthropic = new Anthropic({ apiKey, baseURL: url, maxRetries: 0 });
    const google = new GoogleGenAI({ apiKey, httpOptions: { baseUrl: url } });
    const messages = [{ role: "user" as const, content: "Hello" }];
    const calls = {
      openai: () =>
        openai.chat.completions.create({ model: "model-x", messages }),
      anthropic: () =>
        anthropic.messages.create({ model: "x", max_tokens: 9, messages }),
      gemini: () =>
        google.models.generateContent({ model: "gemini-x", contents: "Hello" }),
    };
    try {
      for (const call of Object.values(calls)) await call();
      process.kill(hop.pid, "SIGKILL");
      const said = /The hop to the API could not be reached/;
      for (const [name, call] of Object.entries(calls)) {
        const error = await rejection(name, call());
        const own = error instanceof OpenAI.InternalServerError ||
          error instanceof Anthropic.InternalServerError ||
          error instanceof ApiError;
        assert.ok(own, `${name}: ${error}`);
        assert.equal((error as { status: number }).status, 502, name);
        assert.match(error.message, said, name);
      }
    } finally {
      await doppel.stop();
      hop.child.kill("SIGKILL");
      await origin.stop();
    }
  });
}
