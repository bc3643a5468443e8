/** Very long and very slow: silence, pings, five hundred streams, half a gigabyte. */

import assert from "node:assert/strict";
import { checkAnswer } from "./expect.ts";
import { chunk, chunked, message, type Part, readAnswer } from "./raw.ts";
import { always, OK } from "./raw_origin.ts";
import { until } from "./subject.ts";
import { atOnce, call, type Laws, send, type Stage, within } from "./wire.ts";

const EVENTS = [
  "content-type: text/event-stream",
  "transfer-encoding: chunked",
];

function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

/** What a client gets of `parts` with 2.5 s of silence before each but the first. */
async function slowly(
  stage: Stage,
  parts: readonly Part[],
  { status = "200 OK", fields = EVENTS }: {
    status?: string;
    fields?: readonly string[];
  } = {},
): Promise<string> {
  const length = fields.some((field) => field.startsWith("content-length"));
  const framed = (part: Part) => length || part === "" ? part : chunk(part);
  const { client, line, path } = await call(stage, {
    async script({ wire }) {
      await wire.write(message(`HTTP/1.1 ${status}`, fields));
      for (const [i, part] of parts.entries()) {
        if (i > 0) await sleep(2.5);
        await wire.write(framed(part));
      }
      if (!length) await wire.write(chunked());
    },
  });
  const answer = await within(readAnswer(client), 20_000);
  assert.equal(answer?.whole, true);
  await line();
  const logged = stage.doppel.lines().find((line) => line.path === path)!;
  assert.equal(logged.bytes, parts.join("").length);
  return answer.content.toString("latin1");
}

/** With `SSE_PING_SECONDS` of 1 and `IDLE_SECONDS` of 5. */
const pings: Laws = {
  "a silent event stream gets comments between its events": async (stage) => {
    const got = await slowly(stage, ["data: 1\n\n", "data: 2\n\n"]);
    assert.match(got, /^data: 1\n\n(?:: ping\n\n){1,3}data: 2\n\n$/);
  },
  "however its lines end, and wherever it is cut": async (stage) => {
    const got = await slowly(stage, [
      "data: 1\r",
      "\n\r",
      "\ndata: 2\r\n\r\n",
      "data: 3\r\r",
      "end",
    ]);
    const [one, two, ...more] = got.split(/(?:: ping\n\n)+/);
    assert.equal(one, "data: 1\r\n\r\ndata: 2\r\n\r\n");
    assert.equal(two, "data: 3\r\r");
    assert.deepEqual(more, ["end"]);
  },
  "none before its first byte, within a line or within an event": async (
    stage,
  ) => {
    const parts = ["", "event: a\ndata", ": 1\n", "data: 2\n", "\n"];
    assert.equal(await slowly(stage, parts), parts.join(""));
  },
  ...Object.fromEntries(
    Object.entries({
      "of another type": {
        fields: ["content-type: application/json", EVENTS[1]!],
      },
      "of a known length": { fields: [EVENTS[0]!, "content-length: 18"] },
      "with a coding": { fields: [...EVENTS, "content-encoding: gzip"] },
      "with another status": { status: "206 Partial Content" },
    }).map(([name, head]) =>
      [`none in an answer ${name}`, async (stage) => {
        const parts = ["data: 1\n\n", "data: 2\n\n"];
        assert.equal(await slowly(stage, parts, head), parts.join(""));
      }] as [string, Laws[string]]
    ),
  ),
  "a ping is no sign of the origin's life": async (stage) => {
    const { client, exchange, line } = await call(stage, {
      script: ({ wire }) =>
        wire.write(message("HTTP/1.1 200 OK", EVENTS), chunk("data: 1\n\n")),
    });
    const answer = await within(readAnswer(client), 10_000);
    assert.equal(answer?.whole, false);
    const [event, ...rest] = answer.content.toString().split("\n\n");
    assert.equal(event, "data: 1");
    assert.ok(
      rest.length > 1 && rest.join("") === ": ping".repeat(rest.length - 1),
    );
    await until((await exchange()).wire.closed);
    assert.deepEqual(await line(), { status: 200, ending: "origin_silent" });
  },
};

/** With `IDLE_SECONDS` of 3. Deno's fetch loses an abort once its garbage collector has run. */
const collected: Laws = {
  "silence is cut after much garbage, too": async (stage) => {
    const streams = await Promise.all(
      Array.from({ length: 8 }, () =>
        call(stage, {
          script: ({ wire }) =>
            wire.write(
              message("HTTP/1.1 200 OK", EVENTS),
              chunk("data: 1\n\n"),
            ),
        })),
    );
    const answers = streams.map(({ client }) => readAnswer(client));
    const work = async () => {
      const { client } = await call(stage, {
        script: always(OK),
        sends: (path) => send(`POST ${path}`, "x".repeat(30_000)),
      });
      checkAnswer(await within(readAnswer(client)), {}, stage.runtime);
      await client.close();
    };
    for (let i = 0; i < 60; i++) {
      await Promise.all(Array.from({ length: 8 }, work));
    }
    for (const answer of answers) {
      const got = await within(answer, 10_000);
      assert.equal(got?.whole, false);
      assert.equal(got.content.toString(), "data: 1\n\n");
    }
    for (const { line } of streams) {
      assert.deepEqual(await line(), { status: 200, ending: "origin_silent" });
    }
  },
};

atOnce("pings, one second apart", pings, () => ({
  SSE_PING_SECONDS: "1",
  IDLE_SECONDS: "5",
}));
atOnce("three seconds of silence", collected, () => ({ IDLE_SECONDS: "3" }));
