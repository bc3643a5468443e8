/** No URL that an origin gives out leads around doppel, and doppel follows none. */

import { SLOT } from "./expect.ts";
import { message } from "./raw.ts";
import { ask, DOPPEL, reply, type Row, send, table } from "./wire.ts";

const HERE = `http://${DOPPEL}`;

/** Redirects are never followed; those to the origin would lead around doppel. */
const redirects: Row[] = [
  ...[301, 302, 303, 307, 308].flatMap((status): Row[] => [
    {
      name: `${status} comes back to doppel`,
      answers: reply(
        `${status} Elsewhere`,
        ["location: {origin}/v1/y?a=%20b#c"],
        "see there",
      ),
      gets: {
        status,
        fields: [`location: ${HERE}/v1/y?a=%20b#c`],
        content: "see there",
      },
    },
    {
      name: `${status} to a POST is not obeyed either`,
      sends: send("POST /v1/x", "content"),
      answers: reply(`${status} Elsewhere`, ["location: {origin}/v1/y"]),
      reaches: { target: "POST /v1/x", content: "content" },
      gets: { status, fields: [`location: ${HERE}/v1/y`], content: "" },
    },
  ]),
  {
    name: "the prefix is put back",
    sends: ask("GET /openai/v1/x"),
    answers: reply("302 Found", ["location: {origin}/v1/y"]),
    gets: {
      status: 302,
      fields: [`location: ${HERE}/openai/v1/y`],
      content: "",
    },
  },
  {
    name: "the origin's base path is taken off",
    sends: ask("GET /gemini/v1beta/x"),
    answers: reply("302 Found", ["location: {origin}/base/v1beta/y"]),
    reaches: { target: "GET /base/v1beta/x", slot: SLOT.gemini },
    gets: {
      status: 302,
      fields: [`location: ${HERE}/gemini/v1beta/y`],
      content: "",
    },
  },
  ...[
    "/v1/y",
    "y?z",
    "https://elsewhere.test/v1/y",
    "{origin}.elsewhere.test/v1/y",
    "{origin}1/v1/y",
    "https://user@elsewhere.test/?u={origin}/",
  ].map((location): Row => ({
    name: `a location that is not the origin's stays: ${location}`,
    answers: reply("302 Found", [`location: ${location}`]),
    gets: { status: 302, fields: [`location: ${location}`], content: "" },
  })),
  {
    name: "the origin alone",
    answers: reply("302 Found", ["location: {origin}"]),
    gets: { status: 302, fields: [`location: ${HERE}`], content: "" },
  },
  {
    name: "a resumable upload goes on through doppel",
    sends: send("POST /upload/v1beta/files", "{}", [
      "x-goog-upload-command: start",
    ]),
    answers: reply("200 OK", [
      "x-goog-upload-url: {origin}/base/upload/v1beta/files?upload_id=1",
      "x-goog-upload-control-url: {origin}/base/upload/v1beta/files?upload_id=2",
      "content-location: {origin}/base/v1beta/files/1",
      "x-goog-upload-status: active",
    ]),
    reaches: {
      target: "POST /base/upload/v1beta/files",
      slot: SLOT.gemini,
      fields: ["x-goog-upload-command: start"],
      content: "{}",
    },
    gets: {
      fields: [
        `x-goog-upload-url: ${HERE}/upload/v1beta/files?upload_id=1`,
        `x-goog-upload-control-url: ${HERE}/upload/v1beta/files?upload_id=2`,
        `content-location: ${HERE}/v1beta/files/1`,
        "x-goog-upload-status: active",
      ],
      content: "",
    },
  },
];

/** A JSON field that SDKs follow, among bytes that stay. */
const inJson: Row = {
  name: "a batch's results come through doppel",
  sends: ask("GET /anthropic/v1/messages/batches/1"),
  answers: message("HTTP/1.1 200 OK", [
    "content-type: application/json",
    "connection: close",
  ], '{ "n":1.0, "results_url" : "{origin}/v1/x?a", "s":"{origin}/v1/x"}'),
  closes: true,
  reaches: {
    target: "GET /v1/messages/batches/1",
    slot: SLOT.anthropic,
  },
  gets: {
    fields: ["content-type: application/json"],
    content:
      `{ "n":1.0, "results_url" : "${HERE}/anthropic/v1/x?a", "s":"{origin}/v1/x"}`,
  },
};

table("redirects", [...redirects, inJson]);
