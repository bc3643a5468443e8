/** Where comments may go, and how many. */

import assert from "node:assert/strict";
import { readSparingly } from "./chunks.ts";
import { createFlights } from "./flight.ts";
import { openJournal } from "./journal.ts";
import { betweenEvents, isEventStream } from "./ping.ts";
import { watch } from "./watch.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

const STREAMS: readonly [text: string, between: boolean][] = [
  ["", false],
  ["\n", false],
  ["data: 1", false],
  ["data: 1\n", false],
  ["data: 1\r\n", false],
  ["data: 1\r", false],
  ["data: 1\n\n", true],
  ["data: 1\r\r", true],
  ["data: 1\r\n\r\n", true],
  // Half of a CRLF, for all that is known.
  ["data: 1\r\n\r", false],
  ["data: 1\n\r\n", true],
  ["data: 1\n\nevent: x\n", false],
  ["data: 1\n\n: comment\n", false],
  ["data: 1\n\n: comment\n\n", true],
  ["data: 1\n\n\n", true],
];

Deno.test("betweenEvents() knows a blank line however the stream is cut into chunks", () => {
  for (const [text, between] of STREAMS) {
    for (let size = 1; size <= Math.max(1, text.length); size++) {
      const stands = betweenEvents();
      let last = stands(bytes(""));
      for (let at = 0; at < text.length; at += size) {
        last = stands(bytes(text.slice(at, at + size)));
      }
      assert.equal(last, between, JSON.stringify([text, size]));
    }
  }
});

Deno.test("isEventStream() wants 200, the type, no coding and no length", () => {
  const type = { "content-type": "text/event-stream" };
  const rows: readonly [ResponseInit, boolean][] = [
    [{ headers: type }, true],
    [{ headers: { "content-type": "Text/Event-Stream; charset=utf-8" } }, true],
    [{ headers: { ...type, "content-encoding": "identity" } }, true],
    [{ headers: { "content-type": "application/json" } }, false],
    [{ headers: { "content-type": "text/event-streams" } }, false],
    [{ headers: {} }, false],
    [{ headers: type, status: 201 }, false],
    [{ headers: type, status: 500 }, false],
    [{ headers: { ...type, "content-encoding": "gzip" } }, false],
    [{ headers: { ...type, "content-length": "9" } }, false],
  ];
  for (const [init, is] of rows) {
    assert.equal(isEventStream(new Response(null, init)), is, `${init.status}`);
  }
});

/** A stream of one event that then says nothing more, watched from `time` on. */
function silentStream(pingSeconds: number) {
  let time = 0;
  let aborted = 0;
  const now = () => time;
  const flights = createFlights(now);
  const endings: string[] = [];
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => controller.enqueue(bytes("data: 1\n\n")),
  });
  const headers = { "content-type": "text/event-stream" };
  const response = new Response(source, { headers });
  const watched = watch(readSparingly(response.body!), {
    response,
    flight: flights.begin(() => void aborted++),
    abort: () => {},
  }, {
    journal: openJournal({ method: "GET", path: "/" }, {
      now,
      write: ({ ending, bytes }) => void endings.push(`${ending} ${bytes}`),
    }),
    idleSeconds: 100,
    pingSeconds,
    signal: new AbortController().signal,
  });
  return {
    reader: watched.getReader(),
    endings,
    flights,
    aborted: () => aborted,
    /** As the flights' own timer sees it. */
    async pass(seconds: number) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      time += seconds * 1000;
      await new Promise((resolve) => setTimeout(resolve, 600));
    },
  };
}

const text = (read: ReadableStreamReadResult<Uint8Array>) =>
  new TextDecoder().decode(read.value);

Deno.test("watch() has at most one ping waiting for a client that does not read", async () => {
  const { reader, pass, endings } = silentStream(10);
  assert.equal(text(await reader.read()), "data: 1\n\n");
  const first = reader.read();
  await pass(9);
  await pass(1);
  assert.equal(text(await first), ": ping\n\n");
  await pass(10);
  await pass(10);
  await pass(10);
  assert.equal(text(await reader.read()), ": ping\n\n");
  let more = false;
  const next = reader.read().then(() => more = true);
  await pass(0);
  assert.equal(more, false);
  await reader.cancel();
  await next;
  assert.deepEqual(endings, ["client_closed 9"]);
});

Deno.test("watch() ends a silent stream even where the abort has no effect, pings or not", async () => {
  for (const pingSeconds of [0, 10]) {
    const { reader, pass, endings, flights, aborted } = silentStream(
      pingSeconds,
    );
    await reader.read();
    const next = reader.read().then(text, () => "broken");
    await pass(99);
    if (pingSeconds > 0) {
      assert.equal(await next, ": ping\n\n");
      const rest = reader.read();
      const broken = assert.rejects(rest);
      await pass(1);
      await broken;
    } else {
      await pass(1);
      assert.equal(await next, "broken");
    }
    assert.equal(aborted(), 1);
    assert.deepEqual(endings, ["origin_silent 9"]);
    assert.equal(flights.size, 0);
  }
});
