import assert from "node:assert/strict";
import { attempt, beginCourse, type Plan } from "./attempts.ts";
import { createPools } from "./rota.ts";
import type { Begun } from "./egress.ts";
import type { Refusal } from "./refusal.ts";

const NOW = 1_795_000_000_000;
const rows = [
  { means: "key", status: [401] },
  { means: "transient", status: [429] },
] as const;

function planOf(more: Partial<Plan> = {}): Plan {
  const never = new AbortController().signal;
  return {
    pool: ["a", "b", "c"].map((id) => ({ id, key: `sk-${id}` })),
    model: "m",
    sticky: undefined,
    method: "POST",
    again: true,
    rows,
    signal: never,
    client: never,
    journal: { note() {} },
    ...more,
  };
}

/** Runs through answers; what was done with each of them. */
async function play(answers: readonly (number | Refusal)[], more = {}) {
  const done: Record<string, string[]> = {};
  const send = ({ id }: { id: string }): Promise<Begun | Refusal> => {
    const answer = answers[Object.keys(done).length]!;
    const calls = done[id] = [] as string[];
    if (typeof answer !== "number") return Promise.resolve(answer);
    const told = (call: string) => () => void calls.push(call);
    const body = new ReadableStream({ cancel: told("cancel") });
    return Promise.resolve({
      response: new Response(body, { status: answer }),
      flight: {
        await() {},
        follow() {},
        rest: told("rest"),
        land: told("land"),
        silent: false,
      },
      abort: told("abort"),
    });
  };
  const tell = () => Promise.resolve();
  const pools = createPools({ now: () => NOW, tell });
  const course = beginCourse<Begun>(pools.now());
  await attempt(send, planOf(more), { course, deps: pools });
  const outcome = course.last!;
  const status = "response" in outcome ? outcome.response.status : outcome;
  const trouble = "response" in outcome ? outcome.trouble : undefined;
  return { status, trouble, done };
}

const GIVEN_UP = ["rest", "land", "abort", "cancel"];

Deno.test("an answer waits for the next one, and is given up for it", async () => {
  const { status, done } = await play([401, 401, 200]);
  assert.equal(status, 200);
  assert.deepEqual(done, { a: GIVEN_UP, b: GIVEN_UP, c: [] });
});

Deno.test("an answer that stands is left alone, and says what it means", async () => {
  assert.deepEqual(await play([429]), {
    status: 429,
    trouble: "transient",
    done: { a: [] },
  });
  assert.deepEqual(await play([401], { again: false }), {
    status: 401,
    trouble: "key",
    done: { a: [] },
  });
  assert.deepEqual(await play([200]), {
    status: 200,
    trouble: undefined,
    done: { a: [] },
  });
});

Deno.test("what reached the origin once has been sent, whoever leaves after", async () => {
  const left = { refused: "client_closed", unsent: true } as const;
  const lost = { refused: "origin_unreachable" } as const;
  const unknown = await play([lost, left], { method: "GET" });
  assert.deepEqual(unknown.status, { refused: "client_closed" });
  const denied = await play([401, left]);
  const { refused } = left;
  assert.deepEqual(denied.status, { refused, denied: true });
});

Deno.test("an answer stands where the next key reaches nobody", async () => {
  const { status, done } = await play([401, { refused: "origin_unreachable" }]);
  assert.equal(status, 401);
  assert.deepEqual(done, { a: ["rest"], b: [] });
});

Deno.test("a client that has left is told nothing of the answer before", async () => {
  const left = { refused: "client_closed" } as const;
  const { status, done } = await play([401, left]);
  assert.deepEqual(status, left);
  assert.deepEqual(done, { a: GIVEN_UP, b: [] });
});
