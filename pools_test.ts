/** Pools, seen by a holder: which key a request reaches the origin with, and what comes down when keys are bad. */

import assert from "node:assert/strict";
import type { AppDeps } from "./app.ts";
import { createPools } from "./core/rota.ts";
import type { Cooldown } from "./core/setup.ts";
import type { Credential } from "./core/credential.ts";
import type { Forwarded } from "./core/egress.ts";
import { createFlights } from "./core/flight.ts";
import type { Refusal } from "./core/refusal.ts";
import { aimedAtHop } from "./core/hop.ts";
import type { Dialled, End } from "./core/socket.ts";
import { PROVIDERS } from "./providers/mod.ts";
import {
  type Gateway,
  law as lawOnce,
  START,
  UNCLAMPED,
} from "./test/gateway.ts";
import { lawOnBoth as law } from "./test/on_redis.ts";

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const CHAT = "/v1/chat/completions";

const keysOf = (
  provider: string,
  count: number,
  more: Partial<Credential> = {},
): Credential[] =>
  Array.from({ length: count }, (_, n) => ({
    id: `${provider}-${n + 1}`,
    key: `sk-canary-pools-${provider}-${n + 1}`,
    ...more,
  }));

const pooled = (count: number, more: Partial<Credential> = {}) => ({
  pools: {
    openai: keysOf("openai", count, more),
    anthropic: keysOf("anthropic", count),
    gemini: keysOf("gemini", count),
  },
});

const error = (status: number, message: string, more: object = {}) =>
  Response.json({ error: { message, type: null, code: null, ...more } }, {
    status,
  });
const BAD_KEY = () =>
  error(401, "Incorrect API key provided", { code: "invalid_api_key" });
const NO_MONEY = () =>
  error(429, "You exceeded your current quota", { code: "insufficient_quota" });
/** A model's quota, gone for so many seconds. */
const NO_QUOTA = (seconds: number) =>
  new Response('{"error":{"message":"Quota exceeded for this model"}}', {
    status: 429,
    headers: {
      "content-type": "application/json",
      "retry-after": `${seconds}`,
    },
  });
const TOO_FAST = () =>
  new Response('{ "error": {"message":"Rate limit reached"} }', {
    status: 429,
    headers: {
      "content-type": "application/json",
      "retry-after": "7",
      "x-ratelimit-remaining-requests": "0",
    },
  });
const FINE = () => Response.json({ model: "m", choices: [] });

/** Which keys requests came with, by their numbers, oldest first. */
function numbers({ reached }: Gateway): string {
  return reached.map(({ headers }) =>
    /-(\d+)$/.exec(
      headers.authorization ?? headers["x-api-key"] ??
        headers["x-goog-api-key"]!,
    )![1]
  ).join("");
}

const numberOf = ({ credential }: Forwarded) => Number(credential.id.at(-1));

/** Answers by the number of the key. */
function answers(
  { respondWith }: Gateway,
  byNumber: (number: number, forwarded: Forwarded) =>
    | Response
    | ReturnType<Parameters<Gateway["respondWith"]>[0]>,
) {
  respondWith((forwarded) => byNumber(numberOf(forwarded), forwarded));
}

/** A conversation whose key is the one of that number while all are well. */
async function conversationOf(
  gateway: Gateway,
  token: string,
  number: number,
  model = "m",
): Promise<string> {
  gateway.respondWith(FINE);
  for (let n = 0; n < 1_000; n++) {
    const body = JSON.stringify({
      model,
      messages: [{ role: "user", content: `conversation ${n}` }],
    });
    gateway.reached.length = 0;
    await post(gateway, token, body);
    if (numbers(gateway) !== `${number}`) continue;
    gateway.reached.length = 0;
    gateway.lines.length = 0;
    return body;
  }
  throw new Error(`no conversation has key ${number}`);
}

function post(
  gateway: Gateway,
  token: string,
  body: BodyInit = '{"model":"m"}',
  init: RequestInit = {},
) {
  return gateway.send(CHAT, {
    method: "POST",
    body,
    ...init,
    headers: { ...bearer(token), ...init.headers },
  });
}

