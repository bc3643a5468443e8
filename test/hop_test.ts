/** Requests whose region an API refuses get there through a hop, all the same on both runtimes. */

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { request } from "node:http";
import process from "node:process";
import {
  type Api,
  echo,
  HOP_SECRET,
  OWN,
  type Pair,
  REFUSED,
  T,
  withPair,
} from "./hop.ts";
import { RUNTIMES, until } from "./subject.ts";

const MIB = 1_048_576;
const CHAT = '{"model":"m","messages":[]}';

/** A request of each API's. */
const PATHS: Record<Api, string> = {
  openai: "/v1/chat/completions?a=%2F&b",
  anthropic: "/anthropic/v1/messages?beta=true",
  gemini: "/gemini/v1beta/models/m:generateContent",
};

const sha256 = (bytes: Uint8Array) =>
  createHash("sha256").update(bytes).digest("hex");

const random = (size: number) => new Uint8Array(randomBytes(size));

/** A POST whose answer says what arrived at the origin. */
async function upload(
  { send }: Pair,
  path: string,
  content: Uint8Array<ArrayBuffer>,
) {
  const response = await send(path, {
    method: "POST",
    body: content,
    headers: { "content-type": "application/json" },
  });
  return [response.status, await response.json()];
}

const arrived = (content: Uint8Array<ArrayBuffer>) => [
  200,
  { bytes: content.length, hash: sha256(content) },
];

/** Whose visits the origin had. */
const visitors = ({ origin }: Pair) => origin.visits.map(({ from }) => from);

type Laws = Record<string, (pair: Pair) => Promise<void>>;

