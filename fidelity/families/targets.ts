/** Paths and queries, byte for byte. */

import type { Case } from "../case.ts";

const TARGETS = [
  "/v1/x?flag",
  "/v1/x?a&&b",
  "/v1/x?",
  "/v1/x??",
  "/v1/x?&",
  "/v1/x?=",
  "/v1/x?a=1&a=2&b=&=c&a=3",
  "/v1/x?A=Mixed&case=UPPER%2fLower%2F",
  "/v1/x?a=%20+%2B",
  "/v1/x?a=1,2;b",
  "/v1/x?b?c=%3F+%20",
  "/v1/x?a=%zz&b=%",
  "/v1/x?a=%0d%0a%00",
  "/v1/x?u=http://elsewhere.test/../y",
  "/v1/x?a=..%2f..%5c",
  "/v1/x?include[]=a&include[]=b",
  "/v1/x?include%5B%5D=a",
  "/v1/x?a=[1]&b={2}&c=|&d=^&e=`&f=~",
  "/v1/x?a=\\",
  "/v1/x?a=%E2%82%AC&b=%e2%82%ac",
  "/v1/x?after=file_1&limit=100&order=desc",
  `/v1/x?long=${"a%20".repeat(1000)}`,
  "/v1/a%2Fb%2f",
  "/v1/a;p=1;q",
  "/v1/a//b///c/",
  "/v1/",
  "/v1/%zz",
  "/v1/%",
  "/v1/@x",
  "/v1/a%20b",
  "/v1/a+b",
  "/v1/%41%7e",
  "/v1/%252e%252e/x",
  "/v1/...",
  "/v1/a.b/.c/d./..e/f..",
  "/v1/x:y:z",
  "/v1/!$&'()*+,;=:@-._~",
  "/v1/[x]|y",
  "/v1/%E2%82%AC",
  "/v1/http://elsewhere.test/x",
  "/v1/models/ft:gpt-4o-mini:org::id",
];

/** What RFC 3986 gives no place to, as clients write it all the same. */
const ILL_WRITTEN = [
  "/v1/x?a='b'",
  '/v1/x?a="b"<c>',
  '/v1/"a"<b>{c}`d`',
  "/v1/\xc3\xa9?\xc3\xa9",
];

/** What readers resolve in different ways. */
const TWO_READINGS = [
  "/v1/a/../b",
  "/v1/a/./b",
  "/v1/a/%2e%2e/b",
  "/v1/..%2fx",
  "/v1/..;/x",
  "/v1/a\\b",
  "/v1/a%5cb",
  "/v1/%00",
  "/v1/%0d%0ax-injected:%201",
];

export const targets: readonly Case[] = [
  ...TARGETS,
  ...ILL_WRITTEN,
  ...TWO_READINGS,
].map((target) => ({ name: target.slice(0, 60), sends: { target } }));
