/**
 * A POST reaches its origin once. Deno's fetch sends a replayable body again
 * when a pooled connection dies under it, and each time costs the owner money.
 */

import assert from "node:assert/strict";
import { checkAnswer } from "./expect.ts";
import { chunked, type Part, readAnswer } from "./raw.ts";
import { always, OK, type Script } from "./raw_origin.ts";
import { until } from "./subject.ts";
import { ask, call, laws, send, type Stage, within } from "./wire.ts";

const CONTENTS: Record<string, (path: string) => Part> = {
  "without content": (target) => ask(target),
  "3 bytes": (target) => send(target, "abc"),
  "1 KB": (target) => send(target, "x".repeat(1000)),
  "100 KB": (target) => send(target, "x".repeat(100_000)),
  "3 bytes in chunks": (target) =>
    ask(target, ["transfer-encoding: chunked"], chunked("abc")),
  "100 KB in chunks": (target) =>
    ask(target, ["transfer-encoding: chunked"], chunked("x".repeat(100_000))),
};

/** What an origin does with a request it will not answer. */
const DROPS: Record<string, Script> = {
  "closes on the head": ({ wire }) => wire.end(),
  "resets on the head": ({ wire }) => wire.reset(),
  "closes on the whole": async ({ whole, wire }) => {
    await whole();
    wire.end();
  },
  "resets on the whole": async ({ whole, wire }) => {
    await whole();
    wire.reset();
  },
};

const once: Record<string, (stage: Stage) => Promise<void>> = {};
for (const method of ["POST", "PATCH"]) {
  for (const [what, sends] of Object.entries(CONTENTS)) {
    once[`${method}, ${what}`] = async (stage) => {
      for (const [name, script] of Object.entries(DROPS)) {
        await fillPool(stage);
        const { client, count } = await call(stage, {
          script,
          sends: (path) => sends(`${method} ${path}`),
        });
        const answer = await within(readAnswer(client));
        assert.equal(count(), 1, name);
        checkAnswer(answer, {
          refused: "origin_unreachable",
          status: 502,
        }, stage.runtime);
      }
    };
  }
}

/** Leaves connections that the next request can take. */
async function fillPool(stage: Stage) {
  for (let i = 0; i < 2; i++) {
    const { client } = await call(stage, { script: always(OK) });
    await within(readAnswer(client));
  }
}

laws("once", {
  "the connections of a pool are used again, or all this says nothing": async (
    stage,
  ) => {
    await fillPool(stage);
    for (const sends of [CONTENTS["3 bytes"]!, CONTENTS["100 KB"]!]) {
      const { client, exchange } = await call(stage, {
        script: always(OK),
        sends: (path) => sends(`POST ${path}`),
      });
      const { wire } = await exchange();
      assert.ok(stage.origin.reached[0]!.wire === wire);
      await within(readAnswer(client));
    }
  },
  ...once,
  "a connection that has died in the pool costs no request": async (stage) => {
    const first = await call(stage, { script: always(OK) });
    await within(readAnswer(first.client));
    const { wire } = await first.exchange();
    wire.end();
    await until(wire.closed);
    const { client, count } = await call(stage, {
      script: always(OK),
      sends: (path) => send(`POST ${path}`, "abc"),
    });
    const answer = await within(readAnswer(client));
    assert.equal(answer?.status, 200);
    assert.equal(count(), 1);
  },
});
