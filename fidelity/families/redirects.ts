/** Redirects are the client's to follow: none is followed for it. */

import type { Case } from "../case.ts";

const STATUSES = [300, 301, 302, 303, 307, 308];
const LOCATIONS = [
  "/v1/y",
  "y?z",
  "//elsewhere.test/v1/y",
  "https://elsewhere.test/v1/y?a=%20b#c",
  "{origin}.elsewhere.test/v1/y",
];

export const redirects: readonly Case[] = [
  ...STATUSES.flatMap((status): Case[] =>
    ["GET", "POST", "DELETE"].map((method) => ({
      name: `${status} to a ${method}`,
      sends: { method, ...(method === "POST" && { content: "{}" }) },
      answers: {
        status: `${status} Elsewhere`,
        fields: ["location: {origin}/v1/y?a=%20b"],
        content: "see there",
      },
    }))
  ),
  ...LOCATIONS.map((location): Case => ({
    name: `to ${location}`,
    answers: {
      status: "302 Found",
      fields: [`location: ${location}`],
      content: "",
    },
  })),
  {
    name: "to itself",
    answers: {
      status: "307 Again",
      fields: ["location: {origin}/v1/x"],
      content: "",
    },
  },
  {
    name: "a redirect without a location",
    answers: { status: "302 Found", content: "nowhere" },
  },
  {
    name: "a chat's",
    sends: {
      method: "POST",
      target: "/v1/chat/completions",
      fields: ["content-type: application/json"],
      content: '{"model":"gpt-4o","messages":[]}',
    },
    answers: {
      status: "307 Elsewhere",
      fields: ["location: {origin}/v1/y"],
      content: "",
    },
  },
];
