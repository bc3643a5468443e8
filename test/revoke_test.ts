/** What is taken back ends what is under way, wherever it runs. */

import assert from "node:assert/strict";
import { BLIND_FOR, LOOK_EVERY } from "../core/running.ts";
import { tokenId } from "../core/token.ts";
import { keepSecret, keepText } from "./evidence.ts";
import { redisInstalled, startUpstash, type UpstashFixture } from "./redis.ts";
import {
  flowing,
  openSocket,
  openStream,
  type Run,
  startStreams,
  type Streams,
  type WireName,
  WIRES,
} from "./streams.ts";
import { type Runtime, startDoppel, type Subject, until } from "./subject.ts";

/** What is promised, and what a busy machine may add, milliseconds. */
const PROMISED = 2_000;
const HEADROOM = 500;

/** Milliseconds in which usage is written. */
const FLUSHED = 1_500;
const NAMES = Object.keys(WIRES) as WireName[];
const ADMIN_SECRET = "the-same-owner-of-all-instances-0123456789";

interface Stage {
  readonly doppels: readonly Subject[];
  readonly origin: Streams;
}

/** Some doppels of one store before an origin whose answers do not end. */
async function onStage(
  runtimes: readonly Runtime[],
  env: Record<string, string>,
  play: (stage: Stage) => Promise<void>,
) {
  keepSecret(ADMIN_SECRET);
  const origin = await startStreams();
  const doppels = await Promise.all(
    runtimes.map((runtime) =>
      startDoppel({ runtime, origin: origin.url, env: { ...env } })
    ),
  );
  try {
    await play({ doppels, origin });
  } finally {
    await origin.stop();
    await Promise.all(doppels.map((doppel) => doppel.stop()));
  }
}

async function onRedis(
  runtimes: readonly Runtime[],
  play: (stage: Stage & { redis: UpstashFixture }) => Promise<void>,
) {
  const redis = await startUpstash();
  keepSecret(redis.token);
  const env = {
    UPSTASH_REDIS_REST_URL: redis.url,
    UPSTASH_REDIS_REST_TOKEN: redis.token,
  };
  try {
    await onStage(runtimes, env, (stage) => play({ ...stage, redis }));
  } finally {
    redis.freeze(false);
    await redis.close();
  }
}

/** Streams of all wires and sockets of one token, over all doppels in turn. */
function openRuns(
  { doppels }: Stage,
  token: string,
  { streams, sockets }: { streams: number; sockets: number },
): Run[] {
  const url = (i: number) => doppels[i % doppels.length]!.url;
  return [
    ...Array.from({ length: streams }, (_, i) => {
      const wire = NAMES[Math.floor(i / doppels.length) % NAMES.length]!;
      return openStream(url(i), { wire, token });
    }),
    ...Array.from({ length: sockets }, (_, i) => openSocket(url(i), token)),
  ];
}

/** Ways to take a token back; each answers the moment from which it is. */
const WAYS: Record<
  string,
  { take: (admin: Subject, id: string) => Promise<number>; refused: string }
> = {
  disabled: {
    refused: "token_invalid",
    take: async (admin, id) => {
      const time = Date.now();
      const path = `/admin/tokens/${id}`;
      await admin.admin("PATCH", path, { status: "disabled" });
      return time;
    },
  },
  deleted: {
    refused: "token_invalid",
    take: async (admin, id) => {
      const time = Date.now();
      await admin.admin("DELETE", `/admin/tokens/${id}`);
      return time;
    },
  },
  "rotated without grace": {
    refused: "token_invalid",
    take: async (admin, id) => {
      const time = Date.now();
      await admin.admin("POST", `/admin/tokens/${id}/rotate`, {});
      return time;
    },
  },
  expired: {
    refused: "token_expired",
    take: async (admin, id) => {
      const time = Math.ceil(Date.now() / 1000 + 1) * 1000;
      const expires = new Date(time).toISOString();
      await admin.admin("PATCH", `/admin/tokens/${id}`, { expires });
      return time;
    },
  },
};