/** In this order: what an API has refused is remembered. */
const laws: Laws = {
  "any other 4xx passes untouched and takes no hop": async (pair) => {
    for (const [path, answer] of otherAnswers()) {
      pair.origin.play(
        ({ response }) =>
          response.writeHead(answer.status, answer.fields).end(answer.body),
        { refuses: false },
      );
      const response = await pair.send(path, { method: "POST", body: CHAT });
      assert.equal(response.status, answer.status);
      assert.equal(await response.text(), answer.body);
      assert.deepEqual(visitors(pair), ["primary"], answer.body.slice(0, 200));
    }
    assert.equal(pair.tap.text(), "");
  },

  "a refused chat is sent again through the hop, the next ones at once": async (
    pair,
  ) => {
    const hopped = () =>
      pair.primary.lines().filter(({ path, hop }) =>
        path === "/v1/chat/completions" && hop === true
      ).length;
    const before = hopped();
    pair.origin.play(echo);
    const chat = new TextEncoder().encode(CHAT);
    assert.deepEqual(await upload(pair, PATHS.openai, chat), arrived(chat));
    assert.deepEqual(visitors(pair), ["primary", "hop"]);
    pair.origin.play(echo);
    assert.deepEqual(await upload(pair, PATHS.openai, chat), arrived(chat));
    assert.deepEqual(visitors(pair), ["hop"]);
    const [{ line, headers }] = pair.origin.visits as [
      Pair["origin"]["visits"][0],
    ];
    assert.equal(line, `POST ${PATHS.openai}`);
    assert.deepEqual(
      Object.keys(headers).filter((name) =>
        /^doppel|^signature|^x-f|^via/.test(name)
      ),
      [],
    );
    assert.equal(headers["content-length"], `${chat.length}`);
    await until(() => hopped() === before + 2);
    assert.ok(
      pair.hop.lines().every(({ hop, status }) =>
        hop === true && status === 200
      ),
    );
  },

  "a client that leaves its upload is gone at the origin, and named in the log":
    async (
      pair,
    ) => {
      for (const api of ["anthropic", "openai"] as const) {
        pair.origin.play(echo, { refuses: false });
        const seen = pair.primary.lines().length;
        const framing = { "content-length": `${MIB}` };
        const answer = halves(pair, PATHS[api], random(MIB), framing);
        const visit = await until(() => pair.origin.visits[0]);
        await until(() => visit.bytes > 0);
        answer.leave();
        await until(() => visit.response.destroyed);
        const line = await until(() => pair.primary.lines()[seen]);
        assert.deepEqual([line.status, line.refused], [499, "client_closed"]);
        assert.deepEqual(visitors(pair), [
          api === "openai" ? "hop" : "primary",
        ]);
      }
    },

  "a refused upload is sent again from its beginning, and neither try waits for its end":
    async (
      pair,
    ) => {
      // Refuses while the client is still sending.
      pair.origin.play(echo, { after: MIB / 4 });
      const content = random(MIB);
      const answer = halves(pair, PATHS.anthropic, content, {
        "content-length": `${MIB}`,
      });
      await until(() => (pair.origin.visits[1]?.bytes ?? 0) >= MIB / 4);
      assert.deepEqual(visitors(pair), ["primary", "hop"]);
      assert.deepEqual(await answer.finish(), arrived(content));
      assert.deepEqual(visitors(pair), ["primary", "hop"]);
      for (const { headers } of pair.origin.visits) {
        assert.equal(headers["content-length"], `${MIB}`);
      }
    },

  "an upload too large to send again passes the refusal down, and says so":
    async (pair) => {
      pair.origin.play(echo);
      const content = random(5 * MIB);
      const response = await pair.send(PATHS.gemini, {
        method: "POST",
        body: content,
      });
      assert.equal(response.status, REFUSED.gemini.status);
      assert.equal(response.headers.get("x-doppel-hop"), "body-too-large");
      assert.equal(await response.text(), REFUSED.gemini.body);
      assert.deepEqual(visitors(pair), ["primary"]);
      pair.origin.play(echo);
      assert.deepEqual(
        await upload(pair, PATHS.gemini, content),
        arrived(content),
      );
      assert.deepEqual(visitors(pair), ["hop"]);
    },

  "1 MiB and 32 MiB go through, with a length and in chunks": async (pair) => {
    for (const size of [MIB, 32 * MIB]) {
      const content = random(size);
      for (const framing of ["content-length", "transfer-encoding"]) {
        pair.origin.play(echo);
        const value = framing === "content-length" ? `${size}` : "chunked";
        const answer = halves(pair, PATHS.openai, content, {
          [framing]: value,
        });
        assert.deepEqual(await answer.finish(), arrived(content));
        assert.deepEqual(visitors(pair), ["hop"]);
        const [{ headers }] = pair.origin.visits as [
          Pair["origin"]["visits"][0],
        ];
        assert.equal(headers[framing], value);
      }
    }
  },

  "a stream comes event by event, and breaks where the origin's breaks": async (
    pair,
  ) => {
    pair.origin.play(({ response }) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: 0\n\n");
    });
    const response = await pair.send(PATHS.openai, {
      method: "POST",
      body: CHAT,
    });
    const reader = response.body!.getReader();
    const text = async () =>
      new TextDecoder().decode((await reader.read()).value);
    assert.equal(await text(), "data: 0\n\n");
    for (let i = 1; i < 5; i++) {
      pair.origin.visits[0]!.response.write(`data: ${i}\n\n`);
      assert.equal(await text(), `data: ${i}\n\n`);
    }
    pair.origin.visits[0]!.response.destroy();
    await assert.rejects(reader.read());
  },

  "a client that leaves is gone at the origin, before an answer and within one":
    async (pair) => {
      for (const begins of [false, true]) {
        pair.origin.play(({ response }) => {
          if (begins) response.writeHead(200).write("x");
        });
        const leaving = new AbortController();
        const answer = pair.send(PATHS.openai, {
          method: "POST",
          body: CHAT,
          signal: leaving.signal,
        })
          .then((response) => response.text()).then(() => "came", () => "left");
        const { response } = await until(() => pair.origin.visits[0]);
        if (begins) await until(() => response.headersSent);
        leaving.abort();
        assert.equal(await answer, "left");
        await until(() => response.destroyed);
      }
    },

  "URLs of the origin become the primary's, by its own rules": async (pair) => {
    pair.origin.play(({ response }) =>
      response.writeHead(200, {
        "content-type": "application/json",
        "location": `${pair.origin.url}/v1/next`,
        "doppel-answer": "hop_unreachable",
        "doppel-x": "1",
      }).end(`{"results_url":"${pair.origin.url}/v1/r"}`)
    );
    const response = await pair.send("/anthropic/v1/messages/batches/b");
    const base = `${pair.primary.url}/anthropic`;
    assert.equal(response.headers.get("location"), `${base}/v1/next`);
    assert.equal(response.headers.get("doppel-answer"), null);
    assert.equal(response.headers.get("doppel-x"), null);
    assert.deepEqual(await response.json(), { results_url: `${base}/v1/r` });
  },

  "the hop's own trouble with the origin is told as it is": async (pair) => {
    pair.origin.play(({ response }) => response.destroy());
    const response = await pair.send("/v1/models/m");
    const { error } = await response.json();
    assert.deepEqual([response.status, error.code], [
      502,
      "origin_unreachable",
    ]);
  },

  "the hop says whether its region is served, and asks once a minute": async (
    pair,
  ) => {
    const probe = async (url: string, api: string) => {
      const response = await fetch(`${url}/healthz?probe=${api}`);
      return [response.status, (await response.json()).region];
    };
    pair.origin.play(echo);
    assert.deepEqual(await probe(pair.hop.url, "openai"), [200, "served"]);
    assert.deepEqual(await probe(pair.hop.url, "openai"), [200, "served"]);
    assert.deepEqual(pair.origin.visits.map(({ line }) => line), [
      "GET /v1/models",
    ]);
    pair.origin.play(({ response }) =>
      response.writeHead(403, { "content-type": "application/json" }).end(
        REFUSED.anthropic.body,
      )
    );
    assert.deepEqual(await probe(pair.hop.url, "anthropic"), [503, "refused"]);
    // Only a hop has a probe.
    assert.deepEqual(await probe(pair.primary.url, "gemini"), [200, undefined]);
  },

  "no key, token or secret goes between the two": (pair) => {
    const text = pair.tap.text();
    assert.match(
      text,
      /^POST \/hop\/openai\/v1\/chat\/completions\?a=%2F&b HTTP/m,
    );
    const secrets = [
      T,
      HOP_SECRET,
      ...Object.values(OWN).flatMap((keys) => Object.values(keys)),
    ];
    for (const secret of secrets) assert.ok(!text.includes(secret), secret);
    return Promise.resolve();
  },

  "a hop that has stopped answering is unreachable, in each envelope": async (
    pair,
  ) => {
    process.kill(pair.hop.pid, "SIGSTOP");
    await unreachable(pair);
    process.kill(pair.hop.pid, "SIGCONT");
  },

  "so is a dead one": async (pair) => {
    process.kill(pair.hop.pid, "SIGKILL");
    await until(() =>
      pair.hop.child.signalCode ?? pair.hop.child.exitCode ?? undefined
    );
    await unreachable(pair);
  },
};

