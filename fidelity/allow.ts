/**
 * The differences that are allowed, each with its reason: ten lines at most,
 * for every gateway alike. What the standards leave to an intermediary is not
 * in here (`standard.ts`), and all else fails its case.
 */

import { bytes } from "../test/raw.ts";
import type { Case, Gateway } from "./case.ts";
import type { Difference } from "./compare.ts";

export interface Allowed {
  /** Short, for the score. */
  readonly id: string;
  readonly what: string;
  readonly way: "up" | "down" | "both";
  readonly why: string;
  readonly allows: (difference: Difference, about: About) => boolean;
}

/** What a line may look at. */
export interface About {
  readonly one: Case;
  readonly gateway: Gateway;
  /** The origin's URL. */
  readonly origin: string;
}

/** Methods that some API has; preflights are a browser's question to the gateway itself. */
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/** Dot segments, backslashes, control characters, an empty first segment: written plain or percent-encoded. */
const TWO_READINGS =
  /^\/\/|\\|%5c|%(?:[01][0-9a-f]|7f)|(?:^|\/|%2f)(?:\.|%2e){1,2}(?=[/?;]|%2f|%3b|$)/i;

/** What RFC 3986 has no place for in a path or query, and `'`, which URL parsers encode in a query. */
const UNSAFE = /["<>`{}' \x7f-\xff|^\\[\]]/;

/** The gateway's own answer to a request that it does not take; Bun's server closes on methods it does not know. */
const REFUSAL = /^(?:HTTP\/1\.1 4\d\d |no answer$)/;

/** Fields whose URL a client goes on with. */
const FOLLOWED =
  /^(?:location|content-location|x-goog-upload-(?:control-)?url)$/;

export const ALLOWED: readonly Allowed[] = [
  {
    id: "coding",
    what: "accept-encoding is the gateway's own: identity for ours",
    way: "up",
    why:
      "no runtime's fetch hands over every coding it was asked for as it came; the one it can be trusted with is asked for instead",
    allows: ({ way, name, through }) =>
      way === "up" && name === "accept-encoding" && through !== undefined,
  },
  {
    id: "fetch",
    what:
      "accept, accept-language, sec-fetch-mode and user-agent where the client sent none",
    way: "up",
    why: "a runtime's fetch writes them by itself and cannot be kept from it",
    allows: ({ way, name = "", direct, through }) =>
      way === "up" && direct === undefined && through !== undefined &&
      /^(?:accept|accept-language|sec-fetch-mode|user-agent)$/.test(name),
  },
  {
    id: "caller",
    what: "cookies, forwarding and CDN fields, account choosers are left out",
    way: "up",
    why:
      "they say who the caller is, where, and on whose account: with the owner's key they would tell too much, choose another account, or fail",
    allows: ({ way, name = "", through }) =>
      way === "up" && through === undefined &&
      /^(?:cookie|forwarded|x-forwarded-.*|x-real-ip|cdn-loop|cf-.*|openai-(?:organization|project)|anthropic-workspace-id|x-goog-user-project)$/
        .test(name),
  },
  {
    id: "encoded",
    what: "characters that no URL may hold, and ' in a query, percent-encoded",
    way: "up",
    why:
      "the URL parser in front of every fetch does so; to an origin they are the same",
    allows: ({ what, direct = "", through = "" }) =>
      what === "target" && UNSAFE.test(direct) &&
      decoded(direct) === decoded(through),
  },
  {
    id: "two-readings",
    what:
      "a path that can be read in two ways is refused, or goes on as the one reading that was authorised",
    way: "up",
    why:
      "what a token may call is decided by the path; no API has such paths, and Bun resolves dots and backslashes before any code runs",
    allows: ({ what, through = "" }, { one }) =>
      (what === "target" || what === "refused" && REFUSAL.test(through)) &&
      TWO_READINGS.test(pathOf(one)),
  },
  {
    id: "no-api",
    what:
      "requests in a form that no API takes are refused: unknown methods, content with GET, trailers, an upgrade with content",
    way: "up",
    why:
      "readers differ about them, which is how requests are smuggled; Bun's server refuses trailers by itself, Deno's an upgrade with content",
    allows: ({ what, through = "" }, { one: { sends = {} } }) => {
      const { method = "GET", content = "", chunks, fields = [] } = sends;
      const has = bytes(content).length > 0 || chunks !== undefined;
      const upgrade = fields.some((field) => /^upgrade:/i.test(field));
      return what === "refused" && REFUSAL.test(through) && (
        !METHODS.includes(method) || sends.trailers !== undefined ||
        has && (method === "GET" || upgrade)
      );
    },
  },
  {
    id: "lengths",
    what: "an answer's length is lost, or of one without content said to be 0",
    way: "down",
    why:
      "the runtimes' servers frame answers: Bun in chunks whatever is not there at once, Deno no 205 and 304 with a length, both HEAD without one as 0",
    allows: ({ way, what, through }) =>
      way === "down" && what === "length" &&
      (through === undefined || through === "0"),
  },
  {
    id: "interim",
    what:
      "1xx answers end at the gateway, which says 100 itself where it is waited for",
    way: "both",
    why: "fetch shows none, and servers let none be written",
    allows: ({ what, name, through }) =>
      what === "interim" || name === "expect" && through === undefined,
  },
  {
    id: "own-name",
    what:
      "no cookie, alt-svc or transport security of the origin; safeguards and a request id where it sent none",
    way: "down",
    why:
      "answers of many origins come under the gateway's one name: no origin may set state for all, run as a page, or be without an id to find the log line by",
    allows: ({ way, name = "", direct, through }) =>
      way === "down" &&
      (through === undefined
        ? /^(?:set-cookie|alt-svc|strict-transport-security)$/.test(name)
        : direct === undefined &&
          /^(?:cache-control|content-security-policy|x-content-type-options|x-request-id|access-control-.*|vary)$/
            .test(name)),
  },
  {
    id: "location",
    what:
      "URLs of the origin that clients follow lead back through the gateway",
    way: "down",
    why:
      "followed as they are, they would send the client's token to the provider",
    allows: ({ way, name = "", direct = "", through }, { gateway, origin }) => {
      const { url, prefix = "" } = gateway;
      const back = direct.startsWith(origin)
        ? url + prefix + direct.slice(origin.length)
        : prefix + direct;
      return way === "down" && FOLLOWED.test(name) && through === back;
    },
  },
];

/** The line that allows it. */
export function allowedBy(
  difference: Difference,
  about: About,
): Allowed | undefined {
  return ALLOWED.find(({ allows }) => allows(difference, about));
}

function pathOf({ sends = {} }: Case): string {
  const [path = ""] = (sends.target ?? "").split("?");
  return path;
}

/** Without any percent-encoding, to be compared and nothing else. */
function decoded(target: string): string {
  return target.replaceAll(
    /%([0-9a-f]{2})/gi,
    (_, digits) => String.fromCharCode(parseInt(digits, 16)),
  );
}
