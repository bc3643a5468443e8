/** Which way a request goes, and what is kept of it for a second try. */

import assert from "node:assert/strict";
import type { Content } from "./core/content.ts";
import type { Begun, Egress, Forwarded } from "./core/egress.ts";
import { createFlights, type Flight } from "./core/flight.ts";
import type { Refusal } from "./core/refusal.ts";
import { replayable } from "./core/replay.ts";
import { judge } from "./core/region.ts";
import type { EgressMode } from "./core/settings.ts";
import { ANSWER, FROM_ORIGIN } from "./core/hop.ts";
import { besideHop, type Through, throughHop, type Ways } from "./hop.ts";
import { PROVIDERS } from "./providers/mod.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const bytes = (text: string): Bytes =>
  new Uint8Array([...text].map((c) => c.charCodeAt(0)));
const text = async (content: Content) =>
  content.body === undefined ? "" : await readAll(content.body);

/** By hand: a `Blob` whose `stream()` is ours is read by it alone on Deno. */
async function readAll(body: Blob | Bytes | ReadableStream<Bytes>) {
  const stream = body instanceof ReadableStream
    ? body
    : new Blob([body]).stream();
  const reader = stream.getReader();
  let all = "";
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    all += String.fromCharCode(...read.value);
  }
  return all;
}

/** A client that sends each piece when the last one was taken. */
function client(pieces: readonly string[], length?: number) {
  let cancelled = false;
  let taken = 0;
  const body = new ReadableStream<Bytes>({
    pull(controller) {
      const piece = pieces[taken++];
      if (piece === undefined) controller.close();
      else controller.enqueue(bytes(piece));
    },
    cancel: () => void (cancelled = true),
  }, { highWaterMark: 0 });
  const content: Content = { body, length };
  return { content, taken: () => taken, cancelled: () => cancelled };
}

const REFUSED: Record<string, [status: number, body: string]> = {
  openai: [
    403,
    '{"error":{"code":"unsupported_country_region_territory","message":"Country, region, or territory not supported","param":null,"type":"request_forbidden"}}',
  ],
  anthropic: [
    403,
    '{"error":{"type":"forbidden","message":"Request not allowed"}}',
  ],
  gemini: [
    400,
    '{"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION"}}',
  ],
};

const refusal = (id: string, wrap = (body: string) => body) => {
  const [status, body] = REFUSED[id]!;
  return () =>
    new Response(wrap(body), {
      status,
      headers: { "content-type": "application/json; charset=UTF-8" },
    });
};

/** Two ways and a clock; `leg` is what the origin does with the direct one. */
function ways(
  leg: (content: Content) => Response | Promise<Response>,
  { mode = "fallback", replayBytes = 10 }: {
    mode?: EgressMode;
    replayBytes?: number;
  } = {},
) {
  let time = 0;
  const taken: string[] = [];
  const aborted: string[] = [];
  const begun = (response: Response, way: string): Begun => ({
    response,
    flight: { await() {}, rest() {}, follow() {}, land() {}, silent: false },
    abort: () => void aborted.push(way),
  });
  const direct: Egress = async ({ content }) => {
    taken.push("direct");
    return begun(await leg(content), "direct");
  };
  const through: Egress = async ({ content }) => {
    taken.push(`hop:${await text(content)}`);
    return { ...begun(new Response("served"), "hop"), hop: true };
  };
  const { egress, regions } = besideHop({
    direct: { egress: direct } as Ways,
    through: { egress: through, state: () => "up" } as Partial<
      Through
    > as Through,
    modes: Object.fromEntries(PROVIDERS.map(({ id }) => [id, mode])),
    replayBytes,
    refusedSeconds: 600,
    now: () => time,
  });
  return {
    regions: regions!,
    taken,
    aborted,
    tick: (seconds: number) => void (time += seconds * 1000),
    async send(
      content: Content = { body: undefined, length: 0 },
      id = "openai",
    ) {
      const provider = PROVIDERS.find((row) => row.id === id)!;
      const { signal } = new AbortController();
      const forwarded = { provider, content, signal } as unknown as Forwarded;
      const answer = await egress(forwarded);
      if ("refused" in answer) throw new Error(answer.refused);
      const { response, own = [] } = answer;
      for (const [name, value] of own) response.headers.set(name, value);
      return response;
    },
  };
}

