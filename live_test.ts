/** What the owner sees of what runs, and how he ends it. */

import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import type { LiveRow } from "./core/live.ts";
import { LOOK_EVERY } from "./core/running.ts";
import {
  type Gateway,
  gateway,
  type Overrides,
  START,
  UNCLAMPED,
} from "./test/gateway.ts";

const CANARY = "what-the-holder-asks-and-hears";

/** A token of ours where a model should be, and content where none. */
const WIRES = {
  openai: {
    path: "/openai/v1/chat/completions",
    key: "authorization",
    model: "gpt-x",
    event: { choices: [{ delta: { content: CANARY } }], model: "gpt-x-2026" },
    last: (said: Said) => [said.error.type, said.error.code],
    says: ["permission_error", "ended"],
  },
  anthropic: {
    path: "/anthropic/v1/messages",
    key: "authorization",
    model: "claude-x",
    event: {
      type: "content_block_delta",
      delta: { type: "text_delta", text: CANARY },
    },
    last: (said: Said) => [said.type, said.error.type],
    says: ["error", "permission_error"],
  },
  gemini: {
    path: "/gemini/v1beta/models/gemini-x:streamGenerateContent?alt=sse",
    key: "authorization",
    model: "gemini-x",
    event: { candidates: [{ content: { parts: [{ text: CANARY }] } }] },
    last: (said: Said) => [said.error.code, said.error.status],
    says: [403, "PERMISSION_DENIED"],
  },
} as const;

type Wire = keyof typeof WIRES;
type Said = { type?: string; error: Record<string, unknown> };
interface Live {
  readonly now: string;
  readonly running: LiveRow[];
  readonly ended: LiveRow[];
  readonly more: number;
}

/** A micro-dollar for each token that was written. */
const PRICES = {
  worst: () => Promise.resolve(1),
  cost: (_: unknown, { usage }: { usage: { output?: number } }) =>
    Promise.resolve(usage.output ?? 0),
  ...UNCLAMPED,
};

function law(
  name: string,
  body: (g: Gateway) => Promise<void>,
  overrides: Overrides = {},
) {
  Deno.test(name, async () => {
    const g = gateway({ prices: PRICES, ...overrides });
    try {
      await body(g);
    } finally {
      await rest(g);
      g.close();
    }
  });
}

/** Whoever looked is gone. */
async function rest(g: Gateway) {
  await g.settled();
  g.tick(60);
  await wait(1.25 * LOOK_EVERY);
}

/** A stream that goes on until somebody ends it. */
async function stream(g: Gateway, wire: Wire, token: string) {
  const { path, model, event, key } = WIRES[wire];
  let origin: ReadableStreamDefaultController<Uint8Array> | undefined;
  g.respondWith(() =>
    new Response(
      new ReadableStream({ start: (controller) => void (origin = controller) }),
      { headers: { "content-type": "text/event-stream" } },
    )
  );
  const answer = await g.open(path, {
    method: "POST",
    headers: { [key]: `Bearer ${token}` },
    body: JSON.stringify({ model, stream: true, messages: [CANARY] }),
  });
  assert.equal(answer.status, 200);
  const reader = answer.body!.getReader();
  return {
    /** So many bytes went down. */
    async beat() {
      const bytes = new TextEncoder()
        .encode(`data: ${JSON.stringify(event)}\n\n`);
      origin!.enqueue(bytes);
      let left = bytes.length;
      while (left > 0) left -= (await reader.read()).value!.byteLength;
      return bytes.length;
    },
    /** What comes until its end. */
    async rest() {
      let text = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return text;
        text += new TextDecoder().decode(value);
      }
    },
    leave: () => reader.cancel(),
  };
}

async function live(g: Gateway): Promise<Live> {
  const answer = await g.admin("GET", "/admin/live");
  assert.equal(answer.status, 200);
  const text = await answer.text();
  assert.doesNotMatch(text, new RegExp(`${CANARY}|dpl_\\w{8}_\\w`));
  return JSON.parse(text);
}

async function lastAudit(g: Gateway) {
  const audit = await (await g.admin("GET", "/admin/audit")).json();
  const { time: _, ...entry } = audit.entries[0] ?? {};
  return entry;
}

