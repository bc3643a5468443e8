/** Who may open a socket, what then reaches the origin, and what whoever may not is told. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect } from "node:net";
import {
  type Declined,
  type DialOptions,
  onScene,
  type Scene,
} from "./socket.ts";
import { KEYS, RUNTIMES, until } from "./subject.ts";

const REALTIME = "/v1/realtime?model=gpt-realtime";
const GEMINI =
  "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent";

/** Fields that a connection needs, and `ws` writes. */
const OF_THE_CONNECTION = [
  "host",
  "connection",
  "upgrade",
  "sec-websocket-key",
  "sec-websocket-version",
];

interface Opened {
  readonly name: string;
  readonly path: string;
  /** `T` stands for the token. */
  readonly sends: DialOptions;
  /** Path and query at the origin; `path` if absent. */
  readonly reaches?: string;
  readonly with: Readonly<Record<string, string>>;
  /** The subprotocol both sides end up with. */
  readonly speaks?: string;
}

const openai = { authorization: `Bearer ${KEYS.openai}` };
const gemini = { "x-goog-api-key": KEYS.gemini };

const OPENED: readonly Opened[] = [
  {
    name: "OpenAI Realtime by header",
    path: REALTIME,
    sends: {
      headers: {
        authorization: "Bearer T",
        "openai-beta": "realtime=v1",
        "openai-organization": "org-holder",
        cookie: "a=b",
      },
    },
    with: { ...openai, "openai-beta": "realtime=v1" },
  },
  {
    name: "OpenAI Realtime by subprotocol, as browsers do",
    path: REALTIME,
    sends: {
      protocols: [
        "realtime",
        "openai-insecure-api-key.T",
        "openai-organization.org-holder",
        "openai-project.proj-holder",
        "openai-beta.realtime-v1",
      ],
      headers: { origin: "https://page.example" },
    },
    with: {
      ...openai,
      origin: "https://page.example",
      "sec-websocket-protocol": "realtime,openai-beta.realtime-v1",
    },
    speaks: "realtime",
  },
  {
    name: "Responses, as Codex does",
    path: "/v1/responses",
    sends: {
      headers: {
        authorization: "Bearer T",
        "openai-beta": "responses_websockets=2026-02-06",
        "session-id": "s1",
      },
    },
    with: {
      ...openai,
      "openai-beta": "responses_websockets=2026-02-06",
      "session-id": "s1",
    },
  },
  {
    name: "Live sessions under the prefix",
    path: "/openai/v1/live/sessions/s1/attach",
    sends: { headers: { "api-key": "T" } },
    reaches: "/v1/live/sessions/s1/attach",
    with: openai,
  },
  {
    name: "Gemini Live by ?key=",
    path: `/${GEMINI}?alt=x&key=T`,
    sends: { headers: {} },
    reaches: `${GEMINI}?alt=x`,
    with: gemini,
  },
  {
    name: "Gemini Live by ?access_token=",
    path: `${GEMINI}Constrained?access_token=T`,
    sends: { headers: {} },
    reaches: `${GEMINI}Constrained`,
    with: gemini,
  },
  {
    name: "Gemini Live by Authorization: Token",
    path: GEMINI,
    sends: { headers: { authorization: "Token T" } },
    with: gemini,
  },
];

function filled<Value>(value: Value, token: string): Value {
  const text = JSON.stringify(value).replaceAll(/\bT\b/g, token);
  return JSON.parse(text);
}