law(
  "a key that is refused rests, and the next one answers",
  async (gateway) => {
    const { token } = await gateway.mint();
    const body = await conversationOf(gateway, token, 2);
    answers(gateway, (n) => n === 2 ? BAD_KEY() : FINE());
    const first = await post(gateway, token, body);
    assert.deepEqual([first.status, await first.json()], [200, {
      model: "m",
      choices: [],
    }]);
    const [line] = gateway.lines;
    assert.equal(gateway.reached.length, 2);
    assert.deepEqual(line?.attempts, [
      { credential: "openai-2", status: 401, why: "key" },
      { credential: line?.credential, status: 200 },
    ]);
    // What reached the second is what reached the first, but for the key.
    const [a, b] = gateway.reached;
    const without = { ...b!.headers, authorization: a!.headers.authorization };
    assert.deepEqual({ ...b, headers: without }, a);
    gateway.reached.length = 0;
    for (let n = 0; n < 12; n++) await post(gateway, token, body);
    assert.doesNotMatch(numbers(gateway), /2/);
    assert.ok(
      gateway.lines.slice(1).every((one) => one.attempts === undefined),
    );
  },
  pooled(3),
);

law(
  "a refused key rests longer each time, up to an hour, until it serves",
  async (gateway) => {
    const { token } = await gateway.mint();
    const body = await conversationOf(gateway, token, 1);
    const visits = async () => {
      gateway.reached.length = 0;
      await post(gateway, token, body);
      return numbers(gateway).length;
    };
    answers(gateway, (n) => n === 1 ? BAD_KEY() : FINE());
    for (const rest of [60, 120, 240, 480, 960, 1920, 3600, 3600]) {
      assert.equal(await visits(), 2, `before ${rest}`);
      gateway.tick(rest - 1);
      assert.equal(await visits(), 1, `within ${rest}`);
      gateway.tick(2);
    }
    gateway.respondWith(FINE);
    assert.equal(await visits(), 1);
    answers(gateway, (n) => n === 1 ? BAD_KEY() : FINE());
    assert.equal(await visits(), 2);
    gateway.tick(61);
    assert.equal(await visits(), 2, "its refusals were forgotten");
  },
  pooled(2),
);

law(
  "many requests that meet the same refusal count as one",
  async (gateway) => {
    const { token } = await gateway.mint();
    const body = await conversationOf(gateway, token, 1);
    let open = () => {};
    const all = new Promise<void>((resolve) => open = resolve);
    let waiting = 0;
    answers(gateway, async (n) => {
      if (n !== 1) return FINE();
      if (++waiting === 8) open();
      await all;
      return BAD_KEY();
    });
    await Promise.all(
      Array.from({ length: 8 }, () => post(gateway, token, body)),
    );
    gateway.reached.length = 0;
    gateway.tick(61);
    gateway.respondWith(FINE);
    await post(gateway, token, body);
    assert.equal(numbers(gateway), "1");
  },
  pooled(2),
);

law(
  "a quota rests until the origin says, for its model and no other",
  async (gateway) => {
    const { token } = await gateway.mint();
    const body = await conversationOf(gateway, token, 1);
    const other = await conversationOf(gateway, token, 1, "n");
    answers(
      gateway,
      (n, { content }) =>
        n === 1 && new TextDecoder().decode(content.bytes).includes('"m"')
          ? NO_QUOTA(300)
          : FINE(),
    );
    assert.equal((await post(gateway, token, body)).status, 200);
    assert.equal(numbers(gateway), "12");
    gateway.tick(299);
    await post(gateway, token, body);
    await post(gateway, token, other);
    assert.equal(numbers(gateway), "1221");
    gateway.tick(2);
    await post(gateway, token, body);
    assert.equal(numbers(gateway), "122112");
  },
  pooled(2),
);

law(
  "an account without money rests for every model, half an hour where nobody says",
  async (gateway) => {
    const { token } = await gateway.mint();
    const body = await conversationOf(gateway, token, 1);
    const other = await conversationOf(gateway, token, 1, "n");
    answers(gateway, (n) => n === 1 ? NO_MONEY() : FINE());
    await post(gateway, token, body);
    await post(gateway, token, other);
    gateway.tick(1799);
    await post(gateway, token, other);
    gateway.tick(2);
    await post(gateway, token, other);
    assert.equal(numbers(gateway), "122212");
  },
  pooled(2),
);

law(
  "a limit that is soon over passes untouched, and burns no key",
  async (gateway) => {
    const { token } = await gateway.mint();
    const body = await conversationOf(gateway, token, 1);
    answers(gateway, (n) => n === 1 ? TOO_FAST() : FINE());
    for (let n = 0; n < 3; n++) {
      const answer = await post(gateway, token, body);
      const { headers } = answer;
      assert.equal(answer.status, 429);
      assert.equal(headers.get("retry-after"), "7");
      assert.equal(headers.get("x-ratelimit-remaining-requests"), "0");
      assert.equal(headers.get("x-should-retry"), null);
      assert.equal(
        await answer.text(),
        '{ "error": {"message":"Rate limit reached"} }',
      );
    }
    assert.equal(numbers(gateway), "111");
  },
  pooled(2),
);

