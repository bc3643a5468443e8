/** What a token's limits refuse is the SDK's own error of that kind, and says what is left. */

import Anthropic from "@anthropic-ai/sdk";
import { ApiError, GoogleGenAI } from "@google/genai";
import assert from "node:assert/strict";
import OpenAI from "openai";
import { RUNTIMES } from "../subject.ts";
import { collect, rejection, within } from "./check.ts";
import { linesDuring, onStage } from "./stage.ts";

const messages = [{ role: "user" as const, content: "Hello" }];
const max_tokens = 999;

type Raised = Error & {
  readonly status: number;
  readonly headers?: Headers;
  readonly code?: string;
  readonly type?: string;
};

interface Sdk {
  /** A call and a stream; retries are as its users get them where not said. */
  readonly connect: (
    url: string,
    token: string,
    retries?: { maxRetries: number },
  ) => {
    readonly call: () => Promise<unknown>;
    readonly stream: () => Promise<AsyncIterable<unknown>>;
  };
  /** Errors of rates, and of money. */
  readonly rate: (error: Raised) => boolean;
  readonly money: (error: Raised) => boolean;
}

const SDKS: Record<string, Sdk> = {
  openai: {
    connect(url, apiKey, retries) {
      const client = new OpenAI({
        apiKey,
        baseURL: `${url}/v1`,
        ...retries,
      });
      const { completions } = client.chat;
      const asked = { model: "gpt-4o-mini", messages, max_tokens };
      return {
        call: () => completions.create(asked),
        stream: () => completions.create({ ...asked, stream: true }),
      };
    },
    rate: (error) => error instanceof OpenAI.RateLimitError,
    money: (error) =>
      error instanceof OpenAI.APIError && error.code === "insufficient_quota",
  },
  anthropic: {
    connect(baseURL, apiKey, retries) {
      const client = new Anthropic({ apiKey, baseURL, ...retries });
      const asked = { model: "claude-sonnet-4-5", messages, max_tokens };
      return {
        call: () => client.messages.create(asked),
        stream: () => client.messages.create({ ...asked, stream: true }),
      };
    },
    rate: (error) => error instanceof Anthropic.RateLimitError,
    money: (error) =>
      error instanceof Anthropic.APIError && error.type === "billing_error",
  },
  gemini: {
    connect(baseUrl, apiKey) {
      const client = new GoogleGenAI({ apiKey, httpOptions: { baseUrl } });
      const asked = {
        model: "gemini-2.5-flash",
        contents: "Hello",
        config: { maxOutputTokens: max_tokens },
      };
      return {
        call: () => client.models.generateContent(asked),
        stream: () => client.models.generateContentStream(asked),
      };
    },
    rate: (error) => error instanceof ApiError && error.status === 429,
    money: (error) => error instanceof ApiError && error.status === 402,
  },
};

const REMAINING = "x-doppel-ratelimit-remaining-";

for (const runtime of RUNTIMES) {
  Deno.test(`limits are each SDK's own errors, on ${runtime}`, (t) =>
    onStage(runtime, async (stage) => {
      const { doppel, origin } = stage;
      for (const [name, { connect, rate, money }] of Object.entries(SDKS)) {
        const using = async (
          limits: Record<string, unknown>,
          retries?: { maxRetries: number },
        ) => connect(doppel.url, await doppel.mint({ limits }), retries);
        /** Google's errors have no fields. */
        const tells = ({ headers }: Raised, limit: string, left: string) => {
          assert.equal(headers === undefined, name === "gemini");
          if (headers) assert.equal(headers.get(REMAINING + limit), left);
        };

        await t.step(`${name}: requests in a minute`, async () => {
          const { call } = await using({ requests: 1 }, { maxRetries: 0 });
          await call();
          const error = await rejection(name, within(call())) as Raised;
          assert.ok(rate(error), `${error}`);
          assert.match(error.message, /over its rate/);
          tells(error, "requests", "0");
        });

        await t.step(`${name}: a budget, asked once`, async () => {
          const { call } = await using({ budget: { total: 1 } });
          const heard = origin.received.length;
          let error: Raised | undefined;
          const lines = await linesDuring(stage, async () => {
            error = await rejection(name, within(call())) as Raised;
          });
          assert.ok(money(error!), `${error}`);
          assert.equal(error!.status, 402);
          tells(error!, "budget-total", "0.000001");
          assert.deepEqual(lines.map(({ refused }) => refused), [
            "budget_exhausted",
          ]);
          assert.equal(origin.received.length, heard);
        });

        await t.step(
          `${name}: requests at a time, until there is room`,
          async () => {
            const { call, stream } = await using({ concurrency: 1 });
            origin.hold();
            try {
              const first = (await stream())[Symbol.asyncIterator]();
              await within(first.next());
              if (name === "gemini") {
                const error = await rejection(name, within(call())) as Raised;
                assert.ok(rate(error), `${error}`);
                origin.open();
              } else {
                // It waits as retry-after says, and comes in.
                const second = call();
                await refused(stage, "concurrency_limited");
                origin.open();
                await within(second);
              }
              await collect({ [Symbol.asyncIterator]: () => first });
            } finally {
              origin.open();
            }
          },
        );
      }
    }));
}

/** Until doppel has written that it refused something for the reason once more. */
async function refused(
  { doppel }: Parameters<typeof linesDuring>[0],
  code: string,
) {
  const count = () =>
    doppel.lines().filter((line) => line.refused === code).length;
  const before = count();
  while (count() === before) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
