/** Whoever leaves, the other side learns of it, and the log says who it was. */

import assert from "node:assert/strict";
import { checkAnswer, type Refused, type WireName } from "./expect.ts";
import {
  chunk,
  follow,
  message,
  type Part,
  readAnswer,
  type Wire,
} from "./raw.ts";
import type { Script } from "./raw_origin.ts";
import { freePort, KEYS, until } from "./subject.ts";
import { ask, call, type Laws, laws, type Stage, within } from "./wire.ts";

const CHUNKED = message("HTTP/1.1 200 OK", ["transfer-encoding: chunked"]);
const LONG = message("HTTP/1.1 200 OK", ["content-length: 1000"]);
/** An answer's beginning, of which `some` is content. */
const BEGINNINGS: Record<string, readonly Part[]> = {
  "content of a known length": [LONG, "some"],
  "chunks": [CHUNKED, chunk("some")],
  "a chunk": [CHUNKED, "10\r\nsome"],
};

/** One that is handed on when it is all there, or not at all. */
const SMALL = [
  message("HTTP/1.1 200 OK", [
    "content-type: application/json",
    "content-length: 1000",
  ]),
  '{"some":',
];

/** Writes it and says no more. */
const begin = (parts: readonly Part[]): Script => ({ wire }) =>
  wire.write(...parts);

const LEFT_BEFORE = {
  status: 499,
  ending: "client_closed",
  refused: "client_closed",
};
const LEFT_WITHIN = { status: 200, ending: "client_closed" };
const BROKEN = { status: 200, ending: "origin_broken" };

/** How a client is gone. */
const LEAVING: Record<string, (client: Wire) => unknown> = {
  closes: (client) => client.close(),
  resets: (client) => client.reset(),
  // It might still read; both runtimes take it for gone.
  "closes its half": (client) => client.end(),
};