for (const wire of Object.keys(WIRES) as Wire[]) {
  const { model, path, last, says } = WIRES[wire];
  law(
    `${wire}: a stream is seen as it grows, and its client is told when the owner ends it`,
    async (g) => {
      const limits = { budget: { total: 1_000_000 } };
      const { id: token, token: secret } = await g.mint({ limits });
      assert.deepEqual(
        { ...await live(g), now: "" },
        { now: "", running: [], ended: [], more: 0 },
      );
      const flowing = await stream(g, wire, secret);
      let bytes = 0;
      let cost = -1;
      let id = "";
      let instance = "";
      for (const beats of [1, 3]) {
        for (let i = 0; i < beats; i++) bytes += await flowing.beat();
        g.tick(1);
        const { running: [row, ...more], ended } = await live(g);
        assert.deepEqual([more, ended], [[], []]);
        const { cost: now, ms } = row!;
        ({ id, instance } = row!);
        assert.deepEqual(row, {
          ...{ id, token, provider: wire, credential: `${wire}-1`, instance },
          ...{ method: "POST", path: path.split("?")[0], status: 200 },
          ...{ began: new Date(START).toISOString(), bytes, cost: now, ms },
          // What was looked at of an answer is one chunk behind.
          model: wire === "openai" && beats > 1 ? "gpt-x-2026" : model,
        });
        assert.ok(now! > cost, `${now} after ${cost}`);
        cost = now!;
        assert.match(id, /^[\da-f-]{36}$/);
      }
      const answer = await g.admin("DELETE", `/admin/live/${id}`);
      assert.equal(answer.status, 204);
      const text = await flowing.rest();
      const said = JSON.parse(text.slice(text.indexOf("data: ") + 6)) as Said;
      assert.deepEqual(last(said), says);
      assert.match(`${said.error.message}`, /owner of this doppel has ended/);
      assert.deepEqual(await lastAudit(g), {
        ...{ by: "admin", action: "live.end", token, subject: id },
      });
      await g.settled();
      const after = await live(g);
      assert.deepEqual(after.running, []);
      const [{ cost: paid, ms, ...over }] = after.ended as [LiveRow];
      assert.ok(paid! >= cost && ms === 2000);
      assert.deepEqual(over, {
        ...{ id, token, provider: wire, credential: `${wire}-1`, instance },
        ...{ method: "POST", path: path.split("?")[0], status: 200 },
        ...{ began: new Date(START).toISOString() },
        model: wire === "openai" ? "gpt-x-2026" : model,
        bytes,
        ending: "revoked",
        refused: "ended",
      });
      assert.equal(g.lines.at(-1)!.refused, "ended");
      const again = await g.admin("DELETE", `/admin/live/${id}`);
      assert.equal(again.status, 404);
      g.tick(61);
      assert.deepEqual((await live(g)).ended, []);
    },
  );
}

law("who still waits for an answer gets the refusal whole", async (g) => {
  const { token } = await g.mint();
  const reached = Promise.withResolvers<void>();
  g.respondWith(({ signal }) => {
    reached.resolve();
    return new Promise((resolve) =>
      signal.addEventListener(
        "abort",
        () => resolve({ refused: "client_closed" }),
      )
    );
  });
  const answer = g.send("/gemini/v1beta/models/gemini-x:generateContent", {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: "{}",
  });
  await reached.promise;
  const { running: [row] } = await live(g);
  const { status, bytes, cost, model } = row!;
  assert.deepEqual(
    { status, bytes, cost, model },
    { status: undefined, bytes: 0, cost: undefined, model: "gemini-x" },
  );
  await g.admin("DELETE", `/admin/live/${row!.id}`);
  const told = await answer;
  assert.equal(told.status, 403);
  assert.equal(told.headers.get("x-should-retry"), "false");
  const { error } = await told.json();
  assert.deepEqual([error.status, error.details[0].reason], [
    "PERMISSION_DENIED",
    "ENDED",
  ]);
});

law("what has ended says why, the last fifty of it", async (g) => {
  const limits = { budget: { total: 1_000_000 } };
  const { token } = await g.mint({ models: ["gpt-x"], limits });
  g.respondWith(() => Response.json({ ok: true }));
  const ask = (model: string) =>
    g.send("/openai/v1/chat/completions", {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ model }),
    });
  for (let i = 0; i < 60; i++) {
    g.tick(0.01);
    await ask("gpt-x");
  }
  await ask(`dpl_abcdefgh_${CANARY}`);
  await g.settled();
  const { ended } = await live(g);
  assert.equal(ended.length, 50);
  assert.deepEqual(
    ended.slice(0, 2).map(({ status, refused, ending, model }) => (
      { status, refused, ending, model }
    )),
    [
      ...[{
        status: 403,
        refused: "model_denied",
        ending: "refused",
        model: undefined,
      }],
      ...[{
        status: 200,
        refused: undefined,
        ending: "complete",
        model: "gpt-x",
      }],
    ],
  );
});