const SAID: [id: string, name: string, answer: () => Response][] = [
  ...Object.keys(REFUSED).flatMap((id) => [
    [id, "as it is", refusal(id)] as [string, string, () => Response],
    [id, "in an array", refusal(id, (body) => `[${body}]`)] as [
      string,
      string,
      () => Response,
    ],
    [
      id,
      "in lines",
      refusal(id, (body) => JSON.stringify(JSON.parse(body), null, 2) + "\n"),
    ] as [string, string, () => Response],
  ]),
  [
    "openai",
    "as Sora says it",
    refusal(
      "openai",
      () =>
        '{"error":{"code":"unsupported_country_code","message":"Sora is not available in your country","param":"MM","type":"invalid_request_error"}}',
    ),
  ],
];

for (const [id, name, answer] of SAID) {
  Deno.test(`besideHop() knows ${id}'s refusal ${name}, and remembers it for this provider`, async () => {
    const { send, taken } = ways(answer);
    assert.equal(await (await send(undefined, id)).text(), "served");
    assert.equal(await (await send(undefined, id)).text(), "served");
    assert.deepEqual(taken, ["direct", "hop:", "hop:"]);
    const other = id === "openai" ? "gemini" : "openai";
    await (await send(undefined, other)).text();
    assert.equal(taken[3], "direct");
  });
}

Deno.test("besideHop() tries the direct way again when the memory has expired", async () => {
  const { send, taken, tick } = ways(refusal("openai"));
  await send();
  tick(599);
  await send();
  tick(1);
  await send();
  assert.deepEqual(taken, ["direct", "hop:", "hop:", "direct", "hop:"]);
});

Deno.test("besideHop() tells the way of a provider, and how long its region counts as refused", async () => {
  const { send, regions, tick } = ways(refusal("openai"));
  assert.deepEqual(regions.of("openai"), { mode: "fallback" });
  await send();
  tick(599);
  const refused = { mode: "fallback", refusedUntil: 600_000 };
  assert.deepEqual(regions.of("openai"), refused);
  assert.deepEqual(regions.of("gemini"), { mode: "fallback" });
  assert.deepEqual(regions.of("an-added-one"), { mode: "fallback" });
  tick(1);
  assert.deepEqual(regions.of("openai"), { mode: "fallback" });
  const { regions: direct } = ways(refusal("openai"), { mode: "direct" });
  assert.deepEqual(direct.of("openai"), { mode: "direct" });
  assert.equal(direct.hop(), "up");
});

Deno.test("throughHop() tells whether the hop lives, as the last request found it", async () => {
  const answers: [says: Response | Refusal, state: string][] = [
    [{ refused: "client_closed" }, "unknown"],
    [new Response("", { headers: { [ANSWER]: FROM_ORIGIN } }), "up"],
    [{ refused: "origin_unreachable" }, "down"],
    [{ refused: "client_closed" }, "down"],
    [new Response("", { headers: { [ANSWER]: FROM_ORIGIN } }), "up"],
    [new Response("a parked domain"), "down"],
  ];
  let says: Response | Refusal = answers[0]![0];
  const { egress, state } = throughHop({
    hop: { url: "http://hop", secret: "s".repeat(32) },
    send: () =>
      Promise.resolve(
        says instanceof Response
          ? { response: says, flight: { land() {} } as Flight, abort() {} }
          : says,
      ),
    dial: () => Promise.reject(new Error("no sockets here")),
    now: () => 0,
    lookSeconds: 60,
  });
  assert.equal(state(), "unknown");
  for (const [answer, expected] of answers) {
    says = answer;
    const { signal } = new AbortController();
    await egress({
      method: "GET",
      provider: PROVIDERS[0]!,
      target: { path: "/v1/models", query: "" },
      credential: { id: "one-1", key: "k" },
      received: new Headers(),
      content: { body: undefined, length: 0 },
      signal,
    } as unknown as Forwarded);
    assert.equal(state(), expected);
  }
});

Deno.test("besideHop() keeps to the one way it is told", async () => {
  const direct = ways(refusal("openai"), { mode: "direct" });
  assert.equal((await direct.send()).status, 403);
  assert.deepEqual(direct.taken, ["direct"]);
  const hop = ways(refusal("openai"), { mode: "hop" });
  assert.equal((await hop.send()).status, 200);
  assert.deepEqual(hop.taken, ["hop:"]);
});

const contents: [name: string, length: number | undefined][] = [[
  "with a length",
  6,
], ["in chunks", undefined]];
for (const [name, length] of contents) {
  Deno.test(`besideHop() sends content ${name} again whole, wherever the first try stopped`, async () => {
    for (let read = 0; read <= 4; read++) {
      const { content } = client(["ab", "cd", "ef"], length);
      const { send, taken, aborted } = ways(async ({ body }) => {
        const reader = body as Blob | ReadableStream<Bytes>;
        const open = (reader instanceof Blob ? reader.stream() : reader)
          .getReader();
        for (let i = 0; i < read; i++) await open.read();
        // Waits for more when it is given up.
        open.read().catch(() => {});
        return refusal("openai")();
      });
      await send(content);
      assert.deepEqual(taken, ["direct", "hop:abcdef"]);
      assert.deepEqual(aborted, ["direct"]);
    }
  });
}