async function opens(scene: Scene, row: Opened) {
  const { origin, token, dial } = scene;
  const before = origin.asked.length;
  const { peer, heard } = await dial(
    filled(row.path, token),
    filled(row.sends, token),
  );
  assert.equal(origin.asked.length, before + 1);
  const { url, headers } = origin.asked[before]!;
  assert.equal(url, row.reaches ?? row.path);
  const fields = Object.fromEntries(
    Object.entries(headers).filter(([name]) =>
      !OF_THE_CONNECTION.includes(name)
    ),
  );
  assert.deepEqual(fields, {
    "user-agent": "doppel",
    "accept-encoding": "identity",
    ...row.with,
  });
  assert.equal(peer.protocol, row.speaks ?? "");
  assert.equal(peer.extensions, "");
  for (
    const message of [
      "",
      "\ufeffé\u0000",
      Buffer.alloc(0),
      Buffer.from([0, 255]),
    ]
  ) {
    peer.send(message);
  }
  await until(() => heard.length === 4);
  assert.deepEqual(heard, [
    "",
    "\ufeffé\u0000",
    Buffer.alloc(0),
    Buffer.from([0, 255]),
  ]);
  peer.close(1000);
}

interface Refused {
  readonly name: string;
  readonly path?: string;
  /** Of the token. */
  readonly token?: Readonly<Record<string, unknown>>;
  readonly status: number;
  readonly code: string;
  readonly bearer?: string;
}

const REFUSED: readonly Refused[] = [
  {
    name: "an unknown token",
    bearer: "an-unknown-token-0123456789",
    status: 401,
    code: "invalid_api_key",
  },
  {
    name: "a token for another API",
    token: { providers: ["anthropic", "gemini"] },
    status: 403,
    code: "provider_denied",
  },
  {
    name: "another model",
    token: { models: ["gpt-4*"] },
    status: 403,
    code: "model_denied",
  },
  {
    name: "two models of which one is covered",
    path: "/v1/realtime?model=gpt-4o&mod%65l=o3",
    token: { models: ["gpt-4*"] },
    status: 403,
    code: "model_denied",
  },
  {
    name: "no model where the token is limited to some",
    path: "/v1/realtime?call_id=c",
    token: { models: ["*"] },
    status: 403,
    code: "model_denied",
  },
  {
    name: "models that only frames name where the token is limited to some",
    path: "/v1/responses?model=gpt-4o",
    token: { models: ["gpt-4*"] },
    status: 426,
    code: "upgrade_refused",
  },
  {
    name: "the same at Gemini",
    path: GEMINI,
    token: { models: ["*"], providers: ["gemini"] },
    status: 426,
    code: "UPGRADE_REFUSED",
  },
  {
    name: "another's call where the token is isolated",
    path: "/v1/realtime?model=gpt-realtime&call_id=rtc_0123456789",
    token: { isolated: true },
    status: 404,
    code: "object_unknown",
  },
  {
    name: "a route without sockets",
    path: "/v1/chat/completions",
    status: 426,
    code: "upgrade_refused",
  },
  {
    name: "what looks like a route with sockets",
    path: "/v1/responses/resp_1",
    status: 426,
    code: "upgrade_refused",
  },
];

function codeOf({ body }: Declined): string {
  const { error } = JSON.parse(body);
  return error.details?.[0]?.reason ?? error.code;
}

async function refuses({ doppel, declined, origin }: Scene, row: Refused) {
  const token = row.bearer ?? await doppel.mint(row.token);
  const headers = { authorization: `Bearer ${token}` };
  const answer = await declined(row.path ?? REALTIME, { headers });
  assert.deepEqual([answer.status, codeOf(answer)], [row.status, row.code]);
  assert.equal(answer.headers["x-should-retry"], "false");
  assert.ok(answer.headers["x-request-id"]);
  assert.deepEqual(origin.asked, []);
}

/** A handshake written by hand, and the head of its answer. */
async function handshake(
  { doppel, token }: Scene,
  fields: readonly string[],
  start = `GET ${REALTIME}`,
): Promise<string> {
  const { hostname, port } = new URL(doppel.url);
  const socket = connect(Number(port), hostname);
  const all = [
    "host: doppel.test",
    `authorization: Bearer ${token}`,
    ...fields,
  ];
  socket.write(`${start} HTTP/1.1\r\n${all.join("\r\n")}\r\n\r\n`);
  let text = "";
  for await (const chunk of socket) {
    text += chunk.toString("latin1");
    if (text.includes("\r\n\r\n")) break;
  }
  socket.destroy();
  return text;
}