async function unreachable({ send, primary }: Pair) {
  const codes = await Promise.all(
    Object.values(PATHS).map(async (path) => {
      const response = await send(path, { method: "POST", body: CHAT });
      const { error } = await response.json();
      return [
        response.status,
        error.code,
        error.details?.error_code ?? error.details?.[0].reason,
      ];
    }),
  );
  assert.deepEqual(codes, [
    [502, "hop_unreachable", undefined],
    [502, undefined, "hop_unreachable"],
    [502, 502, "HOP_UNREACHABLE"],
  ]);
  const last = primary.lines().at(-1)!;
  assert.equal(last.refused, "hop_unreachable");
  assert.equal(typeof last.reason, "string");
}

/** Sends the first half at once, and the rest when it is told to finish. */
function halves(
  { primary }: Pair,
  path: string,
  content: Uint8Array,
  framing: Record<string, string>,
) {
  const sending = request(primary.url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${T}`, ...framing },
  });
  const answer = new Promise<unknown>((resolve, reject) => {
    sending.on("error", reject);
    sending.on("response", async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      resolve([response.statusCode, JSON.parse(text)]);
    });
  });
  sending.write(content.subarray(0, content.length / 2));
  return {
    leave() {
      answer.catch(() => {});
      sending.destroy();
    },
    finish() {
      sending.end(content.subarray(content.length / 2));
      return answer;
    },
  };
}

interface Told {
  status: number;
  fields: Record<string, string>;
  body: string;
}

/** Near misses: one thing about each is not a refused region's. */
function* otherAnswers(): Iterable<[path: string, answer: Told]> {
  const json = { "content-type": "application/json" };
  const error = (status: number, error: unknown, fields = json): Told => ({
    status,
    fields,
    body: JSON.stringify({ error }),
  });
  const { openai, anthropic, gemini } = REFUSED;
  yield* ([
    error(400, { code: "unsupported_country_region_territory" }),
    error(429, { code: "unsupported_country_region_territory" }),
    error(403, { code: "model_not_found", message: openai.body }),
    error(403, { code: ["unsupported_country_region_territory"] }),
    error(403, { message: "Country, region, or territory not supported" }),
    error(401, { code: "invalid_api_key" }),
    { status: 403, fields: { "content-type": "text/html" }, body: openai.body },
    { status: 403, fields: json, body: anthropic.body },
    { status: 403, fields: json, body: openai.body + "x" },
    { status: 403, fields: json, body: `[${openai.body},${openai.body}]` },
    { status: 403, fields: json, body: "null" },
    { status: 403, fields: json, body: openai.body + " ".repeat(70_000) },
  ] as Told[]).map((told) => [PATHS.openai, told] as [string, Told]);
  yield* ([
    {
      status: 403,
      fields: json,
      body: '{"type":"error",' + anthropic.body.slice(1),
    },
    error(403, { type: "permission_error", message: "Request not allowed" }),
    error(403, { type: "forbidden", message: "Request not allowed for you" }),
    { status: 400, fields: json, body: anthropic.body },
    { status: 403, fields: json, body: openai.body },
  ] as Told[]).map((told) => [PATHS.anthropic, told] as [string, Told]);
  yield* ([
    error(400, { status: "FAILED_PRECONDITION", message: "Enable billing." }),
    error(400, {
      status: "INVALID_ARGUMENT",
      message: "User location is not supported",
    }),
    { status: 403, fields: json, body: gemini.body },
  ] as Told[]).map((told) => [PATHS.gemini, told] as [string, Told]);
}

for (const primary of RUNTIMES) {
  for (const hop of RUNTIMES) {
    Deno.test(`a primary on ${primary}, its hop on ${hop}`, async (t) => {
      await withPair({ primary, hop }, async (pair) => {
        for (const [law, holds] of Object.entries(laws)) {
          await t.step(law, () => holds(pair));
        }
      }, { EGRESS_HOP_SECONDS: "1" });
    });
  }
}