/** What an SDK of the wire looks at in its last event or message. */
const LAST: Record<Run["wire"], (said: Said) => unknown> = {
  openai: ({ error }) => [error.type, error.code],
  anthropic: ({ type, error }) => [type, error.type],
  gemini: ({ error }) => [error.code, error.status],
  socket: ({ type, error }) => [type, error.type, error.code],
};
const says = (refused: string): Record<Run["wire"], unknown> => {
  if (refused === "budget_exhausted") return OVER_BUDGET;
  const code = refused === "token_invalid" ? "invalid_api_key" : refused;
  return {
    openai: ["authentication_error", code],
    anthropic: ["error", "authentication_error"],
    gemini: [401, "UNAUTHENTICATED"],
    socket: ["error", "authentication_error", code],
  };
};

const OVER_BUDGET = {
  openai: ["insufficient_quota", "insufficient_quota"],
  anthropic: ["error", "billing_error"],
  gemini: [402, "RESOURCE_EXHAUSTED"],
  socket: ["error", "insufficient_quota", "insufficient_quota"],
};

/** What stands before its JSON. */
const FRAME: Record<Run["wire"], string> = {
  openai: "data: ",
  anthropic: "event: error\ndata: ",
  gemini: "data: ",
  socket: "",
};

interface Said {
  readonly type?: string;
  readonly error: Record<string, unknown>;
}

function checkLast({ wire, text, ended }: Run, refused: string) {
  assert.equal(ended, wire === "socket" ? 1008 : "whole", wire);
  const end = wire === "socket" ? "\n" : "\n\n";
  assert.ok(text.endsWith(end));
  const last = text.slice(0, -end.length).split(end).at(-1)!;
  assert.ok(last.startsWith(FRAME[wire]), last);
  const said = JSON.parse(last.slice(FRAME[wire].length)) as Said;
  assert.deepEqual(LAST[wire](said), says(refused)[wire], last);
  assert.match(`${said.error.message}`, /doppel token/);
}

/** Of milliseconds: the middle one, the one that a hundredth exceed, the largest. */
function spread(times: readonly number[]) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** Until they have all ended, at both ends; how long after `time`. */
async function endings(runs: readonly Run[], origin: Streams, time: number) {
  await until(
    () =>
      runs.every(({ ended, id }) =>
        ended !== undefined && origin.closed.has(id)
      ),
    60_000,
  );
  return {
    client: spread(runs.map(({ last }) => last - time)),
    origin: spread(runs.map(({ id }) => origin.closed.get(id)! - time)),
  };
}

/** One line each, and each says so. */
async function checkLines(
  { doppels }: Stage,
  id: string,
  { count, refused }: { count: number; refused: string },
) {
  const lines = () =>
    doppels.flatMap((doppel) => doppel.lines())
      .filter((line) => line.token === id);
  await until(() => lines().length >= count);
  assert.equal(lines().length, count);
  for (const line of lines()) {
    assert.deepEqual([line.ending, line.refused], ["revoked", refused]);
  }
}

/** All ways one after the other while everything else goes on. */
async function revoke(
  name: string,
  stage: Stage,
  sizes: readonly { streams: number; sockets: number }[],
) {
  const [admin] = stage.doppels as [Subject];
  const groups = await Promise.all(sizes.map(async (size) => {
    const token = await admin.mint();
    return { id: tokenId(token), runs: openRuns(stage, token, size) };
  }));
  await flowing(groups.flatMap(({ runs }) => runs));
  const others = groups.at(-1)!.runs;
  const rows: string[] = [];
  for (const [i, [how, way]] of Object.entries(WAYS).entries()) {
    const { id, runs } = groups[i]!;
    const bystanders = groups.slice(i + 1).flatMap(({ runs }) => runs);
    const before = bystanders.map(({ text }) => text.length);
    const time = await way.take(admin, id);
    const took = await endings(runs, stage.origin, time);
    rows.push(
      ...Object.entries(took).map(([side, { p50, p99, max }]) =>
        `${name}, ${how}, ${runs.length} runs, ${side}: p50 ${p50} p99 ${p99} max ${max} ms`
      ),
    );
    for (const run of runs) checkLast(run, way.refused);
    for (const { max } of Object.values(took)) {
      assert.ok(max <= PROMISED + HEADROOM, rows.join("\n"));
    }
    const { refused } = way;
    await checkLines(stage, id, { count: runs.length, refused });
    await until(() =>
      bystanders.every(({ text }, n) => text.length > before[n]!)
    );
    assert.ok(bystanders.every(({ ended }) => ended === undefined));
  }
  console.log(rows.join("\n"));
  for (const run of others) run.leave();
  await until(() => others.every(({ id }) => stage.origin.closed.has(id)));
}

