/** What runs on any doppel of a store is seen and ended through any other. */

import assert from "node:assert/strict";
import process from "node:process";
import type { LiveRow } from "../core/live.ts";
import { tokenId } from "../core/token.ts";
import { keepSecret } from "./evidence.ts";
import { redisInstalled, startUpstash } from "./redis.ts";
import {
  flowing,
  openSocket,
  openStream,
  type Run,
  SOCKET,
  startStreams,
  type Streams,
  type WireName,
  WIRES,
} from "./streams.ts";
import {
  type Runtime,
  RUNTIMES,
  startDoppel,
  type Subject,
  until,
} from "./subject.ts";

/** Far more than is promised: nothing here is about time. */
const LONG = 20_000;

interface Live {
  readonly running: readonly LiveRow[];
  readonly ended: readonly LiveRow[];
}

async function onStage(
  runtimes: readonly Runtime[],
  env: Record<string, string>,
  play: (doppels: readonly Subject[], origin: Streams) => Promise<void>,
) {
  const origin = await startStreams();
  const doppels = await Promise.all(
    runtimes.map((runtime) =>
      startDoppel({ runtime, origin: origin.url, env: { ...env } })
    ),
  );
  try {
    await play(doppels, origin);
  } finally {
    await origin.stop();
    await Promise.all(doppels.map((doppel) => doppel.stop()));
  }
}

const look = (doppel: Subject) =>
  doppel.admin("GET", "/admin/live") as Promise<Live>;

/** Looks until it is so. */
async function seen<Value>(
  doppel: Subject,
  find: (live: Live) => Value | undefined,
): Promise<Value> {
  const begun = Date.now();
  for (;;) {
    const value = find(await look(doppel));
    if (value !== undefined) return value;
    assert.ok(Date.now() - begun < LONG, `never: ${find}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What an SDK of the wire looks at. */
const SAYS: Record<Run["wire"], RegExp> = {
  openai: /\n\ndata: \{"error":\{.*"code":"ended".*\}\n\n$/,
  anthropic:
    /\n\nevent: error\ndata: \{"type":"error","error":\{.*"permission_error".*\}\n\n$/,
  gemini: /\n\ndata: \{"error":\{"code":403,.*"PERMISSION_DENIED".*\}\n\n$/,
  socket: /\n\{"type":"error","error":\{.*"code":"ended".*\}\n$/,
};

/** A stream of each API and a socket, begun at the first doppel; looked at and ended through the last. */
async function watchAndEnd(doppels: readonly Subject[], origin: Streams) {
  const [there, here] = [doppels[0]!, doppels.at(-1)!];
  const token = await here.mint();
  const bystander = await here.mint();
  const names = Object.keys(WIRES) as WireName[];
  const runs = [
    ...names.map((wire) => openStream(there.url, { wire, token })),
    openSocket(there.url, token),
  ];
  const other = openStream(there.url, { wire: "openai", token: bystander });
  await flowing([...runs, other]);
  const all = (live: Live) =>
    live.running.length === runs.length + 1 ? live.running : undefined;
  const first = await seen(here, all);
  const grown = await seen(
    here,
    (live) =>
      all(live)?.every((row, i) => row.bytes > first[i]!.bytes)
        ? live.running
        : undefined,
  );
  assert.deepEqual(grown.map(({ id }) => id), first.map(({ id }) => id));
  assert.equal(new Set(grown.map(({ instance }) => instance)).size, 1);
  const paths = [...Object.values(WIRES), SOCKET]
    .map((path) => path.split("?")[0]);
  const own = grown.filter((row) => row.token === tokenId(token));
  assert.deepEqual(own.map(({ path }) => path).sort(), paths.sort());
  assert.deepEqual(
    own.map(({ status }) => status).sort(),
    [101, 200, 200, 200],
  );
  for (const { id } of own) await here.admin("DELETE", `/admin/live/${id}`);
  await until(() => runs.every(({ ended }) => ended !== undefined), LONG);
  for (const { wire, text, ended } of runs) {
    assert.equal(ended, wire === "socket" ? 1008 : "whole", wire);
    assert.match(text, SAYS[wire]);
  }
  await until(() => runs.every(({ id }) => origin.closed.has(id)), LONG);
  const over = await seen(
    here,
    (live) => live.ended.length >= own.length ? live.ended : undefined,
  );
  assert.deepEqual(
    over.map(({ id }) => id).sort(),
    own.map(({ id }) => id).sort(),
  );
  for (const row of over) {
    assert.deepEqual([row.ending, row.refused], ["revoked", "ended"]);
  }
  const before = other.text.length;
  await until(() => other.text.length > before, LONG);
  assert.equal(other.ended, undefined);
  other.leave();
}

for (const runtime of RUNTIMES) {
  Deno.test(`${runtime}: streams and a socket are seen as they grow, and end when the owner wants it`, () =>
    onStage([runtime], {}, watchAndEnd));
}

if (redisInstalled()) {
  for (const runtimes of [["deno", "bun"], ["bun", "deno"]] as const) {
    Deno.test(`${runtimes[0]}: the same through another doppel on one Redis; one that hangs shows nothing any more`, async () => {
      const redis = await startUpstash();
      keepSecret(redis.token);
      try {
        await onStage(runtimes, redis.env, async (doppels, origin) => {
          await watchAndEnd(doppels, origin);
          const [there, here] = doppels as [Subject, Subject];
          const token = await here.mint();
          const run = openStream(there.url, { wire: "openai", token });
          await flowing([run]);
          await seen(here, ({ running }) => running[0]);
          process.kill(there.pid, "SIGSTOP");
          try {
            await seen(
              here,
              ({ running }) => running.length === 0 ? true : undefined,
            );
          } finally {
            process.kill(there.pid, "SIGCONT");
          }
          run.leave();
        });
      } finally {
        await redis.close();
      }
    });
  }
}
