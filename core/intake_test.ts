/** What is read on for its bill, and for how long. */

import assert from "node:assert/strict";
import { type Bytes, readSparingly } from "./chunks.ts";
import { createFlights } from "./flight.ts";
import { type LogLine, openJournal } from "./journal.ts";
import { DRAIN_FOR, openRevocation } from "./revocation.ts";
import { watch } from "./watch.ts";

/** One for all: the memory of this process is measured by others. */
const MIB = new Uint8Array(1_048_576);

/** An answer of 1 MiB chunks, as many as are asked for until `last`, whose client leaves after the first. */
async function draining(
  last: number,
  meanwhile: (
    facts: { end: () => void; time: () => void },
  ) => unknown = () => {},
) {
  const client = new AbortController();
  let time = () => {};
  const lines: LogLine[] = [];
  const request = { method: "POST", path: "/" };
  const journal = openJournal(request, {
    now: Date.now,
    write: (line) => void lines.push(line),
  });
  const revocation = openRevocation(
    client.signal,
    (work) => journal.whenClosed(work),
  );
  revocation.outlive();
  let sent = 0;
  let seen = 0;
  let cancelled = false;
  const response = new Response(
    new ReadableStream({
      pull(controller) {
        if (sent === last) return controller.close();
        sent++;
        controller.enqueue(MIB);
      },
      cancel: () => void (cancelled = true),
    }, { highWaterMark: 0 }),
  );
  const work: Promise<void>[] = [];
  const body = watch(
    readSparingly(response.body! as ReadableStream<Bytes>),
    {
      response,
      flight: createFlights(Date.now).begin(() => {}),
      abort: () => {},
    },
    {
      journal,
      idleSeconds: 900,
      pingSeconds: 0,
      signal: revocation.signal,
      revocation,
      drain: (drained) => void work.push(drained),
      behind: (chunk) => void (seen += chunk.byteLength),
    },
  );
  const reader = body.getReader();
  await reader.read();
  // The one timer that is started when the client leaves.
  const real = globalThis.setTimeout;
  const started: number[] = [];
  globalThis.setTimeout = ((work: () => void, milliseconds: number) => {
    started.push(milliseconds);
    time = work;
    return real(() => {}, 0);
  }) as unknown as typeof setTimeout;
  try {
    client.abort();
    await reader.cancel();
  } finally {
    globalThis.setTimeout = real;
  }
  assert.deepEqual(started, [DRAIN_FOR]);
  await meanwhile({
    end: () => revocation.end({ refused: "token_invalid" }),
    time: () => time(),
  });
  await Promise.all(work);
  await new Promise((resolve) => setTimeout(resolve, 0));
  return {
    ending: lines.map(({ ending }) => ending).join(),
    seen: seen / 1_048_576,
    cancelled,
    works: work.length,
  };
}

Deno.test("an answer is read to its end without its client, once", async () => {
  assert.deepEqual(await draining(9), {
    ending: "drained",
    seen: 9,
    cancelled: false,
    works: 1,
  });
});

Deno.test("no more than 64 MiB are read on", async () => {
  const { ending, seen, cancelled } = await draining(1_000);
  assert.deepEqual([ending, cancelled], ["client_closed", true]);
  assert.ok(seen >= 64 && seen <= 66, `${seen}`);
});

Deno.test("it is read on for no longer than DRAIN_FOR, and not when its token is taken back", async () => {
  const late = await draining(1_000, ({ time }) => time());
  assert.deepEqual([late.ending, late.cancelled], ["client_closed", true]);
  const taken = await draining(1_000, ({ end }) => end());
  assert.deepEqual([taken.ending, taken.cancelled], ["revoked", true]);
  for (const { seen } of [late, taken]) assert.ok(seen < 60);
});
