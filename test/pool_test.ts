/** Pools over real sockets: what reaches an origin that refuses keys, how often, and what comes down. */

import assert from "node:assert/strict";
import { keepSecret } from "./evidence.ts";
import { chunked, type Part, readAnswer } from "./raw.ts";
import { type Exchange, OK } from "./raw_origin.ts";
import { onScene } from "./socket.ts";
import { echo } from "./socket_origin.ts";
import { RUNTIMES, until } from "./subject.ts";
import { ask, laws, onStage, reply, send, type Stage, within } from "./wire.ts";

/** Enough that a law finds some which none before it has burnt. */
const KEYS = Array.from({ length: 60 }, (_, n) => `sk-canary-pool-${n}-5c1e`);
KEYS.forEach(keepSecret);
const FEW = KEYS.slice(0, 2);
const ENV = {
  OPENAI_API_KEY: KEYS.join(","),
  GEMINI_API_KEY: FEW.join(","),
};

const CHAT = "POST /v1/chat/completions";
/** No port that is given out to whoever asks for any. */
const NOBODY = "http://127.0.0.1:83";
const JSON_TYPE = "content-type: application/json";
const BAD_KEY = reply(
  "401 Unauthorized",
  [JSON_TYPE, "x-request-id: req_1"],
  '{ "error": {"message":"Incorrect API key provided", "code":"invalid_api_key"}}\n',
);

/** What is done with the first visit, the second, … */
type Answering = (exchange: Exchange, visit: number) => unknown;

/** How many requests a doppel has had. */
const visits = new WeakMap<object, number>();

/** One request, each visit at the origin answered in its own way. */
async function visit(
  { origin, connect, doppel }: Stage,
  sends: ReturnType<typeof send>,
  answering: Answering,
) {
  // Each is written down before the next one comes.
  const before = visits.get(doppel) ?? 0;
  visits.set(doppel, before + 1);
  await until(() => doppel.lines().length === before || undefined);
  origin.reached.length = 0;
  origin.play((exchange) => answering(exchange, origin.reached.length));
  const client = await connect();
  await client.write(sends);
  return {
    client,
    keys: () => origin.reached.map(keyOf),
    /** The log line, waited for. */
    line: () => until(() => doppel.lines()[before]),
  };
}

function keyOf({ fields }: Exchange): string | undefined {
  return fields.map((field) => /^authorization: Bearer (.+)$/i.exec(field)?.[1])
    .find(Boolean);
}

const then = (first: Part): Answering => async ({ whole, wire }, visit) => {
  await whole();
  await wire.write(visit === 1 ? first : OK);
};

const contents = {
  "3 bytes": send(CHAT, "abc"),
  "100 KB": send(CHAT, "x".repeat(100_000), [JSON_TYPE]),
  "4 MiB": send(CHAT, "y".repeat(4_194_304), [JSON_TYPE]),
  "100 KB in chunks": ask(
    CHAT,
    ["transfer-encoding: chunked", JSON_TYPE],
    chunked("z".repeat(100_000)),
  ),
  "nothing": ask("GET /v1/models/m"),
};

const replayed: Record<string, (stage: Stage) => Promise<void>> = {};
for (const [what, sends] of Object.entries(contents)) {
  replayed[`${what}: the next key gets what the first got`] = async (stage) => {
    const { client, keys } = await visit(stage, sends, then(BAD_KEY));
    const answer = await within(readAnswer(client));
    assert.equal(answer?.status, 200);
    assert.equal(keys().length, 2);
    assert.equal(new Set(keys()).size, 2);
    const [first, second] = await Promise.all(
      stage.origin.reached.map((exchange) => within(exchange.whole())),
    );
    assert.ok(second!.whole && first!.content.equals(second!.content));
    const plain = (fields: readonly string[]) =>
      fields.filter((field) => !/^authorization:/i.test(field));
    assert.deepEqual(plain(second!.fields), plain(first!.fields));
  };
}

/** Origins that break off, and what a POST must not do then. */
const BREAKS: Record<string, Answering> = {
  "closes on the head": ({ wire }) => wire.end(),
  "closes on the whole": async ({ whole, wire }) => {
    await whole();
    wire.end();
  },
  "fails": async ({ whole, wire }) => {
    await whole();
    await wire.write(reply("500 Oh", [JSON_TYPE], "{}"));
  },
  "breaks within its answer": async ({ whole, wire }) => {
    await whole();
    await wire.write(
      "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 99\r\n\r\ndata: 1\n\n",
    );
    wire.end();
  },
  "breaks within a refusal": async ({ whole, wire }) => {
    await whole();
    await wire.write(
      `HTTP/1.1 429 No\r\n${JSON_TYPE}\r\ncontent-length: 99\r\n\r\n{"error":`,
    );
    wire.end();
  },
};

const once: Record<string, (stage: Stage) => Promise<void>> = {};
for (const [what, breaks] of Object.entries(BREAKS)) {
  once[`a POST whose origin ${what} has reached it once`] = async (stage) => {
    const { client, keys, line } = await visit(
      stage,
      contents["100 KB"],
      breaks,
    );
    await within(readAnswer(client).catch(() => {}));
    await line();
    assert.equal(keys().length, 1);
  };
}

