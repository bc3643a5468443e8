/** How requests are framed: methods, lengths, chunks, expectations. */

import { bytes, chunk, field, message } from "../../test/raw.ts";
import type { Case, Seen, Side } from "../case.ts";
import { answered } from "../message.ts";
import { beginAnswer, bounded, readAnswer } from "../read.ts";
import { poll } from "../wait.ts";

const REST = "\x00\xff\r\n\r\n0\r\n\r\nPOST / HTTP/1.1\r\n\r\n";

const OCTETS = ["content-type: application/octet-stream"];

const framed: Case[] = ["POST", "PUT", "PATCH", "DELETE"].flatMap((method) => [
  { name: `${method} with a length`, sends: { method, content: '{"a":1}' } },
  { name: `${method} in chunks`, sends: { method, chunks: ['{"a"', ":1}"] } },
  {
    name: `${method} of octets with a length`,
    sends: { method, fields: OCTETS, content: REST },
  },
  {
    name: `${method} of octets in chunks`,
    sends: { method, fields: OCTETS, chunks: ["one,", "two,", REST] },
  },
  { name: `${method} with a length of 0`, sends: { method, content: "" } },
  { name: `${method} without content`, sends: { method } },
  {
    name: `${method} with no content in chunks`,
    sends: { method, chunks: [] },
  },
]);

const sized: Case[] = [1, 65_535, 65_536, 65_537, 200_000].flatMap((size) => [
  {
    name: `${size} bytes with a length`,
    sends: { method: "POST", fields: OCTETS, content: "x".repeat(size) },
  },
  {
    name: `${size} bytes in chunks`,
    sends: {
      method: "POST",
      fields: OCTETS,
      chunks: ["x".repeat(size - 1), "y"],
    },
  },
]);

const odd: Case[] = [
  {
    name: "one-byte chunks",
    sends: {
      method: "POST",
      fields: OCTETS,
      chunks: [..."0123456789".repeat(50)],
    },
  },
  {
    name: "trailers",
    sends: { method: "POST", chunks: ["abc"], trailers: ["x-sum: 1"] },
  },
  { name: "GET with content", sends: { content: "abc" } },
  { name: "a method of its own", sends: { method: "BREW" } },
  { name: "HTTP/1.0", sends: { version: "1.0" } },
  {
    name: "HEAD",
    sends: { method: "HEAD" },
    answers: { bare: "", fields: ["content-length: 5"] },
  },
];

/** The content goes only when it was asked for. */
async function expecting(side: Side): Promise<Seen> {
  let asked = false;
  side.origin.begin(async ({ head, reading, wire }) => {
    asked = field(head, "expect") === "100-continue";
    if (asked) await wire.write(message("HTTP/1.1 100 Continue"));
    await reading.taken;
    await wire.write(...answered({}, ""));
  }, side.patience);
  const client = await side.connect();
  const [head, content] = side.request({
    method: "POST",
    fields: ["expect: 100-continue"],
    content: "abc",
  });
  await client.write(head);
  const line = await bounded(client.line(), side.patience);
  client.giveBack(bytes(`${line}\r\n`));
  await client.write(content);
  const answer = await readAnswer(client, side);
  return {
    requests: await side.requests(),
    answer,
    notes: { "first line": `${line}` },
  };
}

/** Every piece is waited for at the origin before the next is sent. */
function flowing(framing: "length" | "chunks") {
  return async (side: Side): Promise<Seen> => {
    const size = 100_000;
    side.origin.begin(async ({ reading, wire }) => {
      await reading.taken;
      await wire.write(...answered({}, ""));
    }, side.patience);
    const client = await side.connect();
    const [head] = side.request({
      method: "POST",
      fields: [
        ...OCTETS,
        framing === "length"
          ? `content-length: ${4 * size}`
          : "transfer-encoding: chunked",
      ],
    });
    await client.write(head);
    let flowed = 0;
    for (let sent = 1; sent <= 4; sent++) {
      const piece = "x".repeat(size);
      await client.write(framing === "length" ? piece : chunk(piece));
      const came = await poll(
        () =>
          (side.origin.arrivals()[0]?.reading.content().length ?? 0) >=
            sent * size,
        1000,
      );
      if (!came) break;
      flowed++;
    }
    await client.write(framing === "chunks" ? "0\r\n\r\n" : "x".repeat(0));
    if (flowed < 4 && framing === "length") {
      await client.write("x".repeat((3 - flowed) * size));
    }
    return {
      requests: [],
      answer: await readAnswer(client, side),
      notes: { "pieces that flowed": flowed },
    };
  };
}

/** An answer that does not wait for the request. */
async function early(side: Side): Promise<Seen> {
  side.origin.begin(async ({ wire }) => {
    const answer = { status: "413 Too Large", content: "early" };
    await wire.write(
      ...answered({ ...answer, fields: ["connection: close"] }, ""),
    );
  }, 1000);
  const client = await side.connect();
  const [head] = side.request({
    method: "POST",
    fields: ["transfer-encoding: chunked"],
  });
  await client.write(head, chunk("some"));
  const begun = await beginAnswer(client, side);
  const answer = await readEarly(begun, client.close);
  return { requests: [], answer, notes: { early: answer !== undefined } };
}

async function readEarly(
  begun: Awaited<ReturnType<typeof beginAnswer>>,
  close: () => unknown,
) {
  if (begun === undefined) return undefined;
  const { interim, head, reading } = begun;
  const taken = await reading.taken;
  close();
  return { ...taken, interim, status: Number(head.line.split(" ")[1]) };
}

export const requests: readonly Case[] = [
  ...framed,
  ...sized,
  ...odd,
  {
    name: "expect: 100-continue",
    sends: { method: "POST", content: "abc" },
    play: expecting,
  },
  { name: "an upload flows, with a length", play: flowing("length") },
  { name: "an upload flows, in chunks", play: flowing("chunks") },
  { name: "an answer before the request is whole", play: early },
];
