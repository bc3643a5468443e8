/** What a request costs in the store: the README's table, measured on a real Redis. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type Gateway, gateway, START, UNCLAMPED } from "./test/gateway.ts";
import { redisInstalled, startUpstash } from "./test/redis.ts";
import { upstashStore } from "./store/upstash.ts";

const readme = readFileSync(new URL("README.md", import.meta.url), "utf8");
const [, section = ""] = readme.split("\n## Cost in the store\n");
const table = section.split("\n## ")[0]!.split("\n")
  .filter((line) => line.startsWith("|")).slice(2)
  .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));

interface Case {
  /** First cell of its row. */
  readonly name: string;
  readonly token?: Record<string, unknown>;
  /** What is asked; a chat where absent. */
  readonly ask?: (token: string) => readonly [path: string, RequestInit];
  /** What the origin answers. */
  readonly answer?: unknown;
  /** Comes before it; where it mints a secret, that is presented then. */
  readonly first?: Pick<Case, "ask" | "answer">;
}

const chat = (token: string) =>
  ["/v1/chat/completions", {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: '{"model":"gpt-x","max_tokens":1}',
  }] as const;

const secret = { value: "ek_68af296e8e408191", expires_at: 4_000_000_000 };
const toMint = (token: string) =>
  ["/v1/realtime/client_secrets", { ...chat(token)[1], body: "{}" }] as const;

const toMake = (token: string) => ["/v1/responses", chat(token)[1]] as const;
const made = { id: "resp_AAAAAAAAAAAAAAAAAAAAAA1", object: "response" };

const CASES: readonly Case[] = [
  { name: "any token" },
  { name: "with requests per minute", token: { limits: { requests: 1000 } } },
  { name: "with requests at a time", token: { limits: { concurrency: 9 } } },
  { name: "with tokens per minute", token: { limits: { tokens: 100_000 } } },
  {
    name: "with a budget",
    token: { limits: { budget: { day: 1e9, month: 1e9, total: 1e9 } } },
  },
  {
    name: "with all of these",
    token: {
      limits: {
        requests: 1000,
        concurrency: 9,
        tokens: 100_000,
        budget: { day: 1e9, month: 1e9, total: 1e9 },
      },
    },
  },
  {
    name: "isolated, making an object",
    token: { isolated: true },
    ask: toMake,
    answer: made,
  },
  {
    name: "isolated, naming an object",
    token: { isolated: true },
    first: {
      ask: toMake,
      answer: { ...made, id: "resp_bbbbbbbbbbbbbbbbbbbbbb2" },
    },
    ask: (token) => [
      "/v1/responses/resp_bbbbbbbbbbbbbbbbbbbbbb2",
      { headers: { authorization: `Bearer ${token}` } },
    ],
  },
  { name: "minting an ephemeral secret", ask: toMint, answer: secret },
  {
    name: "with an ephemeral secret",
    first: { ask: toMint, answer: secret },
    ask: (secret) => ["/v1/realtime/calls", chat(secret)[1]],
  },
];

const PRICES = {
  worst: () => Promise.resolve(100),
  cost: () => Promise.resolve(10),
  ...UNCLAMPED,
};
const USED = { usage: { prompt_tokens: 3, completion_tokens: 4 } };

if (redisInstalled()) {
  Deno.test("README: the table of costs is what Redis counts", async () => {
    const upstash = await startUpstash();
    const store = upstashStore({ ...upstash, timeout: 10_000 });
    const behind = gateway({ store, prices: PRICES });
    behind.tick((Date.now() - START) / 1000); // Redis looks at its own clock
    const counted = async () => {
      const { commands, trips } = await upstash.counts();
      await upstash.reset();
      return trips === 0 ? "" : `${commands} in ${trips}`;
    };
    const rows: string[][] = [];
    for (const { name, ...asked } of CASES) {
      rows.push([name, ...await measured(behind, asked, counted)]);
    }
    const running = [{ id: "one", leases: ["lease"] }, {
      id: "two",
      leases: [],
    }];
    await store.watch(running, Date.now());
    await counted();
    await store.watch([running[1]!], Date.now());
    const one = await counted();
    rows.push(["watching what runs", "", `${one} every 0.8 s`]);
    await store.watch([running[1]!], Date.now(), true);
    rows.push(["every other time", "", `${await counted()} every 1.6 s`]);
    const nothing = { instance: "a", running: [], more: 0, ended: [] };
    await store.showLive(nothing, 60_000);
    await counted();
    await store.showLive(nothing, 60_000);
    const showing = `${await counted()} every 0.8 s`;
    rows.push(["showing it to who looks", "", showing]);
    const { id } = await behind.mint({ limits: { budget: { total: 1 } } });
    await counted();
    await store.watch([{ id, leases: [] }], Date.now());
    rows.push(["watching a budget", "", `${await counted()} every 0.8 s`]);
    rows.push(["writing down what was used", "", `${flushed} every second`]);
    assert.deepEqual(table, rows);
    behind.close();
    await upstash.close();
  });
}

let flushed = "";

/** Commands and round trips before the origin is asked, and after that; everything once loaded. */
async function measured(
  { send, mint, respondWith, done, settled }: Gateway,
  { token: fields = {}, ask = chat, answer = USED, first }: Omit<Case, "name">,
  counted: () => Promise<string>,
): Promise<[string, string]> {
  const { token } = await mint({ endpoints: ["all"], ...fields });
  let before = "";
  const run = async (
    presented: string,
    { ask = chat, answer = USED }: Pick<Case, "ask" | "answer">,
  ) => {
    respondWith(async () => {
      before = await counted();
      return Response.json(answer);
    });
    const [path, init] = ask(presented);
    const response = await send(path, init);
    assert.equal(response.status, 200, path);
    await done();
    return await response.json();
  };
  const { value = token } = first ? await run(token, first) : {};
  await run(value, { ask, answer }); // loads scripts, stamps, begins the hour
  await settled();
  await counted();
  await run(value, { ask, answer });
  const after = await counted();
  await settled();
  flushed = await counted();
  return [before, after];
}
