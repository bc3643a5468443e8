/**
 * What the admin API takes and gives. One schema validates a body, names the
 * field that is wrong, and describes it in the OpenAPI document.
 *
 * @module
 */

import * as v from "valibot";
import { parseRange } from "../core/policy.ts";
import {
  ENDPOINT_CLASSES,
  type EndpointClass,
  USUAL_ENDPOINTS,
} from "../core/provider.ts";
import { fromRfc3339 } from "../core/time.ts";
import { isTokenShaped } from "../core/token.ts";
import { Clamp, ExactUsage, Limits } from "./limits.ts";

const matching = (pattern: RegExp, message: string) =>
  v.pipe(v.string(), v.regex(pattern, message));

const distinct = (list: readonly unknown[]) =>
  new Set(list).size === list.length;

const Moment = v.pipe(
  v.string(),
  v.check(
    (text) => fromRfc3339(text) !== undefined,
    "must be an RFC 3339 time with an offset, such as 2027-01-31T12:00:00Z",
  ),
  v.description("RFC 3339, stored to the second in UTC"),
);

const Label = v.pipe(
  v.string(),
  v.trim(),
  v.minLength(1, "must not be blank"),
  v.maxLength(200, "must have 200 characters at most"),
);

const Note = v.pipe(
  v.string(),
  v.maxLength(2000, "must have 2000 characters at most"),
);

const Models = v.pipe(
  v.array(v.pipe(v.string(), v.minLength(1, "must not be blank"))),
  v.maxLength(100, "must have 100 globs at most"),
  v.description("Globs; empty: any model"),
);

const CLASSES = ["all", ...Object.keys(ENDPOINT_CLASSES)] as (
  | EndpointClass
  | "all"
)[];

const Endpoints = v.pipe(
  v.array(v.picklist(CLASSES, `must be of ${CLASSES.join(", ")}`)),
  v.minLength(1, "must name at least one class"),
  v.description(
    `Classes of endpoints; ${USUAL_ENDPOINTS.join(", ")} if absent`,
  ),
);

const Addresses = v.pipe(
  v.array(
    v.pipe(
      v.string(),
      v.check(
        (range) => parseRange(range) !== undefined,
        "must be an IP address or a CIDR range",
      ),
    ),
  ),
  v.maxLength(100, "must have 100 ranges at most"),
  v.description("Empty: any address"),
);

const Status = v.picklist(
  ["active", "disabled"],
  "must be active or disabled",
);

const Abort = v.pipe(
  v.picklist(["cancel", "drain"], "must be cancel or drain"),
  v.description(
    "When the client leaves: stop the origin, or read on for the true bill",
  ),
);

const Supplied = v.pipe(
  v.string(),
  v.check(
    isTokenShaped,
    "must be 20 to 256 characters of A-Z a-z 0-9 - . _ ~ and begin with no prefix SDKs give a meaning",
  ),
  v.description("Supplied instead of minted; be random"),
);

/** Body of `POST /admin/tokens/{id}/rotate`. */
export const RotateToken = v.strictObject({
  graceSeconds: v.optional(
    v.pipe(
      v.number(),
      v.integer("must be whole seconds"),
      v.minValue(0, "must not be negative"),
      v.maxValue(30 * 86400, "must be 30 days at most"),
      v.description("How long the old token still works"),
    ),
    0,
  ),
});

/** Body of `PUT /admin/pause`. */
export const SetPause = v.pipe(
  v.strictObject({
    from: v.optional(Moment),
    until: v.optional(v.nullable(Moment)),
  }),
  v.description("from: now if absent; until: resumed by hand"),
);

const Seconds = v.pipe(
  v.number(),
  v.integer(),
  v.minValue(0),
  v.maxValue(253_402_300_799, "must be before the year 10000"),
);

const Hash = matching(/^[0-9a-f]{64}$/, "must be lower-case hex SHA-256");
const Cursor = v.optional(v.string());

/** Which providers exist is a fact of the running doppel, so the list comes in. */
const Providers = (ids: readonly string[]) =>
  v.pipe(
    v.array(v.picklist(ids, `must be one of ${ids.join(", ")}`)),
    v.minLength(1, "must name at least one provider"),
    v.check((list) => distinct(list), "must not name a provider twice"),
  );

