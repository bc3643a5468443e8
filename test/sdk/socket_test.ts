/** The SDKs' sockets through doppel, over TLS where they insist on it: sessions, and the errors their users see. */

import assert from "node:assert/strict";
import { GoogleGenAI, type LiveServerMessage } from "@google/genai";
import { GoogleGenAI as GoogleGenAI2 } from "@google/genai-2";
import OpenAI from "openai";
import { OpenAIRealtimeWebSocket } from "openai/realtime/websocket";
import { OpenAIRealtimeWS } from "openai/realtime/ws";
import { ResponsesWS } from "openai/resources/responses/ws";
import { WebSocket, WebSocketServer } from "ws";
import { makeCertificate } from "../certificate.ts";
import { type Origin, type Side, startSocketOrigin } from "../socket_origin.ts";
import {
  KEYS,
  type Runtime,
  RUNTIMES,
  startDoppel,
  until,
} from "../subject.ts";
import { within } from "./check.ts";

interface Stage {
  readonly origin: Origin;
  /** In the clear. */
  readonly url: string;
  /** With TLS, same tokens. */
  readonly secure: string;
  /** Of `secure`'s certificate. */
  readonly ca: string;
  readonly token: string;
  /** Of a token that is no more. */
  readonly revoked: string;
}

async function onStage(
  runtime: Runtime,
  play: (stage: Stage) => Promise<void>,
) {
  const certificate = makeCertificate();
  const origin = await startSocketOrigin(WebSocketServer);
  const plain = await startDoppel({ runtime, origin: origin.url });
  const secure = await startDoppel({
    runtime,
    origin: origin.url,
    env: { ...certificate.env, DOPPEL_DATA: plain.data },
  });
  const revoked = await plain.mint();
  await plain.admin("DELETE", `/admin/tokens/${revoked.split("_")[1]}`);
  try {
    await play({
      origin,
      url: plain.url,
      secure: secure.url,
      ca: certificate.ca,
      token: await plain.mint(),
      revoked,
    });
  } finally {
    await secure.stop();
    await plain.stop();
    await origin.stop();
    certificate.remove();
  }
}

/** Says who it is, and repeats in other words whatever it is told. */
function session({ peer }: Side) {
  peer.send(JSON.stringify({ type: "session.created", session: { id: "s" } }));
  peer.on("message", (data) => {
    const { type } = JSON.parse(`${data}`);
    peer.send(JSON.stringify({ type: "response.created", told: type }));
  });
}

interface Asked {
  readonly url: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly protocol?: string;
}

/** Asserts how the last handshake came, and that the token came nowhere. */
function came({ origin, token }: Stage, { url, fields, protocol }: Asked) {
  const asked = origin.asked.at(-1)!;
  assert.equal(asked.url, url);
  const all = JSON.stringify([asked.url, asked.rawHeaders]);
  assert.ok(!all.includes(token), "the token reached the origin");
  for (const [name, value] of Object.entries(fields)) {
    assert.equal(asked.headers[name], value);
  }
  assert.equal(asked.headers["sec-websocket-protocol"], protocol);
}

const OPENAI = { authorization: `Bearer ${KEYS.openai}` };

/** The openers of OpenAI's sessions, alike to the laws below. */
type Realtime = OpenAIRealtimeWS | OpenAIRealtimeWebSocket;
const REALTIME: Record<string, {
  readonly protocol?: string;
  open(stage: Stage, token: string): Realtime;
}> = {
  "OpenAIRealtimeWS": {
    open: ({ secure, ca }, apiKey) =>
      new OpenAIRealtimeWS(
        { model: "gpt-realtime", options: { ca } },
        new OpenAI({ apiKey, baseURL: `${secure}/v1` }),
      ),
  },
  "OpenAIRealtimeWebSocket, as in browsers": {
    protocol: "realtime",
    open: ({ secure, ca }, apiKey) => {
      // The test's own WebSocket believes no such certificate.
      globalThis.WebSocket = class extends WebSocket {
        constructor(url: string, protocols: string[]) {
          super(url, protocols, { ca });
        }
      } as unknown as typeof globalThis.WebSocket;
      return new OpenAIRealtimeWebSocket(
        { model: "gpt-realtime", dangerouslyAllowBrowser: true },
        new OpenAI({
          apiKey,
          baseURL: `${secure}/v1`,
          organization: "org-holder",
        }),
      );
    },
  },
};

