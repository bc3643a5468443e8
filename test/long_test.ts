/** Very long and very slow: silence, pings, five hundred streams, half a gigabyte. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import process from "node:process";
import { checkAnswer } from "./expect.ts";
import {
  chunk,
  chunked,
  follow,
  message,
  type Part,
  readAnswer,
  type Wire,
} from "./raw.ts";
import { always, OK } from "./raw_origin.ts";
import { RUNTIMES, type Subject, until } from "./subject.ts";
import {
  ask,
  atOnce,
  BEARER,
  call,
  DOPPEL,
  type Laws,
  laws,
  onStage,
  send,
  type Stage,
  within,
} from "./wire.ts";

const EVENTS = [
  "content-type: text/event-stream",
  "transfer-encoding: chunked",
];

function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

/** What a client gets of `parts` with 2.5 s of silence before each but the first. */
async function slowly(
  stage: Stage,
  parts: readonly Part[],
  { status = "200 OK", fields = EVENTS }: {
    status?: string;
    fields?: readonly string[];
  } = {},
): Promise<string> {
  const length = fields.some((field) => field.startsWith("content-length"));
  const framed = (part: Part) => length || part === "" ? part : chunk(part);
  const { client, line, path } = await call(stage, {
    async script({ wire }) {
      await wire.write(message(`HTTP/1.1 ${status}`, fields));
      for (const [i, part] of parts.entries()) {
        if (i > 0) await sleep(2.5);
        await wire.write(framed(part));
      }
      if (!length) await wire.write(chunked());
    },
  });
  const answer = await within(readAnswer(client), 20_000);
  assert.equal(answer?.whole, true);
  await line();
  const logged = stage.doppel.lines().find((line) => line.path === path)!;
  assert.equal(logged.bytes, parts.join("").length);
  return answer.content.toString("latin1");
}

/** With `SSE_PING_SECONDS` of 1 and `IDLE_SECONDS` of 5. */
const pings: Laws = {
  "a silent event stream gets comments between its events": async (stage) => {
    const got = await slowly(stage, ["data: 1\n\n", "data: 2\n\n"]);
    assert.match(got, /^data: 1\n\n(?:: ping\n\n){1,3}data: 2\n\n$/);
  },
  "however its lines end, and wherever it is cut": async (stage) => {
    const got = await slowly(stage, [
      "data: 1\r",
      "\n\r",
      "\ndata: 2\r\n\r\n",
      "data: 3\r\r",
      "end",
    ]);
    const [one, two, ...more] = got.split(/(?:: ping\n\n)+/);
    assert.equal(one, "data: 1\r\n\r\ndata: 2\r\n\r\n");
    assert.equal(two, "data: 3\r\r");
    assert.deepEqual(more, ["end"]);
  },
  "none before its first byte, within a line or within an event": async (
    stage,
  ) => {
    const parts = ["", "event: a\ndata", ": 1\n", "data: 2\n", "\n"];
    assert.equal(await slowly(stage, parts), parts.join(""));
  },
  ...Object.fromEntries(
    Object.entries({
      "of another type": {
        fields: ["content-type: application/json", EVENTS[1]!],
      },
      "of a known length": { fields: [EVENTS[0]!, "content-length: 18"] },
      "with a coding": { fields: [...EVENTS, "content-encoding: gzip"] },
      "with another status": { status: "206 Partial Content" },
    }).map(([name, head]) =>
      [`none in an answer ${name}`, async (stage) => {
        const parts = ["data: 1\n\n", "data: 2\n\n"];
        assert.equal(await slowly(stage, parts, head), parts.join(""));
      }] as [string, Laws[string]]
    ),
  ),
  "a ping is no sign of the origin's life": async (stage) => {
    const { client, exchange, line } = await call(stage, {
      script: ({ wire }) =>
        wire.write(message("HTTP/1.1 200 OK", EVENTS), chunk("data: 1\n\n")),
    });
    const answer = await within(readAnswer(client), 10_000);
    assert.equal(answer?.whole, false);
    const [event, ...rest] = answer.content.toString().split("\n\n");
    assert.equal(event, "data: 1");
    assert.ok(
      rest.length > 1 && rest.join("") === ": ping".repeat(rest.length - 1),
    );
    await until((await exchange()).wire.closed);
    assert.deepEqual(await line(), { status: 200, ending: "origin_silent" });
  },
};

