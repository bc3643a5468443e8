import assert from "node:assert/strict";
import { createFlights } from "./flight.ts";
import { type LogLine, openJournal } from "./journal.ts";
import { relay } from "./relay.ts";
import { createSockets } from "./sockets.ts";
import {
  type End,
  type Listener,
  type Message,
  passable,
  readHandshake,
} from "./socket.ts";

const MIB = 1_048_576;

Deno.test("passable() sends no code that RFC 6455 §7.4 keeps out of frames", () => {
  const sent = Array.from(
    { length: 5002 },
    (_, code) => passable(code, "").code,
  );
  const unlike = sent.flatMap((sent, code) => sent === code ? [] : [sent]);
  assert.deepEqual(new Set(unlike), new Set([1000, 1011]));
  const same = sent.filter((sent, code) => sent === code);
  assert.deepEqual(same.filter((code) => code < 3000), [
    ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013],
  ]);
  assert.deepEqual([same.at(-2000), same.at(-1)], [3000, 4999]);
  assert.deepEqual(passable(1005, ""), { code: 1000, reason: "" });
  assert.equal(passable(1006, "").code, 1011);
  assert.equal(passable(0, "").code, 1011);
});

const GOOD = {
  "connection": "keep-alive , Upgrade",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

const OFFERS: [offered: string, goes: string[]][] = [
  ["p1,p2", ["p1", "p2"]],
  ["realtime, openai-insecure-api-key.x", ["realtime"]],
  ["openai-organization.o,openai-project.p,openai-beta.b", ["openai-beta.b"]],
];

for (const [offered, goes] of OFFERS) {
  Deno.test(`readHandshake() passes on ${goes} of ${offered}`, () => {
    const fields = { ...GOOD, "sec-websocket-protocol": offered };
    const read = readHandshake(new Headers(fields));
    assert.deepEqual(read, { protocols: goes });
  });
}

/** An end in memory: what it was told, and its listener. */
function fakeEnd(holds: boolean) {
  const did: string[] = [];
  let queued = 0;
  let listener: Listener | undefined;
  const end: End = {
    listen: (own) => void (listener = own),
    send(message: Message) {
      queued += message.length;
      did.push(`send ${message.length}`);
    },
    waiting: () => queued,
    pause() {
      did.push("pause");
      return holds;
    },
    resume: () => void did.push("resume"),
    close: (code, reason) => void did.push(`close ${code} ${reason}`),
  };
  return { end, did, hears: () => listener!, drain: () => void (queued = 0) };
}

function joined({ holds = true, sockets = createSockets() } = {}) {
  const lines: LogLine[] = [];
  const client = fakeEnd(holds);
  const origin = fakeEnd(true);
  const flights = createFlights(() => 0);
  const journal = openJournal({ method: "GET", path: "/" }, {
    now: () => 0,
    write: (line) => void lines.push(line),
  });
  const ends = { client: client.end, origin: origin.end };
  relay({ ...ends, flights, idleSeconds: 9, journal }, sockets);
  return { client, origin, sockets, flights, lines };
}

Deno.test("relay() reads the origin only when the client has opened, and ends once", () => {
  const { client, origin, sockets, flights, lines } = joined();
  assert.deepEqual(origin.did, []);
  client.hears().opened();
  assert.deepEqual(origin.did, ["resume"]);
  client.hears().message("é");
  client.hears().closed(1000, "done");
  origin.hears().message("late");
  assert.equal(sockets.size, 1);
  origin.hears().closed(1000, "done");
  assert.deepEqual(origin.did.at(-1), "close 1000 done");
  assert.ok(!client.did.includes("send 4"));
  assert.deepEqual([sockets.size, flights.size, lines.length], [0, 0, 1]);
  const { ending, socket } = lines[0]!;
  assert.deepEqual([ending, socket], [
    "complete",
    { up: 1, down: 0, upBytes: 2, code: 1000 },
  ]);
});

Deno.test("relay() lets one message of any size through, and no flood of a side that cannot be held back", () => {
  const { client, origin, lines } = joined({ holds: false });
  const large = new Uint8Array(17 * MIB);
  client.hears().message(large);
  assert.equal(lines.length, 0);
  client.hears().message("one more");
  assert.equal(lines[0]?.ending, "overflowed");
  for (const { did } of [client, origin]) {
    assert.equal(did.at(-1), "close 1013 Too fast");
  }
  assert.ok(!origin.did.includes("send 8"));
});

Deno.test("relay() holds back a side that can be until the other has taken most", async () => {
  const { client, origin } = joined();
  origin.hears().message(new Uint8Array(2 * MIB));
  origin.hears().message("already on its way");
  assert.deepEqual(origin.did, ["pause"]);
  client.drain();
  while (origin.did.length === 1) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.deepEqual(origin.did, ["pause", "resume"]);
  client.hears().closed(1000, "");
});

Deno.test("createSockets() closes what there is and what comes after a stop", () => {
  const { client, origin, sockets, lines } = joined();
  sockets.stop("over");
  const late = joined({ sockets });
  for (const { did } of [client, origin, late.client, late.origin]) {
    assert.equal(did.at(-1), "close 1001 over");
  }
  assert.deepEqual([lines[0]?.ending, late.lines[0]?.ending], [
    "stopped",
    "stopped",
  ]);
});