Deno.test("besideHop() takes from the client what the origin asks for, and no more", async () => {
  const sender = client(["ab", "cd", "ef"], 6);
  const { send } = ways(async ({ body }) => {
    const stream = body instanceof Blob ? body.stream() : body!;
    const reader = (stream as ReadableStream<Bytes>).getReader();
    assert.equal(sender.taken(), 0);
    assert.deepEqual((await reader.read()).value, bytes("ab"));
    assert.equal(sender.taken(), 1);
    return new Response("enough");
  });
  assert.equal(await (await send(sender.content)).text(), "enough");
  assert.equal(sender.taken(), 1);
});

Deno.test("besideHop() passes a refusal down with the reason where the content was too large", async () => {
  for (const length of [12, undefined]) {
    const sender = client(["abcd", "efgh", "ijkl"], length);
    const { send, taken } = ways(async (content) => {
      assert.equal(await text(content), "abcdefghijkl");
      return refusal("openai")();
    });
    const response = await send(sender.content);
    assert.equal(response.headers.get("x-doppel-hop"), "body-too-large");
    assert.equal(await response.text(), REFUSED.openai![1]);
    await send();
    assert.deepEqual(taken, ["direct", "hop:"]);
  }
});

Deno.test("besideHop() lets go of the client's content when the origin does", async () => {
  const sender = client(["ab", "cd", "ef"], 6);
  const { send } = ways(async ({ body }) => {
    const stream = body instanceof Blob ? body.stream() : body!;
    const reader = (stream as ReadableStream<Bytes>).getReader();
    await reader.read();
    await reader.cancel();
    return new Response("enough");
  });
  await (await send(sender.content)).text();
  assert.equal(sender.cancelled(), true);
});

Deno.test("besideHop() hands on an answer that breaks off while it is looked at", async () => {
  const { send } = ways(() => {
    let pulls = 0;
    const body = new ReadableStream<Bytes>({
      pull(controller) {
        if (pulls++ === 0) controller.enqueue(bytes(REFUSED.openai![1]));
        else controller.error(new Error("broken"));
      },
    }, { highWaterMark: 0 });
    return new Response(body, {
      status: 403,
      headers: { "content-type": "application/json" },
    });
  });
  const response = await send();
  assert.equal(response.status, 403);
  await assert.rejects(response.text());
});

for (const end of ["silence", "the client's leaving"] as const) {
  Deno.test(`judge() ends with ${end}, and takes what it has for no refusal`, async () => {
    let time = 0;
    let cancelled = false;
    const client = new AbortController();
    // An abort that is lost, as Deno's.
    const flight = createFlights(() => time).begin(() => {});
    flight.await(1);
    const body = new ReadableStream<Bytes>({
      start: (controller) => controller.enqueue(bytes(REFUSED.openai![1])),
      cancel: () => void (cancelled = true),
    });
    const response = new Response(body, refusal("openai")());
    const { region } = PROVIDERS.find(({ id }) => id === "openai")!;
    const judging = judge({ response, flight }, region, client.signal);
    if (end === "silence") time = 2000;
    else client.abort();
    const judged = await judging;
    flight.land();
    assert.equal(judged.refused, false);
    assert.equal(cancelled, true);
    await assert.rejects(judged.response.text());
  });
}

const small = (pieces: number) =>
  replayable(
    client(Array.from({ length: pieces }, () => "a")).content,
    2 * pieces,
  );

Deno.test("replayable() moves a record of many small pieces a few times only", async () => {
  const pieces = 20_000;
  const kept = small(pieces);
  assert.equal((await text(kept.first)).length, pieces);
  const { slice } = Array.prototype;
  let moved = 0;
  Array.prototype.slice = function (...range) {
    const part = slice.apply(this, range);
    moved += part.length;
    return part;
  };
  try {
    assert.equal((await text(kept.again()!)).length, pieces);
  } finally {
    Array.prototype.slice = slice;
  }
  assert.ok(moved < 10 * pieces, `${moved} moved`);
});

Deno.test("replayable() keeps no record of countless small pieces, and loses none", async () => {
  const kept = small(70_000);
  assert.equal((await text(kept.first)).length, 70_000);
  assert.equal(kept.again(), undefined);
});
