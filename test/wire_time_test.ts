/** Who may be silent, for how long; who may be slow; and that nothing else ends a request. */

import assert from "node:assert/strict";
import { checkAnswer, type Refused, type WireName } from "./expect.ts";
import { chunk, chunked, message, readAnswer, readHead } from "./raw.ts";
import { always, OK } from "./raw_origin.ts";
import { until } from "./subject.ts";
import { ask, atOnce, call, type Laws, send, within } from "./wire.ts";

const CHUNKED = message("HTTP/1.1 200 OK", ["transfer-encoding: chunked"]);
const SILENT = { status: 200, ending: "origin_silent" };
const COMPLETE = { status: 200, ending: "complete" };

function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

/** Longer than Bun's own 10 s, which end a silent request by default. */
const LONG = 14;

const patient: Laws = {
  "an origin is silent before its answer": async (stage) => {
    const { client, line } = await call(stage, {
      async script({ wire }) {
        await sleep(LONG);
        await wire.write(OK);
      },
    });
    const answer = await readAnswer(client);
    checkAnswer(answer, {}, stage.runtime);
    assert.deepEqual(await line(), COMPLETE);
  },
  "an origin is silent within its answer": async (stage) => {
    const { client, line } = await call(stage, {
      async script({ wire }) {
        await wire.write(CHUNKED, chunk("one,"));
        await sleep(LONG);
        await wire.write(chunked("two"));
      },
    });
    const answer = await readAnswer(client);
    checkAnswer(answer, { content: "one,two" }, stage.runtime);
    assert.deepEqual(await line(), COMPLETE);
  },
  "a client is silent within its request": async (stage) => {
    const { client, exchange } = await call(stage, {
      script: always(OK),
      sends: (path) =>
        ask(`POST ${path}`, ["transfer-encoding: chunked"], chunk("one,")),
    });
    await sleep(LONG);
    await client.write(chunked("two"));
    checkAnswer(await readAnswer(client), {}, stage.runtime);
    const { content } = await (await exchange()).whole();
    assert.equal(content.toString(), "one,two");
  },
};

const WIRES: readonly [WireName, prefix: string][] = [
  ["openai", "/openai"],
  ["anthropic", "/anthropic"],
  ["google", "/gemini"],
];

const TIMEOUT: Refused = { refused: "origin_timeout", status: 504 };

/** With `FIRST_BYTE_SECONDS` and `IDLE_SECONDS` of 1. */
const impatient: Laws = {
  ...Object.fromEntries(WIRES.map(([wire, prefix]) => [
    `no answer is a refusal on the wire of ${wire}`,
    async (stage) => {
      const { client, exchange, line } = await call(stage, {
        script: () => {},
        prefix,
        sends: (path) => send(`POST ${path}`, "{}"),
      });
      checkAnswer(
        await within(readAnswer(client)),
        { ...TIMEOUT, wire },
        stage.runtime,
      );
      await until((await exchange()).wire.closed);
      assert.deepEqual(await line(), {
        status: 504,
        ending: "refused",
        refused: "origin_timeout",
      });
    },
  ])),
  "a stream that falls silent breaks, on both sides": async (stage) => {
    const { client, exchange, line } = await call(stage, {
      script: ({ wire }) => wire.write(CHUNKED, chunk("some")),
    });
    const answer = await within(readAnswer(client));
    assert.equal(answer?.content.toString(), "some");
    assert.equal(answer?.whole, false);
    await until((await exchange()).wire.closed);
    assert.deepEqual(await line(), SILENT);
  },
  "so does content of a known length": async (stage) => {
    const { client, exchange, line } = await call(stage, {
      script: ({ wire }) =>
        wire.write(message("HTTP/1.1 200 OK", ["content-length: 9"]), "some"),
    });
    const answer = await within(readAnswer(client));
    assert.equal(answer?.whole, false);
    await until((await exchange()).wire.closed);
    assert.deepEqual(await line(), SILENT);
  },
  "a head without content is no sign of life for ever": async (stage) => {
    const { client, exchange, line } = await call(stage, {
      script: ({ wire }) => wire.write(CHUNKED),
    });
    const answer = await within(readAnswer(client));
    assert.ok(!answer?.whole);
    await until((await exchange()).wire.closed);
    assert.deepEqual(await line(), SILENT);
  },
  "who says a little now and then is not silent": async (stage) => {
    const { client, line } = await call(stage, {
      async script({ wire }) {
        await wire.write(CHUNKED);
        for (let i = 0; i < 10; i++) {
          await wire.write(chunk("."));
          await sleep(0.3);
        }
        await wire.write(chunked());
      },
    });
    checkAnswer(
      await within(readAnswer(client)),
      { content: ".".repeat(10) },
      stage.runtime,
    );
    assert.deepEqual(await line(), COMPLETE);
  },
  "who waits for a slow reader is not silent": async (stage) => {
    const content = "x".repeat(16_000_000);
    const { client, line } = await call(stage, {
      script: ({ wire }) => wire.write(CHUNKED, chunked(content)),
    });
    assert.ok(await readHead(client));
    client.pause();
    await sleep(3);
    client.resume();
    const length = await drain();
    assert.ok(length > content.length);
    assert.deepEqual(await line(), COMPLETE);

    /** To the end of the last chunk. */
    async function drain() {
      let length = 0;
      let last = "";
      while (!last.endsWith("\r\n0\r\n\r\n")) {
        const piece = await within(client.some());
        assert.ok(piece.length > 0, "the answer broke off");
        length += piece.length;
        last = (last + piece.toString("latin1")).slice(-7);
      }
      return length;
    }
  },
  "who waits for a slow upload is not silent": async (stage) => {
    const { client, exchange, line } = await call(stage, {
      script: always(OK),
      sends: (path) => ask(`POST ${path}`, ["transfer-encoding: chunked"]),
    });
    for (let i = 0; i < 10; i++) {
      await client.write(chunk("."));
      await sleep(0.3);
    }
    await client.write(chunked());
    checkAnswer(await within(readAnswer(client)), {}, stage.runtime);
    const { content } = await (await exchange()).whole();
    assert.equal(content.toString(), ".".repeat(10));
    assert.deepEqual(await line(), COMPLETE);
  },
};

atOnce(`${LONG} seconds of silence end nothing`, patient);
atOnce("a second of silence, where no more is allowed", impatient, () => ({
  FIRST_BYTE_SECONDS: "1",
  IDLE_SECONDS: "1",
}));
