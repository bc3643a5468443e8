/** Bytes go on as they come, in both directions, for as many at once as there are. */

import assert from "node:assert/strict";
import { checkAnswer } from "./expect.ts";
import { bytes, chunk, chunked, follow, message, readAnswer } from "./raw.ts";
import { always, OK } from "./raw_origin.ts";
import { until } from "./subject.ts";
import { ask, call, type Laws, laws, within } from "./wire.ts";

const STREAM = message("HTTP/1.1 200 OK", [
  "content-type: text/event-stream",
  "transfer-encoding: chunked",
]);
const EVENT = 'event: delta\ndata: {"text":"h\xc3\xa9"}\n\n';

const down: Laws = {
  "an event reaches the client before the next is sent": async (stage) => {
    const { client, exchange } = await call(stage, {
      script: ({ wire }) => wire.write(STREAM),
    });
    const answer = follow(client);
    const { wire } = await exchange();
    for (let sent = 1; sent <= 5; sent++) {
      await wire.write(chunk(EVENT));
      await until(() => answer.text() === EVENT.repeat(sent));
    }
    await wire.write(chunked());
    assert.equal(await within(answer.ended), true);
    assert.equal(answer.text(), EVENT.repeat(5));
  },
  "so does every piece of an event": async (stage) => {
    const { client, exchange } = await call(stage, {
      script: ({ wire }) => wire.write(STREAM),
    });
    const answer = follow(client);
    const { wire } = await exchange();
    // One byte at a time: between the two of `é`, the two line ends, all.
    for (let at = 0; at < EVENT.length; at++) {
      await wire.write(chunk(EVENT[at]!));
      await until(() => answer.text() === EVENT.slice(0, at + 1));
    }
    await wire.write(chunked());
    assert.equal(await within(answer.ended), true);
  },
  "and content of a known length": async (stage) => {
    const { client, exchange } = await call(stage, {
      script: ({ wire }) =>
        wire.write(message("HTTP/1.1 200 OK", ["content-length: 6"])),
    });
    const answer = follow(client);
    const { wire } = await exchange();
    for (const text of ["one", "two"]) {
      await wire.write(text);
      await until(() => answer.text().endsWith(text));
    }
    assert.equal(await within(answer.ended), true);
  },
  "one-byte chunks": async (stage) => {
    const content = "0123456789".repeat(300);
    const { client } = await call(stage, {
      script: always(bytes(STREAM, chunked(...content))),
    });
    checkAnswer(await within(readAnswer(client)), {
      fields: ["content-type: text/event-stream"],
      content,
    }, stage.runtime);
  },
  "the head goes before the content": async (stage) => {
    const { client, exchange, line } = await call(stage, {
      script: ({ wire }) => wire.write(STREAM),
    });
    const { wire } = await exchange();
    let answer;
    if (stage.runtime === "deno") {
      answer = follow(client);
      await until(() => answer!.head() !== undefined);
    } else {
      // Bun writes the first fields at once and the end of the head with the
      // first content: a client's `fetch` resolves only then.
      await until(() => client.waiting() > 0);
      await new Promise((resolve) => setTimeout(resolve, 300));
      const part = await client.some();
      assert.match(part.toString("latin1"), /^HTTP\/1\.1 200 OK\r\n/);
      assert.doesNotMatch(part.toString("latin1"), /\r\n\r\n/);
      answer = follow(client, part);
    }
    await wire.write(chunked(EVENT));
    assert.equal(await within(answer.ended), true);
    assert.equal(answer.text(), EVENT);
    assert.deepEqual(await line(), { status: 200, ending: "complete" });
  },
};

const up: Laws = {
  "a chunk reaches the origin before the next is sent": async (stage) => {
    let received = "";
    const { client } = await call(stage, {
      async script({ content, wire }) {
        await content((piece) => received += piece.toString("latin1"));
        await wire.write(OK);
      },
      sends: (path) =>
        ask(`POST ${path}`, ["transfer-encoding: chunked"], chunk("0")),
    });
    await until(() => received === "0");
    for (let sent = 1; sent <= 5; sent++) {
      await client.write(chunk(`${sent}`));
      await until(() => received.endsWith(`${sent}`));
    }
    await client.write(chunked());
    checkAnswer(await within(readAnswer(client)), {}, stage.runtime);
    assert.equal(received, "012345");
  },
  "so does a piece of long content": async (stage) => {
    let received = 0;
    const { client } = await call(stage, {
      async script({ content, wire }) {
        await content((piece) => received += piece.length);
        await wire.write(OK);
      },
      sends: (path) => ask(`POST ${path}`, ["content-length: 400000"]),
    });
    for (let sent = 1; sent <= 4; sent++) {
      await client.write("x".repeat(100_000));
      await until(() => received === sent * 100_000);
    }
    checkAnswer(await within(readAnswer(client)), {}, stage.runtime);
  },
  "one-byte chunks": async (stage) => {
    const content = "0123456789".repeat(300);
    const { client, exchange } = await call(stage, {
      script: always(OK),
      sends: (path) =>
        ask(
          `POST ${path}`,
          ["transfer-encoding: chunked"],
          chunked(...content),
        ),
    });
    checkAnswer(await within(readAnswer(client)), {}, stage.runtime);
    const whole = await (await exchange()).whole();
    assert.equal(whole.content.toString("latin1"), content);
  },
  "an answer may come before the request is whole": async (stage) => {
    const { client } = await call(stage, {
      async script({ wire }) {
        await wire.write(
          message("HTTP/1.1 413 Content Too Large", [
            "content-length: 5",
            "connection: close",
          ], "early"),
        );
      },
      sends: (path) =>
        ask(`POST ${path}`, ["transfer-encoding: chunked"], chunk("some")),
    });
    checkAnswer(await within(readAnswer(client)), {
      status: 413,
      content: "early",
    }, stage.runtime);
  },
  "what breaks its framing never arrives whole": async (stage) => {
    for (const rest of ["xyz\r\nabc\r\n", "3\r\nabcdefg\r\n0\r\n\r\n"]) {
      const { client, path } = await call(stage, {
        async script({ whole, wire }) {
          if ((await whole()).whole) await wire.write(OK);
        },
        sends: (path) =>
          ask(`POST ${path}`, ["transfer-encoding: chunked"], rest),
      });
      const answer = await within(readAnswer(client));
      assert.ok(answer === undefined || answer.status >= 400, path);
      for (const { whole } of stage.origin.reached) {
        assert.equal((await within(whole())).whole, false);
      }
      stage.origin.reached.length = 0;
    }
  },
};

laws("streams down", down);
laws("streams up", up);
