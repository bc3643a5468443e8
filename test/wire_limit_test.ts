/** How many, how much, and until when. */

import assert from "node:assert/strict";
import { checkAnswer } from "./expect.ts";
import { chunk, chunked, dial, follow, message, readAnswer } from "./raw.ts";
import { always, OK } from "./raw_origin.ts";
import { until } from "./subject.ts";
import {
  ask,
  call,
  type Laws,
  laws,
  send,
  type Stage,
  within,
} from "./wire.ts";

const STREAM = message("HTTP/1.1 200 OK", ["transfer-encoding: chunked"]);

const MANY = 300;

const many: Laws = {
  [`${MANY} streams run at once`]: async (stage) => {
    const open = Promise.withResolvers<void>();
    const started = await Promise.all(
      Array.from({ length: MANY }, () =>
        call(stage, {
          async script({ wire }) {
            await wire.write(STREAM, chunk("first,"));
            await open.promise;
            await wire.write(chunked("last"));
          },
        })),
    );
    const answers = started.map(({ client }) => follow(client));
    await until(() => stage.origin.reached.length === MANY, 20_000);
    await until(
      () => answers.every((answer) => answer.text() === "first,"),
      20_000,
    );
    open.resolve();
    const ended = await within(Promise.all(answers.map(({ ended }) => ended)));
    assert.ok(ended.every((whole) => whole));
    assert.ok(answers.every((answer) => answer.text() === "first,last"));
  },
  "other requests pass by a stream": async (stage) => {
    const slow = await call(stage, {
      script: ({ wire }) => wire.write(STREAM, chunk("first,")),
    });
    const answer = follow(slow.client);
    await until(() => answer.text() === "first,");
    for (let i = 0; i < 5; i++) {
      const quick = await call(stage, {
        script: always(OK),
        sends: (path) => send(`POST ${path}`, "{}"),
      });
      checkAnswer(await within(readAnswer(quick.client)), {}, stage.runtime);
    }
    await (await slow.exchange()).wire.write(chunked("last"));
    assert.equal(await within(answer.ended), true);
  },
};

const MOST = 200_000;
const TOO_LARGE = { refused: "body_too_large", status: 413 } as const;

/** With `MAX_BODY_BYTES`. */
const limits: Laws = {
  "content of the largest length passes": (stage) => passes(stage, MOST, false),
  "so it does in chunks": (stage) => passes(stage, MOST, true),
  "a byte more is refused before the origin hears of it": async (stage) => {
    const { client, count, line } = await call(stage, {
      script: always(OK),
      sends: (path) => ask(`POST ${path}`, [`content-length: ${MOST + 1}`]),
    });
    checkAnswer(await within(readAnswer(client)), TOO_LARGE, stage.runtime);
    assert.equal(count(), 0);
    assert.deepEqual(await line(), {
      status: 413,
      ending: "refused",
      refused: "body_too_large",
    });
  },
  "in chunks it is refused too, and never arrives whole": async (stage) => {
    const { client, exchange, line } = await call(stage, {
      script: async ({ whole }) => void await whole(),
      prefix: "/anthropic",
      sends: (path) =>
        ask(
          `POST ${path}`,
          ["transfer-encoding: chunked"],
          chunk("x".repeat(MOST)),
          chunk("y"),
        ),
    });
    checkAnswer(
      await within(readAnswer(client)),
      { ...TOO_LARGE, wire: "anthropic" },
      stage.runtime,
    );
    const { content, whole } = await within((await exchange()).whole());
    assert.equal(whole, false);
    assert.ok(!content.includes("y"));
    assert.deepEqual(await line(), {
      status: 413,
      ending: "refused",
      refused: "body_too_large",
    });
  },
};

async function passes(stage: Stage, size: number, inChunks: boolean) {
  const content = "x".repeat(size);
  const { client, exchange } = await call(stage, {
    script: always(OK),
    sends: (path) =>
      inChunks
        ? ask(`POST ${path}`, ["transfer-encoding: chunked"], chunked(content))
        : send(`POST ${path}`, content),
  });
  checkAnswer(await within(readAnswer(client)), {}, stage.runtime);
  assert.equal((await (await exchange()).whole()).content.length, size);
}

const end: Laws = {
  "SIGTERM: no new clients, running streams to their end, exit 0": async (
    stage,
  ) => {
    const { doppel } = stage;
    const idle = await stage.connect();
    await idle.write(message("GET /healthz HTTP/1.1", ["host: a"]));
    await within(readAnswer(idle));
    const { client, exchange, line } = await call(stage, {
      script: ({ wire }) => wire.write(STREAM, chunk("first,")),
    });
    const answer = follow(client);
    await until(() => answer.text() === "first,");
    const exit = doppel.stop();
    await refusesClients(doppel.url);
    const { wire } = await exchange();
    await wire.write(chunk("second,"));
    await until(() => answer.text() === "first,second,");
    await wire.write(chunked("last"));
    assert.equal(await within(answer.ended), true);
    assert.equal(answer.text(), "first,second,last");
    assert.equal(await within(exit), 0);
    assert.deepEqual(await line(), { status: 200, ending: "complete" });
  },
};

async function refusesClients(url: string) {
  for (let i = 0; i < 500; i++) {
    const client = await dial(url).catch(() => undefined);
    if (client === undefined) return;
    await client.close();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail("still takes clients");
}

laws("many streams", many);
laws("the largest body", limits, () => ({ MAX_BODY_BYTES: `${MOST}` }));
laws("the end", end);