const clientLeaves: Laws = {
  ...Object.fromEntries(
    Object.entries(LEAVING).flatMap(([leaves, leave]) => [
      [`before the answer: it ${leaves}`, leavesBefore(leave)],
      ...["chunks", "content of a known length"].map((what) => [
        `within ${what}: it ${leaves}`,
        leavesWithin(what, leave),
      ]),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(LEAVING).map(([leaves, leave]) => [
      `within a small answer that has a type: it ${leaves}`,
      async (stage: Stage) => {
        let said = false;
        const { client, exchange, line } = await call(stage, {
          async script({ wire }) {
            await wire.write(...SMALL);
            said = true;
          },
        });
        const { wire } = await exchange();
        await until(() => said);
        await new Promise((resolve) => setTimeout(resolve, 20));
        leave(client);
        await until(wire.closed);
        assert.deepEqual(await line(), LEFT_WITHIN);
      },
    ]),
  ),
  "300 times over, and the origin is left with none of them": async (stage) => {
    const leaves = leavesWithin("chunks", LEAVING.closes!);
    for (let i = 0; i < 15; i++) {
      await Promise.all(Array.from({ length: 20 }, () => leaves(stage)));
    }
  },
  "within chunks that do not pause": async (stage) => {
    const { client, exchange, line } = await call(stage, {
      async script({ wire }) {
        await wire.write(CHUNKED);
        while (!wire.closed()) await wire.write(chunk("x".repeat(10_000)));
      },
    });
    const answer = follow(client);
    await until(() => answer.text().length > 100_000);
    await client.close();
    await until((await exchange()).wire.closed);
    assert.deepEqual(await line(), LEFT_WITHIN);
  },
  "while it uploads content of a known length": leavesUpload(
    "content-length: 1000000",
    "x".repeat(500_000),
  ),
  "while it uploads chunks": leavesUpload(
    "transfer-encoding: chunked",
    chunk("some"),
  ),
  "while it uploads little: the origin hears nothing": async (stage) => {
    const { client, count, line } = await call(stage, {
      script: () => {},
      sends: (path) => ask(`POST ${path}`, ["content-length: 100"], "some"),
    });
    // Answered after it, so that it is surely being read.
    const other = await stage.connect();
    await other.write(message("GET /healthz HTTP/1.1", ["host: a"]));
    await within(readAnswer(other));
    await client.close();
    assert.deepEqual(await line(), LEFT_BEFORE);
    assert.equal(count(), 0);
  },
};

function leavesBefore(leave: (client: Wire) => unknown) {
  return async (stage: Stage) => {
    const { client, exchange, line } = await call(stage, {
      script: () => {},
      sends: (path) => ask(`POST ${path}`, ["content-length: 2"], "{}"),
    });
    const { wire } = await exchange();
    leave(client);
    await until(wire.closed);
    assert.deepEqual(await line(), LEFT_BEFORE);
  };
}

function leavesWithin(what: string, leave: (client: Wire) => unknown) {
  return async (stage: Stage) => {
    const script = begin(BEGINNINGS[what]!);
    const { client, exchange, line } = await call(stage, { script });
    const answer = follow(client);
    await until(() => answer.text() === "some");
    leave(client);
    await until((await exchange()).wire.closed);
    assert.deepEqual(await line(), LEFT_WITHIN);
  };
}

function leavesUpload(framing: string, part: Part) {
  return async (stage: Stage) => {
    let received = 0;
    const { client, exchange, line } = await call(stage, {
      async script({ wire }) {
        let piece;
        while ((piece = await wire.some()).length > 0) received += piece.length;
      },
      sends: (path) => ask(`POST ${path}`, [framing], part),
    });
    await until(() => received >= part.length);
    await client.close();
    await until((await exchange()).wire.closed);
    assert.deepEqual(await line(), LEFT_BEFORE);
  };
}

/** How an origin ends before it has answered. */
const DYING: Record<string, Script> = {
  "closes at once": ({ wire }) => wire.end(),
  "resets at once": ({ wire }) => wire.reset(),
  "closes within the head": async ({ wire }) => {
    await wire.write("HTTP/1.1 200 OK\r\ncontent-le");
    wire.end();
  },
  "speaks no HTTP": async ({ wire }) => {
    await wire.write("220 mail.test ESMTP\r\n\r\n");
    wire.end();
  },
  "contradicts itself": async ({ wire }) => {
    const lengths = ["content-length: 1", "content-length: 2"];
    await wire.write(message("HTTP/1.1 200 OK", lengths));
    wire.end();
  },
};

const originDies: Laws = {
  ...Object.fromEntries(
    Object.entries(DYING).map(([dies, script]) => [
      `before its answer: it ${dies}`,
      (stage) => isRefused(stage, script),
    ]),
  ),
  ...Object.fromEntries(
    Object.keys(BEGINNINGS).flatMap((what) => [
      [`within ${what}, closing: never a clean end`, diesWithin(what, "end")],
      [
        `within ${what}, resetting: never a clean end`,
        diesWithin(what, "reset"),
      ],
    ]),
  ),
  ...Object.fromEntries(
    (["end", "reset"] as const).map((how) => [
      `within a small answer that has a type (${how}): never a clean end`,
      async (stage: Stage) => {
        const { client, line } = await call(stage, {
          async script({ wire }) {
            await wire.write(...SMALL);
            await new Promise((resolve) => setTimeout(resolve, 20));
            wire[how]();
          },
          sends: (path) => ask(`GET ${path}?secret-of-the-query`),
        });
        const answer = await within(readAnswer(client));
        assert.notEqual(answer?.whole, true);
        assert.deepEqual(await line(), BROKEN);
        assertDiscreet(stage);
      },
    ]),
  ),
  "within chunks, with nonsense: never a clean end": async (stage) => {
    const script = begin(BEGINNINGS.chunks!);
    const { client, exchange, line } = await call(stage, { script });
    const answer = follow(client);
    await until(() => answer.text() === "some");
    await (await exchange()).wire.write("nonsense\r\n");
    assert.equal(await within(answer.ended), false);
    assert.deepEqual(await line(), BROKEN);
  },
  "between head and content: never a clean end": async (stage) => {
    for (const head of [LONG, CHUNKED]) {
      const { client, line } = await call(stage, {
        async script({ wire }) {
          await wire.write(head);
          wire.end();
        },
        sends: (path) => ask(`GET ${path}?secret-of-the-query`),
      });
      const answer = await within(readAnswer(client));
      // Deno has sent the whole head by then, Bun a part (see wire_stream_test.ts).
      assert.equal(answer?.whole, stage.runtime === "deno" ? false : undefined);
      assert.deepEqual(await line(), BROKEN);
    }
    assertDiscreet(stage);
  },
};

function diesWithin(what: string, how: "end" | "reset") {
  return async (stage: Stage) => {
    const { client, exchange, line } = await call(stage, {
      script: begin(BEGINNINGS[what]!),
      sends: (path) => ask(`GET ${path}?secret-of-the-query`),
    });
    const answer = follow(client);
    await until(() => answer.text() === "some");
    (await exchange()).wire[how]();
    assert.equal(await within(answer.ended), false);
    assert.deepEqual(await line(), BROKEN);
    assertDiscreet(stage);
  };
}

const WIRES: readonly [WireName, prefix: string][] = [
  ["openai", "/openai"],
  ["anthropic", "/anthropic"],
  ["google", "/proxy/gemini"],
];

/** On every wire in its own envelope, and said in the log. */
async function isRefused(
  stage: Stage,
  script: Script,
  refusal: Refused = { refused: "origin_unreachable", status: 502 },
) {
  const { refused, status } = refusal;
  for (const [wire, prefix] of WIRES) {
    const { client, line } = await call(stage, {
      script,
      prefix,
      sends: (path) => ask(`GET ${path}?secret-of-the-query`),
    });
    const answer = await within(readAnswer(client));
    checkAnswer(answer, { ...refusal, wire }, stage.runtime);
    assert.deepEqual(await line(), { status, ending: "refused", refused });
  }
  assertDiscreet(stage);
}

/** Both runtimes write whole URLs into their errors, and Bun prints some. */
function assertDiscreet({ doppel, origin }: Stage) {
  const words = ["secret-of-the-query", origin.url, ...Object.values(KEYS)];
  for (const word of words) assert.ok(!doppel.output().includes(word), word);
}

const dead = `http://127.0.0.1:${await freePort()}`;

laws("a client leaves", clientLeaves);
laws("an origin dies", originDies);
laws("no origin listens", {
  "it is a refusal": (stage) => isRefused(stage, () => {}),
}, () => ({
  OPENAI_UPSTREAM: dead,
  ANTHROPIC_UPSTREAM: dead,
  GEMINI_UPSTREAM: dead,
}));