law(
  "where no key serves, the last answer is the origin's own; then nobody is asked until the first may be",
  async (gateway) => {
    const { token } = await gateway.mint();
    answers(
      gateway,
      (n) => n === 1 ? NO_QUOTA(20) : error(401, `No ${n}`, { param: "\n ☃" }),
    );
    const answer = await post(gateway, token);
    assert.equal(numbers(gateway), "123");
    assert.equal(answer.status, 401);
    assert.equal(
      await answer.text(),
      `{"error":{"message":"No 3","type":null,"code":null,"param":"\\n ☃"}}`,
    );
    gateway.reached.length = 0;
    const refused = await post(gateway, token);
    assert.deepEqual(gateway.reached, []);
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get("retry-after"), "20");
    assert.equal(refused.headers.get("x-should-retry"), null);
    assert.equal((await refused.json()).error.code, "keys_cooling");
    gateway.tick(20);
    await post(gateway, token);
    assert.equal(numbers(gateway), "1");
  },
  pooled(3),
);

law(
  "a wait that is long tells SDKs not to sit it out, in each wire",
  async (gateway) => {
    const { token } = await gateway.mint();
    const calls = {
      openai: [CHAT, {}],
      anthropic: ["/v1/messages", { "anthropic-version": "2023-06-01" }],
      gemini: ["/v1beta/models/g:generateContent", {}],
    } as const;
    gateway.respondWith(() => error(402, "Pay."));
    for (const [name, [path, headers]] of Object.entries(calls)) {
      const init = {
        method: "POST",
        headers: { ...bearer(token), ...headers },
        body: "{}",
      };
      assert.equal((await gateway.send(path, init)).status, 402);
      const answer = await gateway.send(path, init);
      assert.equal(answer.status, 429, name);
      assert.equal(answer.headers.get("retry-after"), "1800");
      assert.equal(answer.headers.get("x-should-retry"), "false");
      const body = await answer.json();
      const kind = {
        openai: body.error.type,
        anthropic: body.error.type,
        gemini: body.error.status,
      }[name];
      assert.match(kind, /^(?:rate_limit_error|RESOURCE_EXHAUSTED)$/);
    }
  },
  pooled(2),
);

law("each key is tried once, and four at most", async (gateway) => {
  const { token } = await gateway.mint();
  gateway.respondWith(BAD_KEY);
  await post(gateway, token);
  await post(gateway, token);
  await post(gateway, token);
  const tried = numbers(gateway);
  assert.equal(tried.length, 6);
  assert.equal(new Set(tried).size, 6);
  assert.equal(gateway.lines[0]?.attempts?.length, 4);
  assert.equal(gateway.lines[1]?.attempts?.length, 2);
  assert.equal(gateway.lines[2]?.refused, "keys_cooling");
}, pooled(6));

law("after half a minute no key more is tried", async (gateway) => {
  const { token } = await gateway.mint();
  gateway.respondWith(() => {
    gateway.tick(15);
    return BAD_KEY();
  });
  assert.equal((await post(gateway, token)).status, 401);
  assert.equal(gateway.reached.length, 2);
}, pooled(6));

for (const method of ["POST", "PATCH"]) {
  law(`a ${method} that fails is not sent again`, async (gateway) => {
    const { token } = await gateway.mint();
    const fails = [
      () => error(500, "Oh."),
      () => error(503, "Busy."),
      () => ({ refused: "origin_unreachable" } as const),
      () => ({ refused: "origin_timeout" } as const),
      () => ({ refused: "hop_unreachable" } as const),
    ];
    for (const fail of fails) {
      gateway.reached.length = 0;
      gateway.respondWith(fail);
      const answer = await gateway.send(CHAT, {
        method,
        headers: bearer(token),
        body: "{}",
      });
      assert.ok(answer.status >= 500);
      assert.equal(gateway.reached.length, 1);
    }
    assert.ok(gateway.lines.every(({ attempts }) => attempts === undefined));
    gateway.respondWith(FINE);
    assert.equal((await post(gateway, token)).status, 200, "no key rests");
  }, pooled(3));
}

