/** A kit that cannot fail is worthless: an honest gateway loses nothing, one that does a single thing wrong loses where it does. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { gunzipSync } from "node:zlib";
import { type Fault, startHonest } from "../fidelity/honest.ts";
import { startOrigin } from "../fidelity/origin.ts";
import { said } from "../fidelity/report.ts";
import { chosen, look } from "../fidelity/run.ts";
import { field, type Head } from "./raw.ts";

const PLAYED = chosen({ quick: true, seed: 7, cases: 30 });
const TOKEN = "fidelity-fault-token";
const KEY = "fidelity-fault-key";

async function lookAt(
  fault: Fault,
  { only, within = /./ }: { only?: readonly string[]; within?: RegExp } = {},
) {
  const origin = await startOrigin();
  const between = { origin: origin.url, token: TOKEN, key: KEY };
  const { url, stop } = await startHonest(between, fault);
  const gateway = { url, token: TOKEN, key: KEY };
  const played = Object.fromEntries(
    Object.entries(PLAYED).filter(([name]) => only?.includes(name) ?? true)
      .map(([name, cases]) => [
        name,
        name === only?.[0]
          ? cases.filter((one) => within.test(one.name))
          : cases,
      ]),
  );
  try {
    return await look("a gateway by hand", played, { origin, gateway });
  } finally {
    await stop();
    await origin.stop();
  }
}

const line = (mend: (line: string) => string) => (head: Head): Head => ({
  ...head,
  line: mend(head.line),
});
const fields =
  (mend: (field: string) => string | string[]) => (head: Head) => ({
    ...head,
    fields: head.fields.flatMap(mend),
  });
const without = (name: string) =>
  fields((field) => field.startsWith(`${name}:`) ? [] : field);

function text(mend: (text: string) => string) {
  return (content: Buffer) =>
    Buffer.from(mend(content.toString("latin1")), "latin1");
}

/** As most gateways do. */
const parsed = (content: Buffer) => {
  try {
    return Buffer.from(JSON.stringify(JSON.parse(content.toString())));
  } catch {
    return content;
  }
};

const unzipped = (content: Buffer, head: Head) => {
  try {
    return field(head, "content-encoding") === "gzip"
      ? gunzipSync(content)
      : content;
  } catch {
    return content;
  }
};

const cut = (content: Buffer) => content.subarray(0, 100_000);
const rest = { spares: "redirects" };

interface Wrong extends Fault {
  /** The family that must see it. */
  readonly sees: string;
  /** One that must not. */
  readonly spares: string;
  /** Cases of the former that suffice, where all would wait long in vain. */
  readonly within?: RegExp;
}