/** Streams whose price is known and bounded. */
const PRICED: Record<WireName, { body: string; path?: string }> = {
  openai: {
    body:
      '{"model":"gpt-4o-mini","max_tokens":999,"stream":true,"messages":[]}',
  },
  anthropic: {
    body:
      '{"model":"claude-sonnet-4-5","max_tokens":999,"stream":true,"messages":[]}',
  },
  gemini: {
    path:
      "/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
    body: '{"contents":[],"generationConfig":{"maxOutputTokens":999}}',
  },
};

/** The owner lowers a budget below what runs hold, and gives one that is empty to a token whose sockets began without. */
async function overspend(name: string, stage: Stage) {
  const { doppels, origin } = stage;
  const [admin] = doppels as [Subject];
  const limits = { budget: { day: 9_000_000, total: 5_000_000 } };
  const [lowered, other] = [
    await admin.mint({ limits }),
    await admin.mint({ limits }),
  ];
  const endless = await admin.mint();
  const priced = (token: string) =>
    doppels.flatMap(({ url }) =>
      NAMES.map((wire) => openStream(url, { wire, token, ...PRICED[wire] }))
    );
  const groups = [{ token: lowered, runs: priced(lowered), left: 1 }, {
    token: endless,
    runs: openRuns(stage, endless, { streams: 9, sockets: 6 }),
    left: 0,
  }];
  const others = priced(other);
  await flowing([...groups.flatMap(({ runs }) => runs), ...others]);
  const rows: string[] = [];
  for (const { token, runs, left } of groups) {
    const before = others.map(({ text }) => text.length);
    const time = Date.now();
    const path = `/admin/tokens/${tokenId(token)}`;
    await admin.admin("PATCH", path, { limits: { budget: { total: left } } });
    const took = await endings(runs, origin, time);
    for (const run of runs) checkLast(run, "budget_exhausted");
    for (const [side, { p50, max }] of Object.entries(took)) {
      rows.push(
        `${name}, over budget, ${runs.length} runs, ${side}: p50 ${p50} max ${max} ms`,
      );
      assert.ok(max <= PROMISED + HEADROOM, rows.join("\n"));
    }
    const said = { count: runs.length, refused: "budget_exhausted" };
    await checkLines(stage, tokenId(token), said);
    await until(() => others.every(({ text }, n) => text.length > before[n]!));
    assert.ok(others.every(({ ended }) => ended === undefined));
  }
  console.log(rows.join("\n"));
  for (const run of others) run.leave();
  await until(() => others.every(({ id }) => origin.closed.has(id)));
}

if (redisInstalled()) {
  Deno.test("two doppels on one Redis: what passes a lowered budget ends within 2 s, what others hold goes on", () =>
    onRedis(["deno", "bun"], (stage) => overspend("Redis", stage)));
}

for (const runtime of ["deno", "bun"] as const) {
  Deno.test(`${runtime}: the same with SQLite and one process, over budget`, () =>
    onStage(
      [runtime],
      {},
      (stage) => overspend(`SQLite on ${runtime}`, stage),
    ));
}

const MANY = [
  { streams: 80, sockets: 20 },
  { streams: 30, sockets: 8 },
  { streams: 30, sockets: 8 },
  { streams: 30, sockets: 7 },
  { streams: 30, sockets: 7 },
];

if (redisInstalled()) {
  Deno.test("200 streams and 50 sockets of three doppels on one Redis: those of a token that is taken back end within 2 s, the others go on", () =>
    onRedis(["deno", "bun", "deno"], (stage) => revoke("Redis", stage, MANY)));
}

