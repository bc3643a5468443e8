/** The two cases in which doppel changes what a request says, byte for byte on the wire. */

import assert from "node:assert/strict";
import {
  bytes,
  chunk,
  chunked,
  field,
  follow,
  message,
  type Part,
  readAnswer,
} from "./raw.ts";
import type { Exchange, Script } from "./raw_origin.ts";
import { until } from "./subject.ts";
import { DOPPEL, type Laws, laws, type Stage, within } from "./wire.ts";

const PATH = "/v1/chat/completions";
const STREAM = message("HTTP/1.1 200 OK", [
  "content-type: text/event-stream",
  "transfer-encoding: chunked",
]);
/** UTF-8, as latin1 stands for it here. */
const utf8 = (text: string) =>
  bytes(new TextEncoder().encode(text)).toString("latin1");
const event = (text: string, usage = "") =>
  utf8(`data: {"choices":[{"delta":{"content":"${text}"}}]${usage}}\r\n\r\n`);
const WORDS = ["é", "😀", "usage", ""];
const PLAIN = [...WORDS.map((word) => event(word)), "data: [DONE]\r\n\r\n"];
const NULLS = WORDS.map((word) => event(word, ',"usage":null'));
const USAGE =
  'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":4}}\r\n\r\n';
const TOLD = [...NULLS, USAGE, "data: [DONE]\r\n\r\n"];

const ASKS =
  ' {"model":"gpt-4o","stream":true,\t"max_tokens": 9000 ,"user":"é"}\n';
const ASKED = ASKS.replace("{", '{"stream_options":{"include_usage":true},');

/** One request with a token of its own; what the origin got, when it is whole. */
async function send(
  stage: Stage,
  { token: fields, content, script, inChunks = false }: {
    token: Record<string, unknown>;
    content: string;
    script: Script;
    inChunks?: boolean;
  },
) {
  const { doppel, origin, connect } = stage;
  const token = await doppel.mint(fields);
  origin.play(script, PATH);
  const client = await connect();
  const body = utf8(content);
  const framing = inChunks
    ? "transfer-encoding: chunked"
    : `content-length: ${body.length}`;
  await client.write(message(`POST ${PATH} HTTP/1.1`, [
    `host: ${DOPPEL}`,
    `authorization: Bearer ${token}`,
    "content-type: application/json",
    framing,
  ], inChunks ? chunked(...body) : body));
  const reached = async () => {
    const exchange = await until(() => origin.reached[0]);
    const { content, whole } = await exchange.whole();
    assert.ok(whole);
    assert.equal(field(exchange, "content-length"), `${content.length}`);
    assert.equal(field(exchange, "transfer-encoding"), undefined);
    return new TextDecoder().decode(content);
  };
  return { client, reached };
}

/** Reads the request, then answers in chunks of these parts. */
const streams = (...parts: Part[]): Script => async ({ whole, wire }) => {
  await whole();
  await wire.write(STREAM, chunked(...parts));
};

const EXACT = { exactUsage: true };
const BUDGET = { limits: { budget: { total: 20_000 } } };

const changed: Laws = {
  "usage is asked for, and every event comes down as soon as it is whole":
    async (stage) => {
      let exchange: Exchange | undefined;
      const { client, reached } = await send(stage, {
        token: EXACT,
        content: ASKS,
        async script(one) {
          await one.whole();
          await one.wire.write(STREAM);
          exchange = one;
        },
      });
      const answer = follow(client);
      const { wire } = await until(() => exchange);
      assert.equal(await reached(), ASKED);
      for (const [sent, told] of NULLS.entries()) {
        await wire.write(chunk(told));
        const down = PLAIN.slice(0, sent + 1).join("");
        await until(() => answer.text() === down);
      }
      await wire.write(chunk(USAGE), chunked(TOLD.at(-1)!));
      assert.equal(await within(answer.ended), true);
      assert.equal(answer.text(), PLAIN.join(""));
    },
  "a byte at a time, up and down": async (stage) => {
    const { client, reached } = await send(stage, {
      token: EXACT,
      content: ASKS,
      script: streams(...TOLD.join("")),
      inChunks: true,
    });
    const answer = await within(readAnswer(client));
    assert.equal(answer?.content.toString("latin1"), PLAIN.join(""));
    assert.equal(answer.whole, true);
    assert.equal(await reached(), ASKED);
  },
  "who asks himself is left alone, up and down": async (stage) => {
    const { client, reached } = await send(stage, {
      token: EXACT,
      content: ASKED,
      script: streams(...TOLD),
    });
    const answer = await within(readAnswer(client));
    assert.equal(answer?.content.toString("latin1"), TOLD.join(""));
    assert.equal(await reached(), ASKED);
  },
  "a stream that breaks off has no end, and lost nothing": async (stage) => {
    const half = 'data: {"choices":[{"del';
    const seen = Promise.withResolvers<void>();
    const { client } = await send(stage, {
      token: EXACT,
      content: ASKS,
      async script({ whole, wire }) {
        await whole();
        await wire.write(STREAM, chunk(NULLS[0]!), chunk(half));
        await seen.promise;
        wire.end();
      },
    });
    const answer = follow(client);
    await until(() => answer.text() === PLAIN[0]);
    seen.resolve();
    assert.equal(await within(answer.ended), false);
    assert.equal(answer.text(), PLAIN[0]! + half);
  },
  "a limit is lowered, and the answer says to what": async (stage) => {
    const { client, reached } = await send(stage, {
      token: { ...BUDGET, clamp: true },
      content: ASKS,
      script: streams(...PLAIN),
    });
    const answer = await within(readAnswer(client));
    const limit = Number(field(answer!, "x-doppel-clamped"));
    assert.ok(limit >= 16 && limit < 9000, `${limit}`);
    assert.equal(await reached(), ASKS.replace("9000", `${limit}`));
    assert.equal(answer!.content.toString("latin1"), PLAIN.join(""));
  },
  "both at once": async (stage) => {
    const { client, reached } = await send(stage, {
      token: { ...BUDGET, ...EXACT, clamp: true },
      content: ASKS,
      script: streams(...TOLD),
      inChunks: true,
    });
    const answer = await within(readAnswer(client));
    const limit = field(answer!, "x-doppel-clamped");
    assert.match(limit ?? "", /^\d{2,4}$/);
    assert.equal(await reached(), ASKED.replace("9000", limit!));
    assert.equal(answer!.content.toString("latin1"), PLAIN.join(""));
  },
};

laws("changed", changed);
