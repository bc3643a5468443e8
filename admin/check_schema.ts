/**
 * What the admin API gives of a check.
 *
 * @module
 */

import * as v from "valibot";
import { CHECK_FAILURES, type CheckFailure } from "../core/check_failures.ts";

const failures = Object.keys(CHECK_FAILURES) as CheckFailure[];

/** What an API says of a key. */
export const CheckedCredential = v.object({
  id: v.string(),
  provider: v.string(),
  ok: v.pipe(v.boolean(), v.description("The key works")),
  status: v.pipe(
    v.nullable(v.number()),
    v.description("Of the API's answer; null: there was none"),
  ),
  ms: v.number(),
  reason: v.pipe(
    v.optional(v.picklist(failures)),
    v.description("Why it was not found to work"),
  ),
  detail: v.pipe(
    v.optional(v.string()),
    v.description("In the API's own words, what was sent masked"),
  ),
  models: v.pipe(
    v.optional(v.number()),
    v.description("How many it lists, where that was the check"),
  ),
  balance: v.pipe(
    v.optional(v.array(v.object({
      remaining: v.optional(v.number()),
      limit: v.optional(v.number()),
      used: v.optional(v.number()),
      currency: v.optional(v.string()),
    }))),
    v.description("What may be spent, where the API tells"),
  ),
  hop: v.pipe(
    v.optional(v.literal(true)),
    v.description("It came through a hop: the key there was asked with"),
  ),
});