const KEY = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==";
const VERSION = "sec-websocket-version: 13";
const UPGRADE = ["upgrade: websocket", "connection: keep-alive, Upgrade"];

for (const runtime of RUNTIMES) {
  Deno.test(`${runtime}: every way to a socket is open, and carries the one key as a header`, (t) =>
    onScene({ runtime }, async (scene) => {
      for (const row of OPENED) {
        await t.step(row.name, () => opens(scene, row));
      }
      assert.ok(!scene.doppel.output().includes(scene.token));
    }));

  Deno.test(`${runtime}: an upgrade is refused in HTTP, before any 101 and any origin`, (t) =>
    onScene({ runtime }, async (scene) => {
      for (const row of REFUSED) {
        await t.step(row.name, () => refuses(scene, row));
      }
      const paused: Refused = { name: "", status: 503, code: "paused" };
      const token = await scene.doppel.mint();
      await scene.doppel.admin("PUT", "/admin/pause", {});
      await refuses(scene, { ...paused, bearer: token });
      await scene.doppel.admin("DELETE", "/admin/pause");
    }));

  Deno.test(`${runtime}: a token limited to models opens a socket that names one of them`, () =>
    onScene({ runtime }, async ({ doppel, dial, origin }) => {
      const token = await doppel.mint({ models: ["gpt-realtime*"] });
      const headers = { authorization: `Bearer ${token}` };
      await dial(REALTIME, { headers });
      assert.equal(origin.asked.length, 1);
    }));

  Deno.test(`${runtime}: an origin that refuses the upgrade is heard as it is`, () =>
    onScene({ runtime }, async (scene) => {
      const { origin, declined, doppel } = scene;
      for (const status of [401, 403, 429, 302, 200]) {
        const fields = [
          `content-type: application/json`,
          "x-request-id: req_1",
          "retry-after: 7",
          "set-cookie: a=b",
          `location: ${origin.url}/v1/there`,
          "content-length: 10",
        ].join("\r\n");
        origin.answer =
          `HTTP/1.1 ${status} Said\r\n${fields}\r\n\r\n{"error":1}`.slice(
            0,
            -1,
          );
        const answer = await declined(REALTIME);
        assert.deepEqual([answer.status, answer.body], [status, '{"error":1']);
        const { headers } = answer;
        assert.equal(headers["retry-after"], "7");
        assert.equal(headers["x-request-id"], "req_1");
        assert.equal(headers["set-cookie"], undefined);
        assert.equal(headers.location, `${doppel.url}/v1/there`);
      }
      const line = await until(() => doppel.lines()[4]);
      assert.deepEqual([line.status, line.ending, line.originId], [
        200,
        "complete",
        "req_1",
      ]);
    }));

  Deno.test(`${runtime}: an origin that cannot be understood is 502, one that says nothing 504`, () =>
    onScene({ runtime, env: { FIRST_BYTE_SECONDS: "1" } }, async (scene) => {
      const { origin, declined } = scene;
      const large = "x".repeat(70_000);
      const answers = {
        [`HTTP/1.1 403 No\r\ncontent-length: ${large.length}\r\n\r\n${large}`]:
          502,
        "HTTP/1.1 101 Yes\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: no\r\n\r\n":
          502,
        "nonsense\r\n\r\n": 502,
        "": 504,
      };
      for (const [answer, status] of Object.entries(answers)) {
        origin.answer = answer;
        const declining = await declined(REALTIME);
        assert.equal(declining.status, status, answer.slice(0, 20));
        assert.equal(
          codeOf(declining),
          status === 502 ? "origin_unreachable" : "origin_timeout",
        );
      }
      await origin.stop();
      assert.equal((await declined(REALTIME)).status, 502);
    }));

  Deno.test(`${runtime}: subprotocols are read however they are spaced, and the origin's choice comes down`, () =>
    onScene({ runtime }, async (scene) => {
      const offers = ["p1,p2", "p1, p2", "p1 ,\tp2", " p1,p2 "];
      for (const offer of offers) {
        const head = await handshake(scene, [
          ...UPGRADE,
          KEY,
          VERSION,
          `sec-websocket-protocol: ${offer}`,
        ]);
        assert.match(head, /^HTTP\/1\.1 101 /);
        assert.match(head, /\r\nsec-websocket-protocol: p1\r\n/i);
        assert.match(
          head,
          /\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/i,
        );
        assert.doesNotMatch(head, /sec-websocket-extensions/i);
        const sent =
          scene.origin.asked.at(-1)!.headers["sec-websocket-protocol"];
        assert.equal(sent, "p1,p2");
      }
    }));

  Deno.test(`${runtime}: what is no handshake is refused, and reaches no origin`, () =>
    onScene({ runtime }, async (scene) => {
      const wrong: [status: number, fields: string[], start?: string][] = [
        [400, [...UPGRADE, KEY]],
        [400, [...UPGRADE, VERSION]],
        [400, [...UPGRADE, KEY, "sec-websocket-version: 12"]],
        [400, [...UPGRADE, VERSION, "sec-websocket-key: short"]],
        [400, ["upgrade: websocket", KEY, VERSION]],
        [400, [...UPGRADE, KEY, VERSION, "sec-websocket-protocol: a,a"]],
        [400, [...UPGRADE, KEY, VERSION, "sec-websocket-protocol: a b"]],
        [400, [...UPGRADE, KEY, VERSION, "content-length: 1"]],
        // Deno refuses this one by itself.
        [
          runtime === "deno" ? 400 : 426,
          [...UPGRADE, KEY, VERSION, "content-length: 0"],
          `POST ${REALTIME}`,
        ],
      ];
      for (const [status, ...asked] of wrong) {
        const head = await handshake(scene, ...asked);
        assert.match(head, new RegExp(`^HTTP/1.1 ${status} `), `${asked}`);
      }
      assert.deepEqual(scene.origin.asked, []);
    }));

  Deno.test(`${runtime}: what an origin says behind its 101 at once is heard, and so is a message of 8 MiB`, () =>
    onScene({ runtime }, async (scene) => {
      const large = Buffer.alloc(8 << 20, "large");
      scene.origin.answer = ({ peer }) => {
        peer.send("first");
        peer.send(large);
        peer.on("message", (data, binary) => peer.send(data, { binary }));
      };
      const { peer, heard } = await scene.dial(REALTIME);
      peer.send(large.toString());
      await until(() => heard.length === 3);
      assert.ok(large.equals(heard[1] as Buffer));
      assert.deepEqual([heard[0], heard[2] === large.toString()], [
        "first",
        true,
      ]);
    }));

  Deno.test(`${runtime}: a client that leaves before the origin's answer is let go`, () =>
    onScene({ runtime }, async (scene) => {
      const { origin, doppel, token } = scene;
      origin.answer = "";
      const { hostname, port } = new URL(doppel.url);
      const socket = connect(Number(port), hostname);
      const fields = [
        ...UPGRADE,
        KEY,
        VERSION,
        `authorization: Bearer ${token}`,
      ];
      socket.write(
        `GET ${REALTIME} HTTP/1.1\r\nhost: a\r\n${fields.join("\r\n")}\r\n\r\n`,
      );
      const asked = await until(() => origin.asked[0]);
      socket.destroy();
      await until(() => asked.socket.destroyed || asked.socket.readableEnded);
      const line = await until(() => doppel.lines()[0]);
      assert.equal(line.ending, "client_closed");
    }));
}