/** What an owner says of a token, but for `providers` and the expiry, whose form differs. */
const said = {
  label: Label,
  note: Note,
  models: Models,
  endpoints: Endpoints,
  addresses: Addresses,
  isolated: v.boolean(),
  abort: Abort,
  exactUsage: ExactUsage,
  clamp: Clamp,
  limits: Limits,
};

const known = {
  id: matching(/^[0-9A-Za-z]{8}$/, "must be a public id"),
  last4: v.pipe(v.string(), v.maxLength(4)),
  ...said,
  status: Status,
  createdBy: v.string(),
};

/** A token in all its shapes; `ids` are the providers it may be scoped to. */
export function tokenSchemas(ids: readonly string[]) {
  const providers = Providers(ids);
  const Shown = v.object({
    ...known,
    providers,
    created: Moment,
    expires: v.nullable(Moment),
    lastUsed: v.nullable(Moment),
    graceEnds: v.nullable(Moment),
  });
  /** Hashes, never tokens. */
  const Exported = v.strictObject({
    ...known,
    providers,
    hash: Hash,
    previous: v.optional(v.strictObject({ hash: Hash, expires: Seconds })),
    created: Seconds,
    expires: v.optional(Seconds),
  });
  const expires = v.nullable(Moment);
  const edit = v.strictObject({ ...said, providers, expires, status: Status });
  return {
    Shown,
    /** With its value, shown this once. */
    Minted: v.object({ ...Shown.entries, token: v.string() }),
    Page: v.object({ tokens: v.array(Shown), cursor: Cursor }),
    Create: v.strictObject({
      label: Label,
      providers,
      token: v.optional(Supplied),
      note: v.optional(Note, ""),
      models: v.optional(Models, []),
      endpoints: v.optional(Endpoints, [...USUAL_ENDPOINTS]),
      addresses: v.optional(Addresses, []),
      isolated: v.optional(v.boolean(), false),
      abort: v.optional(Abort, "cancel"),
      exactUsage: v.optional(ExactUsage, false),
      clamp: v.optional(Clamp, false),
      limits: v.optional(Limits, {}),
      expires: v.optional(expires),
    }),
    Edit: v.pipe(
      v.partial(edit),
      v.check((set) => Object.keys(set).length > 0, "must change something"),
    ),
    /** What is exported and imported. */
    Table: v.strictObject({
      version: v.literal(1, "must be 1"),
      tokens: v.pipe(
        v.array(Exported),
        v.maxLength(1000, "must be 1000 tokens at most"),
        v.check(
          (list) => distinct(list.map(({ id }) => id)),
          "must not hold an id twice",
        ),
      ),
      cursor: Cursor,
    }),
  };
}

/** The present pause. */
export const PauseState = v.object({
  paused: v.boolean(),
  from: v.nullable(Moment),
  until: v.nullable(Moment),
});

/** A page of the audit log. */
export const AuditPage = v.object({
  entries: v.array(v.object({
    time: Moment,
    by: v.string(),
    action: v.string(),
    token: v.optional(v.string()),
    changed: v.optional(v.unknown()),
  })),
  cursor: Cursor,
});

/** What is configured, keys as public ids. */
export const ProviderList = v.object({
  providers: v.array(v.object({
    id: v.string(),
    origin: v.string(),
    credentials: v.array(v.string()),
  })),
});

/** Whatever is no success. */
export const ProblemBody = v.object({
  type: v.string(),
  title: v.string(),
  status: v.pipe(v.number(), v.integer()),
  field: v.optional(
    v.pipe(v.string(), v.description("JSON Pointer of what is wrong")),
  ),
});

const pageQuery = (cursor: RegExp) =>
  v.strictObject({
    cursor: v.optional(matching(cursor, "is not a cursor")),
    limit: v.optional(
      v.pipe(
        matching(/^\d{1,4}$/, "must be a number"),
        v.transform(Number),
        v.minValue(1, "must be 1 or more"),
        v.maxValue(1000, "must be 1000 or less"),
      ),
      "100",
    ),
  });

/** Query of lists of tokens. */
export const TokenQuery = pageQuery(/^\d{1,12}\.[0-9A-Za-z]{8}$/);

/** Query of the audit log. */
export const AuditQuery = pageQuery(/^\d{1,16}(?:-\d{1,16})?$/);

/** Query of everything else. */
export const NoQuery = v.strictObject({});
