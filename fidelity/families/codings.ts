/** Content codings, both ways: what is compressed stays so, and is called what it is. */

import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from "node:zlib";
import { bytes, type Part } from "../../test/raw.ts";
import type { Case } from "../case.ts";
import { membersFor } from "./members.ts";

const TEXT = `{"model":"gpt-4o","messages":[],"x":"${"hello ".repeat(100)}"}`;
const STREAM = 'data: {"choices":[]}\n\ndata: [DONE]\n\n';

/** Coding, content, what it is. */
const CODED: readonly [coding: string, content: Part, what?: string][] = [
  ["gzip", gzipSync(TEXT)],
  ["x-gzip", gzipSync(TEXT)],
  ["GZIP", gzipSync(TEXT), "in capitals"],
  ["br", brotliCompressSync(TEXT)],
  ["zstd", zstdCompressSync(bytes(TEXT))],
  ["deflate", deflateSync(TEXT)],
  ["deflate", deflateRawSync(TEXT), "raw"],
  ["gzip, gzip", gzipSync(gzipSync(TEXT))],
  ["identity", TEXT],
  ["unheard-of", TEXT],
  ["gzip", "this is no gzip", "in name only"],
  ["gzip", gzipSync(TEXT).subarray(0, 40), "cut"],
];

const JSON_TYPE = "content-type: application/json";
const PATHS = ["/v1/x", "/v1/chat/completions"];

export const codings: readonly Case[] = CODED.flatMap(
  ([coding, content, what = ""]): Case[] => {
    const fields = [JSON_TYPE, `content-encoding: ${coding}`];
    const name = [coding, what].join(" ").trim();
    return PATHS.flatMap((target): Case[] => {
      const asks = {
        method: "POST",
        target,
        fields: [JSON_TYPE, `accept-encoding: ${coding}`],
        content: `{${membersFor(target)}}`,
      };
      return [
        {
          name: `up to ${target}: ${name}`,
          sends: { method: "POST", target, fields, content },
        },
        {
          name: `down from ${target}: ${name}`,
          sends: asks,
          answers: { fields, content },
        },
        {
          name: `down from ${target} in chunks: ${name}`,
          sends: asks,
          answers: { fields, chunks: [content] },
        },
      ];
    });
  },
).concat([{
  name: "an event stream in gzip",
  sends: {
    method: "POST",
    target: "/v1/chat/completions",
    fields: [JSON_TYPE, "accept-encoding: gzip"],
    content: `{${membersFor("/v1/chat")},"stream":true}`,
  },
  answers: {
    fields: ["content-type: text/event-stream", "content-encoding: gzip"],
    chunks: [gzipSync(STREAM)],
  },
}]);
