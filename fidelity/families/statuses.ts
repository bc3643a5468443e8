/** Statuses and what goes with them: no content, interim answers, HEAD. */

import { bytes, message } from "../../test/raw.ts";
import type { Case } from "../case.ts";

const TAG = 'etag: "x"';

const plain: Case[] = [200, 201, 202, 203, 206, 226, 299, 402, 405, 410, 418]
  .concat([451, 499, 501, 504, 530, 599]).map((status) => ({
    name: `${status}`,
    answers: { status: `${status} Whatever`, fields: [TAG], content: "text" },
  }));

const bodiless: Case[] = [
  {
    name: "204",
    answers: { status: "204 No Content", fields: [TAG], bare: "" },
  },
  { name: "205", answers: { status: "205 Reset Content", content: "" } },
  {
    name: "304 with a length",
    sends: { fields: ['if-none-match: "x"'] },
    answers: {
      status: "304 Not Modified",
      fields: [TAG, "content-length: 1234"],
      bare: "",
    },
  },
  {
    name: "304",
    answers: { status: "304 Not Modified", fields: [TAG], bare: "" },
  },
  { name: "no content", answers: { content: "" } },
  { name: "no content in chunks", answers: { chunks: [] } },
  {
    name: "DELETE and 204",
    sends: { method: "DELETE" },
    answers: { status: "204 No Content", bare: "" },
  },
];

const head: Case[] = [200, 404, 429, 529].map((status): Case => ({
  name: `HEAD ${status} with a length`,
  sends: { method: "HEAD" },
  answers: {
    status: `${status} X`,
    fields: ["content-type: a/b", "content-length: 1234"],
    bare: "",
  },
})).concat([{
  name: "HEAD of what has no length",
  sends: { method: "HEAD" },
  answers: { fields: ["transfer-encoding: chunked"], bare: "" },
}]);

const hints = message("HTTP/1.1 103 Early Hints", ["link: </x>"]);
const interim: Case[] = [
  { name: "103", answers: { before: hints } },
  {
    name: "100, 102, 103 and the answer",
    answers: {
      before: bytes(
        message("HTTP/1.1 100 Continue"),
        message("HTTP/1.1 102 Processing"),
        hints,
      ),
    },
  },
];

const framed: Case[] = [
  { name: "a length", answers: { content: "x".repeat(100_000) } },
  { name: "chunks", answers: { chunks: ["x".repeat(50_000), "y", "z"] } },
  { name: "until the connection ends", answers: { bare: "until the end" } },
  {
    name: "HTTP/1.0",
    answers: { version: "1.0", bare: "until the end" },
  },
  {
    name: "trailers",
    answers: {
      fields: ["trailer: x-sum"],
      chunks: ["abc"],
      trailers: ["x-sum: 1"],
    },
  },
  { name: "600", answers: { status: "600 Whatever" } },
];

export const statuses: readonly Case[] = [
  ...plain,
  ...bodiless,
  ...head,
  ...interim,
  ...framed,
];
