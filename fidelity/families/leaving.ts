/** Whoever leaves: the other side learns of it soon, and never hears a forged end. */

import { chunk, message, type Part, type Wire } from "../../test/raw.ts";
import type { Case, Seen, Side } from "../case.ts";
import { beginAnswer, statusOf } from "../read.ts";
import { poll } from "../wait.ts";

/** Within which the other side must have learnt of it, milliseconds. */
const SOON = 2_000;

const CHUNKED = message("HTTP/1.1 200 OK", [
  "content-type: application/json",
  "transfer-encoding: chunked",
]);
const EVENTS = message("HTTP/1.1 200 OK", [
  "content-type: text/event-stream",
  "transfer-encoding: chunked",
]);
const LONG = message("HTTP/1.1 200 OK", [
  "content-type: application/json",
  "content-length: 1000",
]);
const EVENT = 'data: {"choices":[]}\n\n';

interface Beginning {
  readonly parts: readonly Part[];
  /** What of it is content. */
  readonly content: string;
  readonly chat?: true;
}

/** An answer's beginning, behind which the origin says no more. */
const BEGINNINGS: Readonly<Record<string, Beginning>> = {
  "content of a known length": { parts: [LONG, "some"], content: "some" },
  "chunks": { parts: [CHUNKED, chunk("some")], content: "some" },
  "a chunk": { parts: [CHUNKED, "10\r\nsome"], content: "some" },
  "events": { parts: [EVENTS, chunk(EVENT)], content: EVENT, chat: true },
  "an event": {
    parts: [EVENTS, chunk(EVENT + "data: {")],
    content: EVENT + "data: {",
    chat: true,
  },
};

const CHAT = {
  method: "POST",
  target: "/v1/chat/completions",
  fields: ["content-type: application/json"],
  content: '{"model":"gpt-4o","messages":[],"stream":true}',
};

const LEAVE: Readonly<Record<string, (wire: Wire) => unknown>> = {
  closes: (wire) => wire.close(),
  resets: (wire) => wire.reset(),
};

/** The client leaves before or within the answer. */
function clientLeaves(
  leave: (wire: Wire) => unknown,
  beginning?: Beginning,
): Case["play"] {
  return async (side) => {
    side.origin.begin(async ({ reading, wire }) => {
      await reading.taken;
      if (beginning) await wire.write(...beginning.parts);
      await poll(wire.closed, SOON + 1000);
    }, side.patience);
    const client = await side.connect();
    await client.write(...side.request(beginning?.chat ? CHAT : {}));
    const came = await poll(() => side.origin.arrivals().length > 0, SOON);
    let heard = true;
    if (beginning) {
      const begun = await beginAnswer(client, { patience: SOON });
      heard = await poll(
        () => begun?.reading.content().length === beginning.content.length,
        SOON,
      );
    }
    leave(client);
    const [arrival] = side.origin.arrivals();
    const learnt = await poll(() => arrival?.wire.closed() ?? false, SOON);
    return {
      requests: [],
      notes: { came, heard, "the origin learns": learnt },
    };
  };
}

/** The client leaves within its request. */
function uploadBreaksOff(framing: string, part: Part): Case["play"] {
  return async (side) => {
    side.origin.begin(({ reading }) => reading.taken, SOON);
    const client = await side.connect();
    const [head] = side.request({ method: "POST", fields: [framing] });
    await client.write(head, part);
    await poll(
      () => (side.origin.arrivals()[0]?.reading.content().length ?? 0) > 0,
      side.through ? 500 : SOON,
    );
    await client.close();
    return { requests: await side.requests() };
  };
}

/** The origin leaves once the client has heard its beginning. */
function originLeaves(
  leave: (wire: Wire) => unknown,
  { parts, content, chat }: Beginning,
): Case["play"] {
  return async (side: Side): Promise<Seen> => {
    let heard = () => 0;
    side.origin.begin(async ({ reading, wire }) => {
      await reading.taken;
      await wire.write(...parts);
      if (content) await poll(() => heard() === content.length, SOON);
      leave(wire);
    }, side.patience);
    const client = await side.connect();
    await client.write(...side.request(chat ? CHAT : {}));
    const begun = await beginAnswer(client, { patience: side.patience });
    if (begun === undefined) return { requests: [] };
    const { head, interim, reading } = begun;
    heard = () => reading.content().length;
    const answer = { ...await reading.taken, interim, status: statusOf(head) };
    return { requests: [], answer };
  };
}

/** How an origin ends before its answer has begun. */
const DYING: Readonly<Record<string, readonly Part[]>> = {
  "without a word": [],
  "within the head": ["HTTP/1.1 200 OK\r\ncontent-le"],
  "with no HTTP": ["220 mail.test ESMTP\r\n\r\n"],
  "between head and content": [LONG],
  "between head and chunks": [CHUNKED],
  "after the first of a chunk's digits": [CHUNKED, "1"],
};

const endings: Readonly<Record<string, (wire: Wire) => unknown>> = {
  closes: (wire) => wire.end(),
  resets: LEAVE.resets!,
};

export const aborts: readonly Case[] = [
  ...Object.entries(LEAVE).flatMap(([leaves, leave]) => [
    {
      name: `the client ${leaves} before the answer`,
      play: clientLeaves(leave)!,
    },
    ...Object.entries(BEGINNINGS).map(([what, beginning]) => ({
      name: `the client ${leaves} within ${what}`,
      play: clientLeaves(leave, beginning)!,
    })),
  ]),
  {
    name: "an upload of a known length breaks off",
    play: uploadBreaksOff("content-length: 1000000", "x".repeat(500_000))!,
  },
  {
    name: "an upload in chunks breaks off",
    play: uploadBreaksOff("transfer-encoding: chunked", chunk("some"))!,
  },
  {
    name: "a small upload breaks off",
    play: uploadBreaksOff("content-length: 100", "some")!,
  },
];

export const deaths: readonly Case[] = Object.entries(endings).flatMap(
  ([leaves, leave]) => [
    ...Object.entries(BEGINNINGS).map(([what, beginning]) => ({
      name: `the origin ${leaves} within ${what}`,
      play: originLeaves(leave, beginning)!,
    })),
    ...Object.entries(DYING).map(([when, parts]) => ({
      name: `the origin ${leaves} ${when}`,
      play: originLeaves(leave, { parts, content: "" })!,
    })),
  ],
);