/** What a session hears, in order; errors by message. */
function hearing(realtime: Realtime) {
  const heard: string[] = [];
  realtime.on("event", ({ type }) => heard.push(type));
  realtime.on("error", ({ message }) => heard.push(`error: ${message}`));
  return heard;
}

for (const runtime of RUNTIMES) {
  for (const [name, { open, protocol }] of Object.entries(REALTIME)) {
    Deno.test(`${name} holds a session through doppel on ${runtime}`, () =>
      onStage(runtime, async (stage) => {
        stage.origin.answer = session;
        const realtime = open(stage, stage.token);
        const heard = hearing(realtime);
        await until(() => heard.length === 1);
        realtime.send({ type: "input_audio_buffer.commit" });
        await until(() => heard.length === 2);
        assert.deepEqual(heard, ["session.created", "response.created"]);
        came(stage, {
          url: "/v1/realtime?model=gpt-realtime",
          fields: OPENAI,
          ...(protocol && { protocol }),
        });
        realtime.close({ code: 1000, reason: "done" });
        const ended = await stage.origin.taken.at(-1)!.closed();
        assert.deepEqual(ended, [1000, "done"]);
        const refused = hearing(open(stage, stage.revoked));
        await until(() => refused.length > 0);
        assert.match(
          refused[0]!,
          /^error: .*401/,
        );
        assert.equal(stage.origin.asked.length, 1);
      }));
  }

  Deno.test(`ResponsesWS holds a session through doppel on ${runtime}`, () =>
    onStage(runtime, async (stage) => {
      stage.origin.answer = session;
      const connect = (apiKey: string) =>
        new ResponsesWS(new OpenAI({ apiKey, baseURL: `${stage.url}/v1` }));
      const responses = connect(stage.token);
      const heard: string[] = [];
      responses.on("event", ({ type }) => heard.push(type));
      await until(() => heard.length === 1);
      responses.send({ type: "response.create", model: "gpt-x", input: "Hi" });
      await until(() => heard.length === 2);
      came(stage, { url: "/v1/responses", fields: OPENAI });
      responses.close({ code: 1000, reason: "done" });
      await stage.origin.taken.at(-1)!.closed();
      const error = await new Promise<Error>((resolve) =>
        connect(stage.revoked).on("error", resolve)
      );
      assert.match(error.message, /401/);
    }));

  for (
    const [version, Sdk] of Object.entries({
      "3.1.0": GoogleGenAI,
      "2.32.0": GoogleGenAI2 as unknown as typeof GoogleGenAI,
    })
  ) {
    Deno.test(`@google/genai ${version} Live holds a session through doppel on ${runtime}`, () =>
      onStage(runtime, async (stage) => {
        for (const prefix of ["", "/gemini"]) {
          await live(stage, { Sdk, base: stage.url + prefix });
        }
      }));
  }
}

async function live(
  stage: Stage,
  { Sdk, base }: { Sdk: typeof GoogleGenAI; base: string },
) {
  const { origin, token } = stage;
  origin.answer = ({ peer }) => {
    // Google's frames are JSON in binary ones.
    const say = (message: unknown) =>
      peer.send(new TextEncoder().encode(JSON.stringify(message)));
    peer.on("message", (data) => {
      const { setup } = JSON.parse(`${data}`);
      if (setup) return say({ setupComplete: {} });
      say({ serverContent: { turnComplete: true } });
    });
  };
  const ai = new Sdk({ apiKey: token, httpOptions: { baseUrl: base } });
  const heard: LiveServerMessage[] = [];
  let ended: { code: number } | undefined;
  const session = await within(ai.live.connect({
    model: "gemini-live",
    callbacks: {
      onmessage: (message) => void heard.push(message),
      onclose: (event) => ended = event,
    },
  }));
  session.sendClientContent({ turns: "Hello" });
  await until(() =>
    heard.some(({ serverContent }) => serverContent?.turnComplete)
  );
  const asked = origin.asked.at(-1)!;
  assert.match(
    asked.url!,
    /^\/ws\/google\.ai\.generativelanguage\.v1\w*\.GenerativeService\.BidiGenerateContent$/,
  );
  came(stage, {
    url: asked.url!,
    fields: { "x-goog-api-key": KEYS.gemini },
  });
  session.close();
  await until(() => ended);
}