law("a request that is nowhere cannot be ended", async (g) => {
  const answer = await g.admin("DELETE", `/admin/live/${crypto.randomUUID()}`);
  assert.equal(answer.status, 404);
  assert.equal(
    (await answer.json()).title,
    "There is no such request under way.",
  );
  assert.deepEqual(await lastAudit(g), {});
});

law(
  "of many that run the newest are shown, and how many more there are",
  async (g) => {
    const { token } = await g.mint();
    const streams = [];
    for (let i = 0; i < 203; i++) {
      g.tick(0.001);
      streams.push(await stream(g, "openai", token));
    }
    const { running, more } = await live(g);
    assert.deepEqual([running.length, more], [200, 3]);
    const began = new Date(START + 4).toISOString();
    assert.equal(running[0]!.began, began);
    await Promise.all(streams.map(({ leave }) => leave()));
  },
);

/** Two instances with one store; `B` is the one that the owner asks. */
async function two(body: (a: Gateway, b: Gateway) => Promise<void>) {
  const a = gateway({ prices: PRICES });
  const b = gateway({ prices: PRICES, store: a.store });
  try {
    await body(a, b);
  } finally {
    await Promise.all([rest(a), rest(b)]);
    b.close();
    a.close();
  }
}

/** Asks until it is so. */
async function until<Value>(ask: () => Promise<Value | undefined>) {
  for (let i = 0; i < 100; i++) {
    const value = await ask();
    if (value !== undefined) return value;
    await wait(100);
  }
  throw new Error(`never: ${ask}`);
}

Deno.test("what runs on one instance is seen and ended through another", () =>
  two(async (a, b) => {
    const { id: token, token: secret } = await a.mint();
    const flowing = await stream(a, "anthropic", secret);
    const bytes = await flowing.beat();
    a.tick(1); // no longer young
    const row = await until(async () => (await live(b)).running[0]);
    assert.deepEqual([row.token, row.bytes, row.model], [
      token,
      bytes,
      undefined,
    ]);
    assert.equal((await live(a)).running.length, 1, "once, by itself");
    const ended = b.admin("DELETE", `/admin/live/${row.id}`);
    assert.equal((await ended).status, 204);
    assert.match(await flowing.rest(), /owner of this doppel has ended/);
  }));

Deno.test("an owner who has not looked before ends what runs on another instance, too", () =>
  two(async (a, b) => {
    const { token } = await a.mint();
    const flowing = await stream(a, "openai", token);
    await flowing.beat();
    a.tick(1);
    const { running: [row] } = await live(a);
    a.tick(60);
    const ended = b.admin("DELETE", `/admin/live/${row!.id}`);
    assert.equal((await ended).status, 204);
    assert.match(await flowing.rest(), /owner of this doppel has ended/);
  }));

Deno.test("what has ended on an instance is shown by it when an admission tells that somebody looks", () =>
  two(async (a, b) => {
    const { token } = await a.mint();
    await live(b);
    a.respondWith(() => Response.json({ ok: true }));
    await a.send("/openai/v1/chat/completions", {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
      body: '{"model":"gpt-x"}',
    });
    const over = await until(async () => (await live(b)).ended[0]);
    assert.deepEqual([over.ending, over.status], ["complete", 200]);
  }));

/** One that counts how often it shows what it has. */
async function counting(
  body: (g: Gateway, count: () => number) => Promise<void>,
) {
  let shown = 0;
  const inner = gateway();
  const showLive: typeof inner.store.showLive = (...asked) => {
    shown++;
    return inner.store.showLive(...asked);
  };
  const g = gateway({ store: { ...inner.store, showLive } });
  try {
    await body(g, () => shown);
  } finally {
    await rest(g);
    g.close();
    inner.close();
  }
}

Deno.test("while nobody looks nothing is shown", () =>
  counting(async (g, count) => {
    const { token } = await g.mint();
    const flowing = await stream(g, "openai", token);
    g.tick(1);
    await wait(3 * LOOK_EVERY);
    assert.equal(count(), 0);
    await flowing.leave();
  }));

Deno.test("when whoever looked is gone nothing is shown any more", () =>
  counting(async (g, count) => {
    const { token } = await g.mint();
    await live(g);
    const flowing = await stream(g, "openai", token);
    await until(() => Promise.resolve(count() > 0 || undefined));
    g.tick(6);
    await wait(1.25 * LOOK_EVERY);
    const before = count();
    await wait(1.25 * LOOK_EVERY);
    assert.equal(count(), before);
    await flowing.leave();
  }));
