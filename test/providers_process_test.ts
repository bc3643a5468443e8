/** The owner's settings for providers, in a process: what stops a start, and where a fixed field goes. */

import assert from "node:assert/strict";
import { keepSecret } from "./evidence.ts";
import { OWN, T, withPair } from "./hop.ts";
import { onScene } from "./socket.ts";
import { ALL_KEYS, RUNTIMES, startDoppel } from "./subject.ts";

const SECRET = "fixed-canary-of-the-owner-5be1";
keepSecret(SECRET);
const PAIR =
  `cf-access-client-id: id-1; cf-access-client-secret: ${SECRET}; x-team: ours`;
const FIXED = {
  "cf-access-client-id": "id-1",
  "cf-access-client-secret": SECRET,
  "x-team": "ours",
};

const stops: [env: Record<string, string>, says: RegExp][] = [
  [{ CUSTOM_PROVIDERS: "admin" }, /^CUSTOM_PROVIDERS must be names /],
  [{ CUSTOM_PROVIDERS: "lab" }, /^LAB_UPSTREAM is missing\.$/],
  [{ OPENAI_HEADERS: `authorization: ${SECRET}` }, /^OPENAI_HEADERS must be /],
  [{ OPENAI_GATEWAY: "https://x/v1/a/g" }, /^OPENAI_GATEWAY must end in /],
];

for (const runtime of RUNTIMES) {
  for (const [env, says] of stops) {
    Deno.test(`${runtime}: ${Object.keys(env)} that cannot be understood stops the start in one line`, async () => {
      await assert.rejects(startDoppel({ runtime, env }), (error: Error) => {
        const said = error.message.split("\n").slice(1).filter(Boolean);
        assert.equal(said.length, 1, error.message);
        const [, why = ""] = /^doppel cannot start: (.*)$/.exec(said[0]!) ?? [];
        assert.match(why, says);
        assert.ok(!why.includes(SECRET));
        return true;
      });
    });
  }

  Deno.test(`${runtime}: the first start says which APIs have keys, and which need none`, async () => {
    const doppel = await startDoppel({
      runtime,
      env: {
        OLLAMA_UPSTREAM: "http://127.0.0.1:11434/v1",
        CUSTOM_PROVIDERS: "lab",
        LAB_UPSTREAM: "https://lab.example",
        LAB_HEADERS: PAIR,
      },
    });
    const output = doppel.output();
    assert.match(
      output,
      /keys +.*xai \(1\), ollama \(none needed\), lab \(none needed\)\n/,
    );
    assert.ok(!output.includes(SECRET));
    const { providers } = await doppel.admin("GET", "/admin/providers") as {
      providers: { id: string; origin: string; credentials: string[] }[];
    };
    const last = providers.slice(-2).map((
      { id, origin, credentials },
    ) => ({ id, origin, credentials }));
    assert.deepEqual(last, [
      {
        id: "ollama",
        origin: "http://127.0.0.1:11434/v1",
        credentials: ["ollama-1"],
      },
      { id: "lab", origin: "https://lab.example", credentials: ["lab-1"] },
    ]);
    assert.equal(await doppel.stop(), 0);
  });

  Deno.test(`${runtime}: sockets carry the fixed fields of their origin, and no other's`, async () => {
    await onScene({
      runtime,
      env: { OPENAI_HEADERS: PAIR },
    }, async ({ dial, origin, token }) => {
      const headers = { authorization: `Bearer ${token}`, "x-team": "theirs" };
      await dial("/v1/realtime?model=x", { headers });
      const {
        host: _,
        connection: __,
        upgrade: ___,
        "sec-websocket-key": ____,
        "sec-websocket-version": _____,
        ...fields
      } = origin.asked.at(-1)!.headers;
      assert.deepEqual(fields, {
        ...FIXED,
        authorization: `Bearer ${ALL_KEYS.openai}`,
        "user-agent": "doppel",
        "accept-encoding": "identity",
      });
      await dial(
        "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
        { headers },
      );
      const other = origin.asked.at(-1)!.headers;
      assert.equal(other["x-team"], "theirs");
      assert.ok(!JSON.stringify(other).includes(SECRET));
    });
  });

  Deno.test(`${runtime}: a hop gets no fixed field of the primary's`, async () => {
    const runtimes = { primary: runtime, hop: runtime };
    await withPair(runtimes, async ({ send, origin, tap }) => {
      const answer = await send("/v1/models/m", {
        headers: { authorization: `Bearer ${T}` },
      });
      assert.equal(answer.status, 200);
      await answer.body?.cancel();
      const [direct, through] = origin.visits;
      assert.deepEqual([direct!.from, through!.from], ["primary", "hop"]);
      for (const [name, value] of Object.entries(FIXED)) {
        assert.equal(direct!.headers[name], value);
        assert.equal(through!.headers[name], undefined, name);
      }
      assert.ok(!tap.text().includes(SECRET));
      assert.ok(!tap.text().includes(OWN.primary.openai));
    }, { OPENAI_HEADERS: PAIR });
  });
}
