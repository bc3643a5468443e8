/**
 * Fields that several bodies and answers have.
 *
 * @module
 */

import * as v from "valibot";
import { PROVIDER_ID } from "../core/setup.ts";
import { fromRfc3339 } from "../core/time.ts";

/** A text of a form. */
export const matching = (pattern: RegExp, message: string) =>
  v.pipe(v.string(), v.regex(pattern, message));

/** Whether nothing is in it twice. */
export const distinct = (list: readonly unknown[]) =>
  new Set(list).size === list.length;

/** A time, as the API speaks of it. */
export const Moment = v.pipe(
  v.string(),
  v.check(
    (text) => fromRfc3339(text) !== undefined,
    "must be an RFC 3339 time with an offset, such as 2027-01-31T12:00:00Z",
  ),
  v.description("RFC 3339, stored to the second in UTC"),
);

/** The owner's remarks. */
export const Note = v.pipe(
  v.string(),
  v.maxLength(2000, "must have 2000 characters at most"),
);

const globs = (most: number) =>
  v.pipe(
    v.array(
      v.pipe(v.string(), v.minLength(1, "must not be blank")),
    ),
    v.maxLength(most, `must have ${most} globs at most`),
    v.description("Globs; empty: any model"),
  );

/** Of the models that something is for. */
export const Models = globs(100);

/** Of all that a provider is asked for. */
export const Offered = globs(1000);

/** Whether it is used. */
export const Status = v.picklist(
  ["active", "disabled"],
  "must be active or disabled",
);

/** A time, as it is kept. */
export const Seconds = v.pipe(
  v.number(),
  v.integer(),
  v.minValue(0),
  v.maxValue(253_402_300_799, "must be before the year 10000"),
);

/** Id of a provider, in the table or not; whether there is one is no matter of form. */
export const ProviderId = matching(
  PROVIDER_ID,
  "must be a provider's id: see GET /admin/providers",
);

/** Which ids there are to name. */
export const Providers = v.pipe(
  v.array(ProviderId),
  v.minLength(1, "must name at least one provider"),
  v.check((list) => distinct(list), "must not name a provider twice"),
);

/** Query of what takes none. */
export const NoQuery = v.strictObject({});
