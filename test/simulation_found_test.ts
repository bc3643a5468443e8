/** What the simulation has found, as laws without chance. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { attempt, beginCourse } from "../core/attempts.ts";
import type { Begun } from "../core/egress.ts";
import type { Refusal } from "../core/refusal.ts";
import { createPools } from "../core/rota.ts";
import type { Store } from "../core/store.ts";
import { sqliteStore } from "../store/sqlite.ts";
import { law, START } from "./gateway.ts";

const chat = (token: string) => ({
  method: "POST",
  headers: { authorization: `Bearer ${token}` },
  body: JSON.stringify({ model: "gpt-x", messages: [] }),
});
const PATH = "/openai/v1/chat/completions";

law(
  "a refused request gives back no place that it never took",
  async (gateway) => {
    const { mint, send, admin, respondWith, reached, done } = gateway;
    const { id, token } = await mint({ limits: { concurrency: 3 } });
    const first = Promise.withResolvers<Refusal>();
    respondWith(() => first.promise);
    const unlucky = send(PATH, chat(token));
    while (reached.length === 0) await new Promise((next) => setTimeout(next));
    const limits = { concurrency: 3, requests: 1 };
    await admin("PATCH", `/admin/tokens/${id}`, { limits });
    respondWith(() => Response.json({}));
    assert.equal((await send(PATH, chat(token))).status, 200);
    first.resolve({ refused: "origin_unreachable", unsent: true });
    assert.equal((await unlucky).status, 502);
    await done();
    assert.equal((await send(PATH, chat(token))).status, 429);
  },
);

Deno.test("what a key's origin has answered was sent, whatever comes after", async () => {
  const answers: (Begun | Refusal)[] = [
    {
      response: new Response("{}", { status: 401 }),
      flight: { await() {}, follow() {}, rest() {}, land() {}, silent: false },
      abort() {},
    },
    { refused: "client_closed", unsent: true },
  ];
  const never = new AbortController().signal;
  const tell = () => Promise.resolve();
  const deps = createPools({ now: () => START, tell });
  const course = beginCourse<Begun>(START);
  await attempt(() => Promise.resolve(answers.shift()!), {
    pool: ["a", "b"].map((id) => ({ id, key: `sk-${id}` })),
    ...{ model: "m", sticky: undefined, method: "POST", again: true },
    rows: [{ means: "key", status: [401] }],
    ...{ signal: never, client: never, journal: { note() {} } },
  }, { course, deps });
  assert.deepEqual(course.last, { refused: "client_closed", denied: true });
});

const TWO = { openai: ["a", "b"].map((id) => ({ id, key: `sk-${id}` })) };
let withheld: Promise<unknown> | undefined;
const store = sqliteStore(new DatabaseSync(":memory:"), () => START);
const slow: Store = {
  ...store,
  async readSetup() {
    const setup = await store.readSetup();
    await withheld;
    return setup;
  },
};

law(
  "a reading that began before a cooldown makes no doppel forget it",
  async (gateway) => {
    const { mint, send, respondWith, reached } = gateway;
    const { token } = await mint();
    const answer = Promise.withResolvers<Response>();
    respondWith(() => answer.promise);
    const first = send(PATH, chat(token));
    while (reached.length === 0) await new Promise((next) => setTimeout(next));
    // The turn goes up: whoever comes now reads the setup.
    const until = START / 1000 + 60;
    const other = { credential: "z", model: "", until, why: "key" };
    await store.cool([other], START / 1000);
    const reading = Promise.withResolvers<void>();
    withheld = reading.promise;
    const waiting = [send(PATH, chat(token)), send(PATH, chat(token))];
    await new Promise((next) => setTimeout(next, 10));
    respondWith(() => Response.json({}));
    const error = { code: "invalid_api_key" };
    answer.resolve(Response.json({ error }, { status: 401 }));
    assert.equal((await first).status, 200);
    reading.resolve();
    for (const { status } of await Promise.all(waiting)) {
      assert.equal(status, 200);
    }
    const keys = reached.map(({ headers }) => headers["authorization"]);
    const [refused] = keys;
    assert.equal(keys.filter((key) => key === refused).length, 1, `${keys}`);
  },
  { pools: TWO, store: slow },
);