laws("pools", {
  ...replayed,
  ...once,
  "what goes by untouched, to the byte: a limit that is soon over": async (
    stage,
  ) => {
    const limit = reply(
      "429 Too Many Requests",
      [JSON_TYPE, "retry-after: 7", "x-ratelimit-reset-requests: 120ms"],
      '{ "error" : {"message":"Slow down",\n"code":"rate_limit_exceeded"}}',
    );
    const { client, keys } = await visit(
      stage,
      contents["3 bytes"],
      then(limit),
    );
    const answer = await within(readAnswer(client));
    assert.equal(answer?.status, 429);
    assert.equal(keys().length, 1);
    assert.equal(
      `${answer?.content}`,
      '{ "error" : {"message":"Slow down",\n"code":"rate_limit_exceeded"}}',
    );
    for (
      const field of ["retry-after: 7", "x-ratelimit-reset-requests: 120ms"]
    ) {
      assert.ok(answer?.fields.includes(field), field);
    }
  },
  "of four refusals the last comes down, to the byte": async (stage) => {
    const { client, keys, line } = await visit(
      stage,
      contents["100 KB"],
      async ({ whole, wire }) => {
        await whole();
        await wire.write(BAD_KEY);
      },
    );
    const answer = await within(readAnswer(client));
    assert.equal(answer?.status, 401);
    assert.equal(
      `${answer?.content}`,
      '{ "error": {"message":"Incorrect API key provided", "code":"invalid_api_key"}}\n',
    );
    assert.ok(answer?.fields.includes("x-request-id: req_1"));
    assert.equal(new Set(keys()).size, 4);
    const { attempts, credential } = await line() as {
      attempts: { credential: string; why: string }[];
      credential: string;
    };
    assert.equal(attempts.length, 4);
    assert.ok(attempts.every(({ why }) => why === "key"));
    assert.equal(attempts.at(-1)!.credential, credential);
  },
  "a client that leaves takes no second key": async (stage) => {
    let answer = () => {};
    const left = new Promise<void>((resolve) => answer = resolve);
    const { client, keys, line } = await visit(
      stage,
      contents["3 bytes"],
      async ({ whole, wire }) => {
        await whole();
        await left;
        await wire.write(BAD_KEY);
      },
    );
    await until(() => keys().length === 1);
    await client.close();
    const { status } = await line();
    answer();
    assert.equal(status, 499);
    // The next request finds the origin, and no other came between.
    const next = await visit(stage, contents["3 bytes"], then(OK));
    await within(readAnswer(next.client));
    assert.equal(next.keys().length, 1);
  },
  "where all keys rest nobody is asked, and the earliest end is named": async (
    stage,
  ) => {
    const path = "POST /v1beta/models/g:generateContent";
    const sends = send(path, "{}", [JSON_TYPE]);
    const spent = reply(
      "429 Spent",
      [JSON_TYPE],
      '{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"RequestsPerDayPerModel"}]},{"retryDelay":"3600s"}]}}',
    );
    const { client } = await visit(stage, sends, async ({ whole, wire }) => {
      await whole();
      await wire.write(spent);
    });
    assert.equal((await within(readAnswer(client)))?.status, 429);
    assert.equal(stage.origin.reached.length, FEW.length);
    const again = await visit(stage, sends, then(OK));
    const answer = await within(readAnswer(again.client));
    assert.equal(answer?.status, 429);
    assert.equal(stage.origin.reached.length, 0);
    const wait = answer?.fields.find((field) => /^retry-after:/i.test(field));
    const seconds = Number(wait?.split(":")[1]);
    assert.ok(seconds > 3_500 && seconds <= 3_601, wait);
    assert.ok(answer?.fields.includes("x-should-retry: false"));
    assert.match(`${answer?.content}`, /RESOURCE_EXHAUSTED/);
    // Another model of the same keys is served.
    const other = send("POST /v1beta/models/h:generateContent", "{}", [
      JSON_TYPE,
    ]);
    const served = await visit(stage, other, then(OK));
    assert.equal((await within(readAnswer(served.client)))?.status, 200);
  },
}, () => ENV);

for (const runtime of RUNTIMES) {
  Deno.test(`pools: what never went out goes once more, on ${runtime}`, async () => {
    await onStage(runtime, async ({ doppel, connect }) => {
      const client = await connect();
      await client.write(contents["100 KB"]);
      const answer = await within(readAnswer(client));
      assert.equal(answer?.status, 502);
      const { attempts } = await until(() => doppel.lines()[0]) as {
        attempts: { credential: string; refused: string }[];
      };
      assert.deepEqual(
        attempts.map(({ refused }) => refused),
        ["origin_unreachable", "origin_unreachable"],
      );
      assert.notEqual(attempts[0]!.credential, attempts[1]!.credential);
    }, () => ({ ...ENV, OPENAI_UPSTREAM: NOBODY }));
  });

  Deno.test(`pools: a socket whose key is refused is dialled with the next, on ${runtime}`, async () => {
    await onScene({ runtime, env: ENV }, async ({ dial, origin, doppel }) => {
      Object.defineProperty(origin, "answer", {
        get: () => origin.asked.length === 1 ? `${BAD_KEY}` : echo,
      });
      const side = await within(dial("/v1/realtime?model=m"));
      side.peer.send("hello");
      await until(() => side.heard.length === 1);
      assert.deepEqual(side.heard, ["hello"]);
      const keys = origin.asked.map(({ headers }) => headers.authorization);
      assert.equal(new Set(keys).size, 2);
      side.peer.close();
      const { attempts } = await until(() => doppel.lines()[0]) as {
        attempts: { status: number }[];
      };
      assert.deepEqual(attempts.map(({ status }) => status), [401, 101]);
    });
  });
}
