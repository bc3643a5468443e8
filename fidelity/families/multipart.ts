/** Uploads of files: boundaries and parts as they were written. */

import { Buffer } from "node:buffer";
import { bytes, type Part } from "../../test/raw.ts";
import type { Case } from "../case.ts";
import { utf8 } from "../message.ts";

const BINARY = Buffer.from(Array.from({ length: 256 }, (_, i) => i));

/** A file and a field between boundaries. */
function parts(boundary: string, content: Part, file = 'filename="a.bin"') {
  return bytes(
    `--${boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants\r\n`,
    `--${boundary}\r\ncontent-disposition: form-data; name="file"; ${file}\r\nContent-Type: application/octet-stream\r\n\r\n`,
    content,
    `\r\n--${boundary}--\r\n`,
  );
}

const BODIES: Readonly<Record<string, [type: string, content: Buffer]>> = {
  "plain": ["boundary=plain", parts("plain", "text")],
  "every byte": ["boundary=plain", parts("plain", BINARY)],
  "a browser's boundary": [
    "boundary=----WebKitFormBoundaryAbC123",
    parts("----WebKitFormBoundaryAbC123", BINARY),
  ],
  "a quoted boundary": [
    'boundary="a b:c=d?"',
    parts("a b:c=d?", "text"),
  ],
  "a boundary in capitals, and another parameter": [
    "charset=UTF-8; Boundary=XYZ",
    parts("XYZ", "text"),
  ],
  "a boundary within the content": [
    "boundary=b",
    parts("b", "\r\n--bb\r\n--b-\r\n --b--\r\n"),
  ],
  "a preamble and an epilogue": [
    "boundary=b",
    bytes("before\r\n", parts("b", "text"), "behind\r\n"),
  ],
  "line ends without a carriage return": [
    "boundary=b",
    bytes(parts("b", "x").toString("latin1").replaceAll("\r\n", "\n")),
  ],
  "a file's name in UTF-8": [
    "boundary=b",
    parts("b", "x", utf8('filename="é€.txt"')),
  ],
  "a file's name in two spellings": [
    "boundary=b",
    parts("b", "x", `filename="a.txt"; filename*=UTF-8''%c3%a9.txt`),
  ],
  "an empty file": ["boundary=b", parts("b", "")],
  "100 kB": ["boundary=b", parts("b", Buffer.alloc(100_000, BINARY))],
  "no last boundary": ["boundary=b", parts("b", "x").subarray(0, -8)],
};

const PATHS = ["/v1/files", "/v1/audio/transcriptions", "/v1/images/edits"];

export const multipart: readonly Case[] = Object.entries(BODIES).flatMap(
  ([name, [type, content]]) => {
    const fields = [`content-type: multipart/form-data; ${type}`];
    return PATHS.flatMap((target) => [
      {
        name: `${name}, to ${target}`,
        sends: { method: "POST", target, fields, content },
      },
      {
        name: `${name}, to ${target} in chunks`,
        sends: {
          method: "POST",
          target,
          fields,
          chunks: [content.subarray(0, 50), content.subarray(50)],
        },
      },
    ]);
  },
);