/** With `IDLE_SECONDS` of 3. Deno's fetch loses an abort once its garbage collector has run. */
const collected: Laws = {
  "silence is cut after much garbage, too": async (stage) => {
    const streams = await Promise.all(
      Array.from({ length: 8 }, () =>
        call(stage, {
          script: ({ wire }) =>
            wire.write(
              message("HTTP/1.1 200 OK", EVENTS),
              chunk("data: 1\n\n"),
            ),
        })),
    );
    const answers = streams.map(({ client }) => readAnswer(client));
    const work = async () => {
      const { client } = await call(stage, {
        script: always(OK),
        sends: (path) => send(`POST ${path}`, "x".repeat(30_000)),
      });
      checkAnswer(await within(readAnswer(client)), {}, stage.runtime);
      await client.close();
    };
    for (let i = 0; i < 60; i++) {
      await Promise.all(Array.from({ length: 8 }, work));
    }
    for (const answer of answers) {
      const got = await within(answer, 10_000);
      assert.equal(got?.whole, false);
      assert.equal(got.content.toString(), "data: 1\n\n");
    }
    for (const { line } of streams) {
      assert.deepEqual(await line(), { status: 200, ending: "origin_silent" });
    }
  },
};

atOnce("pings, one second apart", pings, () => ({
  SSE_PING_SECONDS: "1",
  IDLE_SECONDS: "5",
}));
atOnce("three seconds of silence", collected, () => ({ IDLE_SECONDS: "3" }));

/** What a client that waits for leave to send its content is told. */
const waits: Laws = {
  "a client that waits is told to go on, and the origin knows nothing of it":
    async (stage) => {
      const { client, exchange, line } = await call(stage, {
        script: always(OK),
        sends: (path) =>
          ask(`POST ${path}`, ["expect: 100-continue", "content-length: 5"]),
      });
      assert.equal(await within(client.line()), "HTTP/1.1 100 Continue");
      assert.equal(await within(client.line()), "");
      await client.write("after");
      checkAnswer(await within(readAnswer(client)), {}, stage.runtime);
      const { fields, content } = await (await exchange()).whole();
      assert.equal(content.toString(), "after");
      assert.ok(!fields.some((field) => /^expect:/.test(field)));
      assert.deepEqual(await line(), { status: 200, ending: "complete" });
    },
  ...Object.fromEntries(
    Object.entries<[status: number, fields: string[]]>({
      "without a token": [401, ["content-length: 5"]],
      "with too much": [413, [BEARER, "content-length: 9999999999"]],
      "without a token, in chunks": [401, ["transfer-encoding: chunked"]],
    }).map(([name, [status, fields]]) =>
      [
        `a client that waits ${name} is refused at once`,
        async (stage) => {
          const client = await stage.connect();
          await client.write(
            message("POST /v1/files HTTP/1.1", [
              `host: ${DOPPEL}`,
              "expect: 100-continue",
              ...fields,
            ]),
          );
          const refused = await within(readAnswer(client, "POST"));
          assert.equal(refused?.status, status);
          assert.equal(refused.whole, true);
          // What was refused is not sent; what is sent instead is no content of it.
          await client.write(
            message("GET /healthz HTTP/1.1", [`host: ${DOPPEL}`]),
          );
          client.end();
          const next = await within(readAnswer(client));
          assert.ok(next === undefined || [200, 400].includes(next.status));
        },
      ] as [string, Laws[string]]
    ),
  ),
  "trailers of an answer are dropped": async (stage) => {
    const { client } = await call(stage, {
      script: ({ wire }) =>
        wire.write(
          message("HTTP/1.1 200 OK", [EVENTS[1]!, "trailer: x-sum"]),
          chunk("ok"),
          "0\r\nx-sum: 1\r\n\r\n",
        ),
    });
    const answer = await within(readAnswer(client));
    checkAnswer(answer, {}, stage.runtime);
    assert.doesNotMatch(answer!.fields.join("\n"), /x-sum/);
  },
};

const MIB = 1_048_576;
/** The bound: resident memory above that of a doppel which has served a few requests. */
const ROOM = 64 * MIB;

/** Resident memory of a process that has already served requests like those to come, and its peak since the last restart; `undefined` where the system does not tell. */
function memory({ pid }: Subject) {
  const file = `/proc/${pid}/status`;
  if (!existsSync(file)) return undefined;
  const read = (field: string) =>
    1024 * Number(
      new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(file, "utf8"))![1],
    );
  const restart = () => writeFileSync(`/proc/${pid}/clear_refs`, "5");
  restart();
  const idle = read("VmRSS");
  return { restart, grown: () => read("VmHWM") - idle };
}

/** Fails where the peak since `memory()` is out of bounds; `MEASURE=file` keeps it. */
function assertSmall(
  name: string,
  { runtime }: Stage,
  measured: ReturnType<typeof memory>,
) {
  if (measured === undefined) return;
  const grown = measured.grown();
  const mib = Math.round(grown / MIB);
  if (process.env.MEASURE) {
    keep(`${name}, ${runtime}: +${mib} MiB`);
  }
  assert.ok(grown <= ROOM, `${mib} MiB above idle`);
}

function keep(line: string) {
  const file = process.env.MEASURE;
  if (file) appendFileSync(file, line + "\n");
}