for (const runtime of ["deno", "bun"] as const) {
  Deno.test(`${runtime}: the same with SQLite and one process`, () =>
    onStage([runtime], {}, (stage) =>
      revoke(
        `SQLite on ${runtime}`,
        stage,
        MANY.map(({ streams, sockets }) => ({
          streams: streams / 2,
          sockets: Math.ceil(sockets / 2),
        })),
      )));

  Deno.test(`${runtime}: half an event and half a document are broken off, who still waits is told in full`, () =>
    onStage([runtime], {}, async (stage) => {
      const { doppels: [doppel], origin } = stage as Stage & {
        doppels: [Subject];
      };
      const token = await doppel.mint();
      const open = (play: "half" | "json" | "silent") =>
        NAMES.map((wire) => openStream(doppel.url, { wire, token, play }));
      const cut = [...open("half"), ...open("json")];
      // What is looked into is read whole before its head goes down.
      const path = "/anthropic/v1/messages/batches";
      const looked = { wire: "anthropic", token, play: "json", path } as const;
      const waiting = [openStream(doppel.url, looked), ...open("silent")];
      const runs = [...cut, ...waiting];
      await flowing(cut);
      await until(() => runs.every(({ id }) => origin.reached.has(id)));
      const id = tokenId(token);
      const { max } =
        (await endings(runs, origin, await WAYS.disabled!.take(doppel, id)))
          .origin;
      assert.ok(max <= PROMISED + HEADROOM, `${max}`);
      for (const { ended, text } of cut) {
        assert.equal(ended, "broken");
        assert.doesNotMatch(text, /error/);
      }
      const said = Object.fromEntries(
        waiting.map(({ wire, text }) => [wire, JSON.parse(text)]),
      );
      for (const { wire, status, ended } of waiting) {
        assert.deepEqual([status, ended], [
          wire === "gemini" ? said.gemini.error.code : 401,
          "whole",
        ]);
      }
      assert.equal(said.openai.error.code, "invalid_api_key");
      assert.equal(said.anthropic.error.type, "authentication_error");
      keepText("revoked", JSON.stringify(said));
    }));
}

if (redisInstalled()) {
  Deno.test("with the store cut off everything ends when it has been blind for so long; what is new is refused at once", () =>
    onRedis(["deno", "bun"], async (stage) => {
      const { doppels, origin, redis } = stage;
      const token = await doppels[0]!.mint();
      const runs = openRuns(stage, token, { streams: 12, sockets: 4 });
      await flowing(runs);
      await new Promise((resolve) => setTimeout(resolve, 2 * LOOK_EVERY));
      const time = Date.now();
      redis.freeze(true);
      const late = doppels.map(({ url }) =>
        openStream(url, { wire: "openai", token })
      );
      await until(() => late.every(({ ended }) => ended === "whole"), 10_000);
      assert.deepEqual(late.map(({ status }) => status), [503, 503]);
      const { client, origin: there } = await endings(runs, origin, time);
      console.log(
        `store cut off, client: p50 ${client.p50} max ${client.max} ms, origin: p50 ${there.p50} max ${there.max} ms`,
      );
      for (const { max, p50 } of [client, there]) {
        assert.ok(max <= BLIND_FOR + LOOK_EVERY + HEADROOM, `${max}`);
        assert.ok(p50 >= BLIND_FOR - 2 * LOOK_EVERY - HEADROOM, `${p50}`);
      }
      for (const { wire, ended } of runs) {
        assert.equal(ended, wire === "socket" ? 1008 : "whole");
      }
      redis.freeze(false);
    }));

  for (const runtime of ["deno", "bun"] as const) {
    Deno.test(`${runtime}: nothing is asked while nothing runs, and short requests are asked for once`, () =>
      onRedis([runtime], async ({ doppels: [doppel], origin, redis }) => {
        const { url, mint } = doppel!;
        const token = await mint();
        const [run] = [openStream(url, { wire: "openai", token })];
        await flowing([run!]);
        await redis.reset();
        await until(() => run!.text.length > 250, 10_000);
        const looks = async () => (await redis.counts()).trips;
        for (let i = 0; i < 100 && await looks() < 2; i++) {
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        assert.ok(await looks() >= 2);
        run!.leave();
        await until(() => origin.closed.has(run!.id));
        await until(() => doppel!.lines().length > 0);
        await new Promise((resolve) => setTimeout(resolve, 2 * FLUSHED));
        await redis.reset();
        for (let i = 0; i < 10; i++) {
          const answer = await fetch(`${url}/openai/v1/models`, {
            headers: { authorization: `Bearer ${token}`, "x-play": "json" },
          });
          await answer.body!.cancel();
        }
        await until(() => doppel!.lines().length > 10);
        // Ten admissions, and their usage in one batch behind the answers, or in two.
        await new Promise((resolve) => setTimeout(resolve, 2 * FLUSHED));
        const asked = await looks();
        assert.ok(asked > 10 && asked <= 12, `${asked}`);
        await new Promise((resolve) => setTimeout(resolve, 3 * LOOK_EVERY));
        assert.equal(await looks(), asked);
      }));
  }
}