law(
  "what does no harm twice is sent once more where it fails, with another key",
  async (gateway) => {
    const { token } = await gateway.mint();
    const get = () => gateway.send("/v1/models/m", { headers: bearer(token) });
    const fails = [
      () => error(502, "Oh."),
      () => ({ refused: "origin_unreachable" } as const),
      () => ({ refused: "origin_timeout" } as const),
    ];
    for (const fail of fails) {
      gateway.reached.length = 0;
      let times = 0;
      gateway.respondWith(() => times++ === 0 ? fail() : FINE());
      assert.equal((await get()).status, 200);
      assert.equal(new Set(numbers(gateway)).size, 2);
      gateway.reached.length = 0;
      gateway.respondWith(fail);
      assert.ok((await get()).status >= 500);
      assert.equal(gateway.reached.length, 2);
    }
  },
  pooled(4),
);

law(
  "what has not gone out goes once more, and costs nothing where it never does",
  async (gateway) => {
    const { token } = await gateway.mint({ limits: { requests: 1 } });
    const unsent = { refused: "origin_unreachable", unsent: true } as const;
    let times = 0;
    gateway.respondWith(() => unsent);
    assert.equal((await post(gateway, token)).status, 502);
    assert.equal(gateway.reached.length, 2);
    await gateway.settled();
    gateway.respondWith(() => times++ === 0 ? unsent : FINE());
    assert.equal(
      (await post(gateway, token)).status,
      200,
      "the minute's one place was given back",
    );
    assert.deepEqual(
      gateway.lines.at(-1)?.attempts?.map(({ refused, status }) =>
        refused ?? status
      ),
      ["origin_unreachable", 200],
    );
  },
  pooled(3),
);

law(
  "what may have gone out once is paid for, though it did not the second time",
  async (gateway) => {
    const { token } = await gateway.mint({ limits: { requests: 1 } });
    let times = 0;
    gateway.respondWith(() =>
      times++ === 0
        ? { refused: "origin_timeout" }
        : { refused: "origin_unreachable", unsent: true }
    );
    const get = () => gateway.send("/v1/models/m", { headers: bearer(token) });
    assert.equal((await get()).status, 502);
    assert.equal(gateway.reached.length, 2);
    await gateway.settled();
    assert.equal((await get()).status, 429, "its place is gone");
  },
  pooled(3),
);

law(
  "what may have arrived and was not answered is spent whole, whatever the key before said",
  async (gateway) => {
    const spent = async (last: Refusal) => {
      const { id, token } = await gateway.mint({
        limits: { budget: { total: 100 } },
      });
      let times = 0;
      gateway.respondWith(() => times++ === 0 ? BAD_KEY() : last);
      const { status } = await post(gateway, token);
      await gateway.settled();
      const { standings: [stands] } = await gateway.store.watch(
        [{ id, leases: [] }],
        START,
      );
      gateway.tick(3600);
      return [status, 100 - stands!.unspent!];
    };
    assert.deepEqual(await spent({ refused: "origin_timeout" }), [401, 50]);
    const unsent = { refused: "origin_unreachable", unsent: true } as const;
    assert.deepEqual(await spent(unsent), [401, 0]);
  },
  {
    ...pooled(3),
    prices: {
      worst: () => Promise.resolve(50),
      cost: () => Promise.resolve(7),
      ...UNCLAMPED,
    },
  },
);

law(
  "content that streams goes up once, even where it never arrived",
  async (gateway) => {
    const { token } = await gateway.mint({ providers: ["openai"] });
    gateway.respondWith(() => ({
      refused: "origin_unreachable",
      unsent: true,
    }));
    assert.equal((await post(gateway, token, large(70_000))).status, 502);
    assert.equal(gateway.reached.length, 1);
  },
  { ...pooled(3), replayBytes: 69_999 },
);

for (const count of [1, 2]) {
  law(
    `content is held for a second key and for no other reason, of ${count}`,
    async (gateway) => {
      const { token } = await gateway.mint({ providers: ["openai"] });
      const held: boolean[] = [];
      gateway.respondWith(({ content }) => {
        held.push(!(content.body instanceof ReadableStream));
        return FINE();
      });
      const whole = large(70_000);
      const chunks = new Blob([whole]).stream();
      for (const body of [whole, chunks]) await post(gateway, token, body);
      assert.deepEqual(held, [count > 1, count > 1]);
    },
    pooled(count),
  );
}

law(
  "an answer that cannot tell more than its status is not looked into",
  async (gateway) => {
    const { token } = await gateway.mint();
    let pulled = 0;
    const silent = () =>
      new ReadableStream<Uint8Array<ArrayBuffer>>({
        pull: () => void pulled++,
      }, { highWaterMark: 0 });
    const odd: [number, Record<string, string>][] = [
      [500, { "content-type": "application/json" }],
      [429, { "content-type": "text/html" }],
      [429, { "content-type": "application/json", "content-encoding": "br" }],
      [429, { "content-type": "application/json", "content-length": "70000" }],
    ];
    for (const [status, headers] of odd) {
      gateway.respondWith(() => new Response(silent(), { status, headers }));
      const answer = await gateway.open(CHAT, {
        method: "POST",
        headers: bearer(token),
        body: "{}",
      });
      assert.equal(answer.status, status);
      await answer.body!.cancel();
    }
    assert.equal(pulled, 0);
  },
  pooled(2),
);

