/** WebSockets: the handshake, whole messages, pings, and how both sides close. */

import { Buffer } from "node:buffer";
import { field, message, type Wire } from "../../test/raw.ts";
import type { Case, Seen, Side } from "../case.ts";
import {
  acceptOf,
  close,
  type Frame,
  frame,
  HANDSHAKE,
  hear,
  OP,
} from "../frames.ts";
import { answered, type Ask, type Reply, utf8 } from "../message.ts";
import type { Arrival } from "../origin.ts";
import { readAnswer } from "../read.ts";
import { poll } from "../wait.ts";

const TARGET = "/v1/realtime?model=gpt-realtime";
const SOON = 1_000;

interface Talk {
  readonly fields?: readonly string[];
  readonly target?: string;
  /** The subprotocol the origin chooses. */
  readonly speaks?: string;
  /** Fields of the 101. */
  readonly with?: readonly string[];
  readonly clientSays?: readonly Frame[];
  readonly originSays?: readonly Frame[];
  /** What must have been heard before the case is over. */
  readonly client?: number;
  readonly origin?: number;
}

function talk(talk: Talk): Case["play"] {
  return async (side): Promise<Seen> => {
    let origin: { heard: string[] } = { heard: [] };
    side.origin.begin(async ({ head, wire }) => {
      await wire.write(switching(head, talk));
      origin = hear(wire, false);
      for (const one of talk.originSays ?? []) {
        await wire.write(frame(one, false));
      }
      await poll(wire.closed, 2 * SOON);
    }, side.patience);
    const { client, answer } = await shake(side, talk);
    if (answer?.status !== 101) {
      return { requests: await side.requests(), answer };
    }
    const heard = hear(client, true);
    for (const one of talk.clientSays ?? []) {
      await client.write(frame(one, true));
    }
    await poll(() => heard.heard.length >= (talk.client ?? 0), SOON);
    await poll(() => origin.heard.length >= (talk.origin ?? 0), SOON);
    return {
      requests: await side.requests(),
      answer,
      notes: {
        "the client hears": heard.heard.slice(0, talk.client ?? 0).join(" | "),
        "the origin hears": origin.heard.slice(0, talk.origin ?? 0).join(" | "),
        accepted: field(answer, "sec-websocket-accept") === ACCEPT,
      },
    };
  };
}

const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

async function shake(side: Side, { target = TARGET, fields = [] }: Talk) {
  const client: Wire = await side.connect();
  const ask: Ask = { target, fields: [...HANDSHAKE, ...fields] };
  await client.write(...side.request(ask));
  const answer = await readAnswer(client, side);
  return { client, answer };
}

function switching(head: Arrival["head"], { speaks, with: fields = [] }: Talk) {
  return message("HTTP/1.1 101 Switching Protocols", [
    "connection: Upgrade",
    "upgrade: websocket",
    `sec-websocket-accept: ${acceptOf(field(head, "sec-websocket-key") ?? "")}`,
    ...(speaks ? [`sec-websocket-protocol: ${speaks}`] : []),
    ...fields,
  ]);
}

/** The origin answers something else than a 101. */
function declines(reply: Reply): Case["play"] {
  return async (side): Promise<Seen> => {
    side.origin.begin(async ({ wire }) => {
      await wire.write(...answered(reply, side.origin.url));
    }, side.patience);
    const { answer } = await shake(side, {});
    return { requests: await side.requests(), answer };
  };
}

const TEXT: Frame = { op: OP.text, content: utf8('{"type":"x","é":"😀"}') };
const BINARY: Frame = {
  op: OP.binary,
  content: Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
};
const FRAGMENTS: readonly Frame[] = [
  { op: OP.text, content: "one,\xc3", more: true },
  { op: OP.more, content: "\xa9two,", more: true },
  { op: OP.more, content: "three" },
];
const SIZES = [0, 125, 126, 65_535, 65_536, 1 << 20];

const said: Readonly<Record<string, readonly [readonly Frame[], number]>> = {
  "text": [[TEXT, { op: OP.text }, TEXT], 3],
  "binary": [[BINARY, { op: OP.binary }, BINARY], 3],
  "fragments": [[...FRAGMENTS, TEXT], 2],
  "a ping within fragments": [[
    FRAGMENTS[0]!,
    { op: OP.ping, content: "p" },
    ...FRAGMENTS.slice(1),
  ], 1],
  ...Object.fromEntries(
    SIZES.map((size) => [
      `a message of ${size} bytes`,
      [[{ op: OP.binary, content: Buffer.alloc(size, "ab") }], 1],
    ]),
  ),
  "a hundred messages": [
    Array.from({ length: 100 }, (_, i) => ({ op: OP.text, content: `${i}` })),
    100,
  ],
};

const messages: Case[] = Object.entries(said).flatMap((
  [name, [says, count]],
) => [
  {
    name: `up: ${name}`,
    play: talk({ clientSays: says, origin: count })!,
  },
  {
    name: `down: ${name}`,
    play: talk({ originSays: says, client: count })!,
  },
]);

const closes: Case[] = [
  close(1000),
  close(1000, utf8("done é")),
  close(1001, "away"),
  close(1008, "policy"),
  close(1011, "broken"),
  close(3000, "registered"),
  close(4000, "own"),
  close(4999),
].flatMap((says) => {
  const code = Buffer.from(says.content as Buffer).readUInt16BE();
  const name = `${code} ${
    (says.content as Buffer).length > 2 ? "with" : "without"
  } a reason`;
  return [
    {
      name: `the client closes with ${name}`,
      play: talk({ clientSays: [TEXT, says], origin: 2, client: 1 })!,
    },
    {
      name: `the origin closes with ${name}`,
      play: talk({ originSays: [TEXT, says], origin: 1, client: 2 })!,
    },
  ];
});

const handshakes: Case[] = [
  { name: "plain", play: talk({})! },
  {
    name: "fields",
    play: talk({
      fields: ["openai-beta: realtime=v1", "x-unheard-of: 1", "user-agent: a"],
      with: ["x-request-id: req_1", "openai-version: 1"],
    })!,
  },
  {
    name: "a subprotocol",
    play: talk({
      fields: ["sec-websocket-protocol: realtime"],
      speaks: "realtime",
    })!,
  },
  {
    name: "the second of two subprotocols",
    play: talk({
      fields: ["sec-websocket-protocol: p1, p2"],
      speaks: "p2",
    })!,
  },
  {
    name: "a query",
    play: talk({ target: `${TARGET}&a=%20b&c=%2F&A=1` })!,
  },
  {
    name: "a compression that nobody takes",
    play: talk({ fields: ["sec-websocket-extensions: permessage-deflate"] })!,
  },
  {
    name: "a ping is answered",
    play: talk({ clientSays: [{ op: OP.ping, content: "p1" }], client: 1 })!,
  },
  ...[200, 302, 400, 401, 403, 404, 429, 503].map((status) => ({
    name: `${status} in place of a 101`,
    play: declines({
      status: `${status} No`,
      fields: ["content-type: application/json", "retry-after: 7"],
      content: '{"error":{"message":"no"}}',
    })!,
  })),
];

export const sockets: readonly Case[] = [
  ...handshakes,
  ...messages,
  ...closes,
].map((one) => ({ ...one, patience: 1_500 }));