interface Upload {
  readonly size: number;
  /** Bytes of each of the client's chunks in turn; if absent, a length goes before. */
  readonly chunks?: readonly number[];
  /** Milliseconds the origin waits after each MiB. */
  readonly slow?: number;
}

/** Sends it, compares what arrives. */
async function goesUp(stage: Stage, upload: Upload) {
  const { size, chunks, slow = 0 } = upload;
  const hash = createHash("sha256");
  let whole: boolean | undefined;
  let got = 0;
  const { client } = await call(stage, {
    async script({ content, wire }) {
      whole = await content((piece) => {
        hash.update(piece);
        const before = got;
        got += piece.length;
        if (slow === 0 || before >> 20 === got >> 20) return;
        return sleep(slow / 1000);
      });
      await wire.write(OK);
    },
    sends: (path) =>
      ask(`POST ${path}`, [
        chunks ? "transfer-encoding: chunked" : `content-length: ${size}`,
      ]),
  });
  const started = performance.now();
  const sent = await sendAll(client, upload);
  checkAnswer(await within(readAnswer(client), 60_000), {}, stage.runtime);
  const seconds = (performance.now() - started) / 1000;
  assert.equal(whole, true);
  assert.equal(hash.digest("hex"), sent);
  await client.close();
  return seconds;
}

async function sendAll(
  wire: Wire,
  { size, chunks }: Upload,
): Promise<string> {
  const sizes = chunks ?? [65_536];
  const block = randomBytes(MIB);
  const hash = createHash("sha256");
  for (let sent = 0, i = 0; sent < size; i++) {
    const length = Math.min(sizes[i % sizes.length]!, size - sent);
    const piece = Buffer.from(block.subarray(0, length));
    if (length >= 4) piece.writeUInt32BE(sent);
    hash.update(piece);
    await wire.write(chunks ? chunk(piece) : piece);
    sent += length;
  }
  if (chunks) await wire.write(chunked());
  return hash.digest("hex");
}

/** Each after a megabyte of its own kind, in a doppel that has done the ones before. */
const uploads: Laws = Object.fromEntries(
  Object.entries<Upload>({
    "512 MiB with a length": { size: 512 * MIB },
    "512 MiB in chunks of 64 KiB": { size: 512 * MIB, chunks: [65_536] },
    "128 MiB in chunks of 16 KiB": { size: 128 * MIB, chunks: [16_384] },
    "64 MiB in chunks of all sizes": {
      size: 64 * MIB,
      chunks: [100, 65_536, 1, 300_000, 4_096, 4_096, 8_192],
    },
    "512 MiB in chunks, to a slow origin": {
      size: 512 * MIB,
      chunks: [65_536],
      slow: 4,
    },
  }).map(([name, row]) => [name, async (stage) => {
    await goesUp(stage, { ...row, size: MIB });
    const measured = memory(stage.doppel);
    const seconds = await goesUp(stage, row);
    const speed = row.size / MIB / seconds;
    assertSmall(`${name}, ${speed.toFixed()} MiB/s`, stage, measured);
  }]),
);

const STREAMS = 500;
const EVENT = `data: ${"x".repeat(120)}\n\n`;

/** All but a fifth say something each second; those are silent in between. */
async function manyStreams(stage: Stage) {
  const start = (seconds: number, silent: boolean) =>
    call(stage, {
      async script({ wire }) {
        await wire.write(message("HTTP/1.1 200 OK", EVENTS));
        for (let i = 0; i < seconds; i++) {
          if (!silent || i === 0) await wire.write(chunk(EVENT));
          await sleep(1);
        }
        await wire.write(chunked(EVENT));
      },
    });
  const all = async (count: number, seconds: number) => {
    const calls = [];
    for (let i = 0; i < count; i++) {
      calls.push(await start(seconds, i % 5 === 0));
    }
    for (const [i, { client }] of calls.entries()) {
      const { ended, text } = follow(client);
      assert.equal(await within(ended, 30_000), true);
      assert.equal(text(), EVENT.repeat(i % 5 === 0 ? 2 : seconds + 1));
      await client.close();
    }
  };
  await all(10, 1);
  const measured = memory(stage.doppel);
  // What else this machine does may hold up who clears away, never hurry him.
  for (let tries = 3; tries > 0; tries--) {
    await all(STREAMS, 6);
    if (tries === 1 || measured === undefined || measured.grown() <= ROOM) {
      return assertSmall(`${STREAMS} streams`, stage, measured);
    }
    await sleep(1);
    measured.restart();
  }
}

laws("waiting for leave, and what comes last", waits);
laws("uploads in flat memory", uploads);

for (const runtime of RUNTIMES) {
  Deno.test(`streams in flat memory, on ${runtime}`, () =>
    onStage(runtime, manyStreams));
}