law(
  "an answer of the origin goes before a refusal of ours",
  async (gateway) => {
    const { token } = await gateway.mint();
    let times = 0;
    gateway.respondWith(() =>
      times++ === 0 ? BAD_KEY() : { refused: "origin_unreachable" }
    );
    const answer = await post(gateway, token);
    assert.equal(answer.status, 401);
    assert.equal((await answer.json()).error.code, "invalid_api_key");
    assert.deepEqual(
      gateway.lines[0]?.attempts?.map(({ why, refused }) => why ?? refused),
      ["key", "origin_unreachable"],
    );
  },
  pooled(3),
);

law(
  "a client that leaves is not waited for with another key",
  async (gateway) => {
    const { token } = await gateway.mint();
    const client = new AbortController();
    gateway.respondWith(() => {
      client.abort();
      return BAD_KEY();
    });
    await post(gateway, token, "{}", { signal: client.signal })
      .catch(() => {});
    assert.equal(gateway.reached.length, 1);
  },
  pooled(3),
);

law("nothing is sent again once an answer has begun", async (gateway) => {
  const { token } = await gateway.mint();
  gateway.respondWith(() =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(new Uint8Array(9)),
        pull: (controller) => controller.error(new Error("broken")),
      }),
      { headers: { "content-type": "text/event-stream" } },
    )
  );
  const answer = await gateway.open(CHAT, {
    method: "POST",
    headers: bearer(token),
    body: "{}",
  });
  assert.equal(answer.status, 200);
  await assert.rejects(answer.text());
  assert.equal(gateway.reached.length, 1);
  assert.equal(gateway.lines[0]?.ending, "origin_broken");
}, pooled(3));

const large = (bytes: number) =>
  JSON.stringify({ model: "m", messages: ["x".repeat(bytes - 40)] })
    .padEnd(bytes);

law("4 MiB go up again, in chunks or not, to the byte", async (gateway) => {
  const { token } = await gateway.mint();
  let times = 0;
  gateway.respondWith(() => times++ % 2 === 0 ? BAD_KEY() : FINE());
  const whole = large(4_194_304);
  const chunks = new Blob([whole.slice(0, 9), whole.slice(9)]).stream();
  for (const body of [whole, chunks]) {
    gateway.tick(7_200);
    gateway.reached.length = 0;
    const answer = await post(gateway, token, body, {
      headers: { "content-type": "application/json" },
    });
    assert.equal(answer.status, 200);
    const [first, second] = gateway.reached;
    assert.equal(first?.body, whole);
    assert.ok(second?.body === whole);
  }
}, { ...pooled(4), maxBodyBytes: 8_388_608 });

law(
  "what is larger passes the answer down, and its key rests all the same",
  async (gateway) => {
    const { token } = await gateway.mint({ providers: ["openai"] });
    gateway.respondWith(BAD_KEY);
    const whole = large(4_194_305);
    const chunks = new Blob([whole.slice(0, 9), whole.slice(9)]).stream();
    for (const body of [whole, chunks]) {
      const answer = await post(gateway, token, body);
      assert.equal(answer.status, 401);
      assert.equal((await answer.json()).error.code, "invalid_api_key");
    }
    assert.equal(new Set(numbers(gateway)).size, 2);
    assert.equal(gateway.reached.length, 2);
    assert.ok(gateway.reached.every(({ body }) => body === whole));
  },
  { ...pooled(4), maxBodyBytes: 8_388_608 },
);

law(
  "the same conversation has the same key, others have others, and a token's are its own",
  async (gateway) => {
    const a = await gateway.mint();
    const b = await gateway.mint();
    const bodies = Array.from({ length: 60 }, (_, n) =>
      JSON.stringify({
        model: "m",
        messages: [{ role: "user", content: `${n}` }],
      }));
    const once = async (token: string) => {
      gateway.reached.length = 0;
      for (const body of bodies) await post(gateway, token, body);
      return numbers(gateway);
    };
    const keys = await once(a.token);
    assert.equal(new Set(keys).size, 5);
    assert.equal(await once(a.token), keys);
    assert.notEqual(await once(b.token), keys);
    answers(gateway, (n) => n === 3 ? BAD_KEY() : FINE());
    await once(a.token);
    const without = await once(a.token);
    assert.doesNotMatch(without, /3/);
    for (const [n, number] of [...keys].entries()) {
      if (number !== "3") assert.equal(without[n], number);
    }
  },
  pooled(5),
);

