/** Event streams: every byte, wherever the network cuts, as soon as it is there. */

import { chunk, type Part } from "../../test/raw.ts";
import type { Case, Seen, Side } from "../case.ts";
import { utf8 } from "../message.ts";
import { beginAnswer, statusOf } from "../read.ts";
import { poll } from "../wait.ts";

const TYPE = "content-type: text/event-stream";
const sends = {
  method: "POST",
  target: "/v1/chat/completions",
  fields: ["content-type: application/json"],
  content:
    '{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}],"stream":true}',
};

const delta = (text: string) =>
  utf8(`data: {"choices":[{"index":0,"delta":{"content":"${text}"}}]}`);

/** Short enough to be cut everywhere. */
const SHORT = `${delta("é")}\n\ndata: [DONE]\n\n`;
const SHORT_CRLF = `: hi\r\nid: 1\r\n${delta("h")}\r\n\r\ndata: [DONE]\r\n\r\n`;

const STREAMS: Readonly<Record<string, string>> = {
  "LF": SHORT.replaceAll("é", "e"),
  "CRLF": SHORT_CRLF,
  "CR": SHORT.replaceAll("\n", "\r"),
  "all three": `${delta("a")}\r\n\n${delta("b")}\r\rdata: c\n\r\n`,
  "comments": `:\n\n: ping\n\n${delta("a")}\n: within\n\ndata: [DONE]\n\n`,
  "a byte order mark": `\xef\xbb\xbf${SHORT}`,
  "data of many lines": `data: {"a":\ndata:  1\ndata\ndata:}\n\n`,
  "no space behind the colon": `data:{"a":1}\n\ndata:[DONE]\n\n`,
  "event, id, retry": `event: delta\nid: 7\nretry: 3000\n${delta("a")}\n\n`,
  "unknown fields": `x-new: 1\nfoo\n${delta("a")}\n\n`,
  "empty events": `\n\n\ndata:\n\ndata: \n\n`,
  "no end": `${delta("a")}\n\ndata: {"half"`,
  "behind the end": `${SHORT}data: {"more":1}\n\n`,
  "no JSON": "data: not JSON\n\ndata: [DONE]\n\n",
  "an error": `data: {"error":{"message":"overloaded"}}\n\n`,
  "usage":
    `data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"x":1.0}}\n\ndata: [DONE]\n\n`,
  "a large event": `${delta("x".repeat(100_000))}\n\ndata: [DONE]\n\n`,
  "nothing": "",
};

const streams: Case[] = Object.entries(STREAMS).flatMap(([name, stream]) => [
  { name, sends, answers: { fields: [TYPE], chunks: [stream] } },
  {
    name: `${name}, until the connection ends`,
    sends,
    answers: { fields: [TYPE], bare: stream || ":" },
  },
]);

/** Each place in turn, in two chunks that are written apart. */
function cutEverywhere(name: string, stream: string): Case[] {
  return Array.from({ length: stream.length - 1 }, (_, i) => ({
    name: `${name} cut behind byte ${i + 1}`,
    sends,
    answers: {
      fields: [TYPE],
      chunks: [stream.slice(0, i + 1), stream.slice(i + 1)],
    },
  }));
}

const byByte: Case[] = [SHORT, SHORT_CRLF].map((stream, i) => ({
  name: `a byte at a time, ${["LF", "CRLF"][i]}`,
  sends,
  answers: { fields: [TYPE], chunks: [...stream] },
}));

/** Every piece is waited for at the client before the next is written. */
function flows(pieces: readonly Part[]) {
  return async (side: Side): Promise<Seen> => {
    let sent = 0;
    let heard = () => 0;
    let flowed = 0;
    side.origin.begin(async ({ reading, wire }) => {
      await reading.taken;
      await wire.write(
        `HTTP/1.1 200 OK\r\n${TYPE}\r\ntransfer-encoding: chunked\r\n\r\n`,
      );
      for (const piece of pieces) {
        await wire.write(chunk(piece));
        sent += piece.length;
        if (flowed === -1 || !await poll(() => heard() === sent, 1000)) {
          flowed = -1;
        } else flowed++;
      }
      await wire.write("0\r\n\r\n");
    }, side.patience);
    const client = await side.connect();
    await client.write(...side.request(sends));
    const begun = await beginAnswer(client, side);
    if (begun === undefined) return { requests: await side.requests() };
    const { interim, head, reading } = begun;
    heard = () => reading.content().length;
    const taken = await reading.taken;
    return {
      requests: await side.requests(),
      answer: { ...taken, interim, status: statusOf(head) },
      notes: { "comes as it goes": flowed === pieces.length },
    };
  };
}

const flowing: Case[] = [
  ["events", [delta("a"), delta("b"), "data: [DONE]"].map((e) => `${e}\n\n`)],
  ["pieces of events", [
    SHORT.slice(0, 9),
    SHORT.slice(9, 30),
    SHORT.slice(30),
  ]],
  ["bytes", [...SHORT_CRLF]],
].map(([name, pieces]) => ({
  name: `${name} come as they go`,
  play: flows(pieces as string[]),
}));

export const events: readonly Case[] = [
  ...streams,
  ...cutEverywhere("LF", SHORT),
  ...cutEverywhere("CRLF", SHORT_CRLF),
  ...byByte,
  ...flowing,
];