const FAULTS: Readonly<Record<string, Wrong>> = {
  "lower-cases the query": {
    up: line((line) => line.replace(/\?\S*/, (query) => query.toLowerCase())),
    sees: "targets",
    spares: "errors",
  },
  "decodes the path": {
    up: line((line) => line.replaceAll("%7e", "~")),
    sees: "targets",
    spares: "errors",
  },
  "loses an empty query": {
    up: line((line) => line.replace("? ", " ")),
    sees: "targets",
    spares: "errors",
  },
  "drops a field": { up: without("openai-beta"), sees: "fields", ...rest },
  "drops what it does not know": {
    up: without("x-unheard-of"),
    sees: "fields",
    ...rest,
  },
  "adds a field": {
    up: (head) => ({ ...head, fields: [...head.fields, "x-added: 1"] }),
    sees: "fields",
    spares: "deaths",
  },
  "turns the order of a name's lines": {
    up: (head) => ({ ...head, fields: head.fields.toReversed() }),
    sees: "fields",
    ...rest,
  },
  "passes hop-by-hop fields": { hops: true, sees: "fields", ...rest },
  "leaks the token": { leaks: true, sees: "fields", spares: "deaths" },
  "parses requests": { contentUp: parsed, sees: "json", ...rest },
  "parses what it has read": {
    contentDown: parsed,
    sees: "corpus",
    spares: "targets",
  },
  "parses answers": { contentDown: parsed, sees: "json", spares: "targets" },
  "sends POSTs twice": {
    repeats: true,
    sees: "requests",
    spares: "targets",
    within: /^POST with a length$/,
  },
  "holds uploads back": {
    contentUp: (content) => content,
    sees: "requests",
    within: /flows, with a length/,
    ...rest,
  },
  "writes boundaries anew": {
    up: fields((field) =>
      field.startsWith("content-type: multipart/")
        ? "content-type: multipart/form-data; boundary=anew"
        : field
    ),
    sees: "multipart",
    ...rest,
  },
  "cuts what is large": { contentUp: cut, sees: "large", ...rest },
  "cuts large answers": { contentDown: cut, sees: "large", ...rest },
  "makes a 204 a 200": {
    down: line((line) => line.replace(" 204 ", " 200 ")),
    sees: "statuses",
    within: /^204$/,
    ...rest,
  },
  "drops a length of HEAD": {
    down: fields((field) =>
      field === "content-length: 1234" ? "content-length: 7" : field
    ),
    sees: "statuses",
    ...rest,
  },
  "decodes gzip": { contentDown: unzipped, sees: "codings", ...rest },
  "decodes gzip and says so": {
    contentDown: unzipped,
    down: without("content-encoding"),
    sees: "codings",
    ...rest,
  },
  "mends line ends": {
    contentDown: text((text) => text.replaceAll("\r\n", "\n")),
    sees: "events",
    within: /^CRLF cut/,
    ...rest,
  },
  "drops comments": {
    contentDown: text((text) => text.replaceAll(/^:.*\n/gm, "")),
    sees: "events",
    within: /^comments/,
    ...rest,
  },
  "merges events": {
    contentDown: (content) => content,
    sees: "events",
    within: /^events come/,
    spares: "targets",
  },
  "hides errors": {
    down: line((line) => line.replace(" 529 ", " 500 ")),
    sees: "errors",
    spares: "targets",
  },
  "drops retry-after": {
    down: without("retry-after"),
    sees: "errors",
    spares: "targets",
  },
  "follows redirects": {
    follows: true,
    sees: "redirects",
    spares: "errors",
  },
  "tells no origin that the client left": {
    stays: true,
    sees: "aborts",
    within: /closes within chunks/,
    ...rest,
  },
  "forges an end": { forges: true, sees: "deaths", ...rest },
  "closes sockets with 1000": {
    frames: (piece) => {
      const at = piece.length >= 4 ? piece.lastIndexOf(0x88) : -1;
      if (at !== -1 && at + 4 <= piece.length) {
        piece.writeUInt16BE(1000, at + 2);
      }
      return piece;
    },
    sees: "sockets",
    ...rest,
  },
  "makes binary text": {
    frames: (piece) => {
      if (piece[0] === 0x82) piece[0] = 0x81;
      return piece;
    },
    sees: "sockets",
    ...rest,
  },
  "drops the subprotocol": {
    up: without("sec-websocket-protocol"),
    sees: "sockets",
    ...rest,
  },
};

Deno.test("fidelity: an honest gateway loses nothing and needs no line of the list", async () => {
  const { failures, allowed } = await lookAt({});
  assert.deepEqual(
    failures.map(({ family, name, differences }) =>
      `${family}, ${name}: ${said(differences)}`
    ),
    [],
  );
  assert.ok(Object.values(allowed).every((times) => times === 0));
});

Deno.test("fidelity: one that does a single thing wrong is seen where it does", async (t) => {
  for (
    const [name, { sees, spares, within, ...fault }] of Object.entries(FAULTS)
  ) {
    await t.step(name, async () => {
      const { families } = await lookAt(fault, {
        only: [sees, spares],
        ...(within && { within }),
      });
      const lost = families.filter(({ passed, total }) => passed < total)
        .map(({ family }) => family);
      assert.deepEqual(lost, [sees]);
    });
  }
  const seen = new Set(Object.values(FAULTS).map(({ sees }) => sees));
  const families = Object.keys(PLAYED).filter((name) => name !== "fuzz");
  await t.step(
    "every family sees something",
    () => assert.deepEqual(families.filter((family) => !seen.has(family)), []),
  );
});

Deno.test("fidelity: generated traffic sees faults too, and says how to see them again", async () => {
  const { reproductions, families } = await lookAt({ contentUp: parsed }, {
    only: ["fuzz"],
  });
  assert.ok(families[0]!.passed < families[0]!.total);
  const least = JSON.parse(reproductions[0]!);
  assert.match(least.name, /^--seed \d+ --cases 1$/);
  assert.deepEqual(least.answers, {});
});