law("what is no conversation takes turns, by weight", async (gateway) => {
  const { token } = await gateway.mint();
  for (let n = 0; n < 8; n++) {
    await gateway.send("/v1/models/m", { headers: bearer(token) });
  }
  assert.equal(numbers(gateway), "12121212");
}, pooled(2));

law(
  "what the API keeps stays, for one token, with one key",
  async (gateway) => {
    const { token } = await gateway.mint();
    const headers = bearer(token);
    for (let n = 0; n < 5; n++) {
      await gateway.send(`/v1/files/file-${n}`, { headers });
      await gateway.send("/v1/responses", {
        method: "POST",
        headers,
        body: JSON.stringify({ input: `${n}`, previous_response_id: "resp_1" }),
      });
    }
    assert.match(numbers(gateway), /^(\d)\1{9}$/);
  },
  pooled(5),
);

law(
  "priority goes before weight, and a free key before a paid one if it says so",
  async (gateway) => {
    const { token } = await gateway.mint();
    answers(gateway, (n) => n === 2 ? NO_MONEY() : FINE());
    for (let n = 0; n < 3; n++) await post(gateway, token);
    assert.equal(numbers(gateway), "2111");
  },
  {
    pools: {
      openai: [
        { ...keysOf("openai", 1)[0]!, kind: "paid", priority: 1, weight: 1000 },
        { ...keysOf("openai", 2)[1]!, kind: "free", priority: 0 },
      ],
    },
  },
);

law(
  "an expired key is never used, and without any other there is none",
  async (gateway) => {
    const { token } = await gateway.mint();
    for (let n = 0; n < 4; n++) await post(gateway, token);
    assert.equal(numbers(gateway), "1212");
    gateway.tick(10);
    for (let n = 0; n < 3; n++) await post(gateway, token);
    assert.equal(numbers(gateway), "1212222");
    gateway.tick(10);
    const answer = await post(gateway, token);
    assert.equal(answer.status, 503);
    assert.equal((await answer.json()).error.code, "no_credential");
    assert.equal(gateway.reached.length, 7);
  },
  {
    pools: {
      openai: keysOf("openai", 2).map((credential, n) => ({
        ...credential,
        expires: START / 1000 + 10 * (n + 1),
      })),
    },
  },
);

law("a key for some models serves those, even alone", async (gateway) => {
  const { token } = await gateway.mint({ providers: ["openai"] });
  assert.equal((await post(gateway, token, '{"model":"gpt-4"}')).status, 200);
  const answer = await post(gateway, token, '{"model":"o3"}');
  assert.equal(answer.status, 503);
  assert.match((await answer.json()).error.message, /no key for this model/);
  const list = await gateway.send("/v1/models", { headers: bearer(token) });
  assert.equal(list.status, 200);
  assert.equal(gateway.reached.length, 2);
}, pooled(1, { models: ["gpt-*"] }));

law(
  "the only key is asked each time, and its answer is not looked into",
  async (gateway) => {
    const { token } = await gateway.mint();
    let pulled = 0;
    for (const status of [401, 402, 429, 500]) {
      gateway.respondWith(() =>
        new Response(
          new ReadableStream<Uint8Array<ArrayBuffer>>({
            pull(controller) {
              pulled++;
              controller.enqueue(new TextEncoder().encode('{"error":'));
            },
          }, { highWaterMark: 0 }),
          { status, headers: { "content-type": "application/json" } },
        )
      );
      // An answer that never ends: whoever looked into it would wait for ever.
      const answer = await gateway.open(CHAT, {
        method: "POST",
        headers: bearer(token),
        body: "{}",
      });
      assert.equal(answer.status, status);
      await answer.body!.cancel();
    }
    assert.equal(pulled, 0);
    assert.equal(numbers(gateway), "1111");
  },
  pooled(1),
);

law(
  "answers that are good are not looked into, of however many keys",
  async (gateway) => {
    const { token } = await gateway.mint();
    let pulled = 0;
    gateway.respondWith(() =>
      new Response(
        new ReadableStream({
          pull(controller) {
            pulled++;
            controller.close();
          },
        }, { highWaterMark: 0 }),
        { headers: { "content-type": "application/json" } },
      )
    );
    const answer = await gateway.open(CHAT, {
      method: "POST",
      headers: bearer(token),
      body: "{}",
    });
    assert.equal(pulled, 0);
    assert.equal(await answer.text(), "");
  },
  pooled(3),
);

law("endpoints for other keys burn none of ours", async (gateway) => {
  const { token } = await gateway.mint({
    endpoints: ["admin", "other", "secrets", "inference"],
  });
  const headers = bearer(token);
  gateway.respondWith(BAD_KEY);
  for (
    const path of ["/v1/organization/users", "/v1/oddities", "/v1/chatkit/x"]
  ) {
    assert.equal((await gateway.send(path, { headers })).status, 401);
  }
  assert.equal(gateway.reached.length, 3);
  gateway.respondWith(FINE);
  gateway.reached.length = 0;
  for (let n = 0; n < 2; n++) await post(gateway, token);
  assert.equal(new Set(numbers(gateway)).size, 2);
}, pooled(2));

law(
  "a request that another key may do is tried with it, and no key rests",
  async (gateway) => {
    const { token } = await gateway.mint();
    const body = await conversationOf(gateway, token, 1);
    answers(
      gateway,
      (n) =>
        n === 1
          ? error(401, "You have insufficient permissions for this operation.")
          : FINE(),
    );
    for (let n = 0; n < 2; n++) {
      assert.equal((await post(gateway, token, body)).status, 200);
    }
    assert.equal(numbers(gateway), "1212");
  },
  pooled(2),
);

law("only the answer that goes down is metered", async (gateway) => {
  const { id, token } = await gateway.mint();
  let times = 0;
  gateway.respondWith(() =>
    times++ === 0 ? NO_MONEY() : Response.json({
      model: "m",
      choices: [],
      usage: { prompt_tokens: 7, completion_tokens: 5 },
    })
  );
  await post(gateway, token);
  await gateway.settled();
  const answer = await gateway.admin("GET", `/admin/tokens/${id}/requests`);
  const { requests } = await answer.json();
  assert.equal(requests.length, 1);
  assert.deepEqual(requests[0].usage, { input: 7, output: 5 });
  assert.equal(requests[0].credential, gateway.lines[0]?.credential);
  assert.equal(gateway.reached.length, 2);
}, pooled(2));

law("no key and no word of the origin's is in a log line", async (gateway) => {
  const { token } = await gateway.mint();
  gateway.respondWith(BAD_KEY);
  await post(gateway, token);
  await post(gateway, token);
  const text = JSON.stringify(gateway.lines);
  assert.doesNotMatch(text, /sk-canary|Incorrect/);
  assert.ok(!text.includes(token));
}, pooled(2));

for (const count of [1, 2]) {
  law(
    `a key that an origin repeats goes no further, of ${count}`,
    async (gateway) => {
      const { token } = await gateway.mint();
      const suspended = (key: string) =>
        `{"error":{"code":403,"message":"Permission denied: Consumer 'api_key:${key}' has been suspended."}}`;
      const fields = { "content-type": "application/json" };
      gateway.respondWith(({ credential: { key } }) =>
        new Response(suspended(key), {
          status: 403,
          headers: { ...fields, "content-length": `${suspended(key).length}` },
        })
      );
      const ask = () =>
        gateway.send("/v1beta/models/g:generateContent", {
          method: "POST",
          headers: bearer(token),
          body: "{}",
        });
      const answer = await ask();
      assert.equal(answer.status, 403);
      assert.equal(answer.headers.get("content-length"), null);
      assert.equal(await answer.text(), suspended("***"));
      gateway.tick(7200);
      const other = ' {"error": {"code":403, "message":"Not your file"}}';
      gateway.respondWith(() =>
        new Response(other, { status: 403, headers: fields })
      );
      assert.equal(await (await ask()).text(), other);
    },
    pooled(count),
  );
}

/** What the store is told. */
const told: Cooldown[] = [];

lawOnce("the store is told of each key that rests, once", async (gateway) => {
  const { token } = await gateway.mint();
  const body = await conversationOf(gateway, token, 2);
  answers(gateway, (n) => n === 2 ? NO_QUOTA(300) : FINE());
  await post(gateway, token, body);
  await post(gateway, token, body);
  assert.deepEqual(told, [{
    credential: "openai-2",
    model: "m",
    until: START / 1000 + 300,
    why: "quota",
    status: 429,
  }]);
}, {
  ...pooled(2),
  ...createPools({
    now: () => START,
    tell(cooldowns) {
      told.push(...cooldowns);
      return Promise.resolve();
    },
  }),
  now: () => START,
} as Partial<AppDeps>);

const resting: string[] = [];

lawOnce(
  "a key rests for the model that path, content, form or query name",
  async (gateway) => {
    const { token } = await gateway.mint();
    const form = new FormData();
    form.set("file", new Blob(["riff"]), "a.wav");
    form.set("model", "whisper-1");
    const { headers, body } = new Request("http://x", {
      method: "POST",
      body: form,
    }) as { headers: Headers; body: BodyInit };
    const type = { "content-type": headers.get("content-type")! };
    const requests: [string, BodyInit | null, Record<string, string>?][] = [
      [CHAT, '{"model":"gpt-4o"}'],
      ["/v1beta/models/g-2%2E5:generateContent", '{"model":"models/other"}'],
      ["/v1beta/openai/chat/completions", '{"model":"models/g-3"}'],
      ["/v1/audio/transcriptions", body, type],
      [CHAT, "[]"],
      [CHAT, null],
    ];
    for (const [path, body, fields] of requests) {
      let times = 0;
      gateway.respondWith(() => times++ === 0 ? NO_QUOTA(20) : FINE());
      const answer = await gateway.send(path, {
        method: "POST",
        body,
        headers: { ...bearer(token), ...fields },
      });
      assert.equal(answer.status, 200, path);
    }
    assert.deepEqual(resting, ["gpt-4o", "g-2.5", "g-3", "whisper-1", "", ""]);
  },
  {
    ...pooled(8),
    ...createPools({
      now: () => START,
      tell(cooldowns) {
        resting.push(...cooldowns.map(({ model }) => model));
        return Promise.resolve();
      },
    }),
    now: () => START,
  },
);

const HOP_SECRET = "hop-secret-of-the-tests-0123456789abcdef";
const carried: string[] = [];

law(
  "a hop uses the key that its primary names, or while that is not in use another",
  async ({ app }) => {
    const ask = async (id: string, now: number) => {
      const aim = aimedAtHop(
        {
          method: "GET",
          provider: PROVIDERS.find((row) => row.id === "openai")!,
          target: { path: "/v1/models", query: "" },
          received: new Headers(),
          credential: { id, key: "" },
          content: { length: 0 },
        },
        { url: "http://gw", secret: HOP_SECRET },
        now,
      );
      const headers = aim.fields as [string, string][];
      const answer = await app.request(aim.url, { headers });
      await answer.body?.cancel();
      return answer.status;
    };
    for (const id of ["openai-1", "openai-2", "openai-3", "another"]) {
      assert.equal(await ask(id, START), 200);
    }
    const [first, ...others] = carried;
    assert.equal(first, "openai-1");
    assert.ok(others.every((id) => id === "openai-1"));
  },
  {
    pools: {
      openai: [
        keysOf("openai", 1)[0]!,
        { ...keysOf("openai", 2)[1]!, expires: START / 1000 },
      ],
    },
    entrance: {
      secret: HOP_SECRET,
      window: 60,
      direct: {
        egress({ credential }) {
          carried.push(credential.id);
          const flight = createFlights(() => START).begin(() => {});
          return Promise.resolve({ response: FINE(), flight, abort() {} });
        },
        socket: () => Promise.reject(new Error("no sockets here")),
      },
    },
  },
);

/** An origin's end that does nothing. */
const END: End = {
  listen() {},
  send() {},
  waiting: () => 0,
  pause: () => true,
  resume() {},
  close() {},
};

const dialled: string[] = [];

lawOnce(
  "a socket whose key is refused is dialled with the next one",
  async (gateway) => {
    const { token } = await gateway.mint();
    const path = "/v1/realtime?model=m";
    const handshake = {
      headers: {
        ...bearer(token),
        upgrade: "websocket",
        connection: "Upgrade",
        "sec-websocket-version": "13",
        "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
      },
    };
    // The client's end is nobody here: the origin's is closed again.
    const answer = await gateway.send(path, handshake);
    assert.equal(answer.status, 499);
    const attempts = gateway.lines[0]?.attempts;
    assert.deepEqual(attempts?.map(({ status }) => status), [401, 101]);
    assert.equal(new Set(dialled).size, 2);
  },
  {
    ...pooled(3),
    dial({ credential }) {
      dialled.push(credential.id);
      return Promise.resolve<Dialled | ReturnType<typeof refusedDial>>(
        dialled.length === 1 ? refusedDial() : {
          origin: END,
          protocol: undefined,
          received: new Headers(),
        },
      );
    },
  } as Partial<AppDeps>,
);

function refusedDial() {
  const flight = {
    await() {},
    rest() {},
    follow() {},
    land() {},
    silent: false,
  };
  return { response: BAD_KEY(), flight, abort() {} };
}
