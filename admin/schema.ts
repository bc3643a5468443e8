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

const Moment = v.pipe(
  v.string(),
  v.check(
    (text) => fromRfc3339(text) !== undefined,
    "must be an RFC 3339 time with an offset, such as 2027-01-31T12:00:00Z",
  ),
  v.metadata({ description: "RFC 3339, stored to the second in UTC" }),
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

/** Which providers exist is a fact of the running doppel, so the list comes in. */
const Providers = (ids: readonly string[]) =>
  v.pipe(
    v.array(v.picklist(ids, `must be one of ${ids.join(", ")}`)),
    v.minLength(1, "must name at least one provider"),
    v.check(
      (list) => new Set(list).size === list.length,
      "must not name a provider twice",
    ),
  );

const Models = v.pipe(
  v.array(v.pipe(v.string(), v.minLength(1, "must not be blank"))),
  v.maxLength(100, "must have 100 globs at most"),
  v.metadata({ description: "Globs; empty: any model" }),
);

const CLASSES = ["all", ...Object.keys(ENDPOINT_CLASSES)] as (
  | EndpointClass
  | "all"
)[];

const Endpoints = v.pipe(
  v.array(v.picklist(CLASSES, `must be of ${CLASSES.join(", ")}`)),
  v.minLength(1, "must name at least one class"),
  v.metadata({
    description: `Classes of endpoints; ${
      USUAL_ENDPOINTS.join(", ")
    } if absent`,
  }),
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
  v.metadata({ description: "Empty: any address" }),
);

/** Body of `POST /admin/tokens`. */
export const CreateToken = (ids: readonly string[]) =>
  v.strictObject({
    label: Label,
    providers: Providers(ids),
    token: v.optional(
      v.pipe(
        v.string(),
        v.check(
          isTokenShaped,
          "must be 20 to 256 characters of A-Z a-z 0-9 - . _ ~ and begin with no prefix SDKs give a meaning",
        ),
        v.metadata({ description: "Supplied instead of minted; be random" }),
      ),
    ),
    note: v.optional(Note, ""),
    models: v.optional(Models, []),
    endpoints: v.optional(Endpoints, [...USUAL_ENDPOINTS]),
    addresses: v.optional(Addresses, []),
    isolated: v.optional(v.boolean(), false),
    expires: v.optional(v.nullable(Moment)),
  });

/** Body of `PATCH /admin/tokens/{id}`. */
export const EditToken = (ids: readonly string[]) =>
  v.pipe(
    v.strictObject({
      label: v.optional(Label),
      note: v.optional(Note),
      providers: v.optional(Providers(ids)),
      models: v.optional(Models),
      endpoints: v.optional(Endpoints),
      addresses: v.optional(Addresses),
      isolated: v.optional(v.boolean()),
      expires: v.optional(v.nullable(Moment)),
      status: v.optional(
        v.picklist(["active", "disabled"], "must be active or disabled"),
      ),
    }),
    v.check((patch) => Object.keys(patch).length > 0, "must change something"),
  );

/** Body of `POST /admin/tokens/{id}/rotate`. */
export const RotateToken = v.strictObject({
  graceSeconds: v.optional(
    v.pipe(
      v.number(),
      v.integer("must be whole seconds"),
      v.minValue(0, "must not be negative"),
      v.maxValue(30 * 86400, "must be 30 days at most"),
      v.metadata({ description: "How long the old token still works" }),
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
  v.metadata({ description: "from: now if absent; until: resumed by hand" }),
);

const Seconds = v.pipe(
  v.number(),
  v.integer(),
  v.minValue(0),
  v.maxValue(253_402_300_799, "must be before the year 10000"),
);
const Hash = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{64}$/, "must be lower-case hex SHA-256"),
);

/** A record as exported: hashes, never tokens. */
const ExportedToken = (ids: readonly string[]) =>
  v.strictObject({
    id: v.pipe(v.string(), v.regex(/^[0-9A-Za-z]{8}$/, "must be a public id")),
    hash: Hash,
    last4: v.pipe(v.string(), v.maxLength(4)),
    previous: v.optional(v.strictObject({ hash: Hash, expires: Seconds })),
    label: Label,
    note: Note,
    providers: Providers(ids),
    models: Models,
    endpoints: Endpoints,
    addresses: Addresses,
    isolated: v.boolean(),
    expires: v.optional(Seconds),
    status: v.picklist(["active", "disabled"]),
    created: Seconds,
    createdBy: v.string(),
  });

/** Body of `POST /admin/import`, answer of `GET /admin/export`. */
export const TokenTable = (ids: readonly string[]) =>
  v.strictObject({
    version: v.literal(1, "must be 1"),
    tokens: v.pipe(
      v.array(ExportedToken(ids)),
      v.maxLength(1000, "must be 1000 tokens at most"),
      v.check(
        (list) => new Set(list.map(({ id }) => id)).size === list.length,
        "must not hold an id twice",
      ),
    ),
    cursor: v.optional(v.string()),
  });

/** A token as listed. */
export const PublicToken = v.object({
  id: v.string(),
  last4: v.string(),
  label: v.string(),
  note: v.string(),
  providers: v.array(v.string()),
  models: v.array(v.string()),
  endpoints: v.array(v.string()),
  addresses: v.array(v.string()),
  isolated: v.boolean(),
  status: v.picklist(["active", "disabled"]),
  created: Moment,
  createdBy: v.string(),
  expires: v.nullable(Moment),
  lastUsed: v.nullable(Moment),
  graceEnds: v.nullable(Moment),
});

/** A token with its value, shown this once. */
export const MintedToken = v.object({
  ...PublicToken.entries,
  token: v.string(),
});

/** The present pause. */
export const PauseState = v.object({
  paused: v.boolean(),
  from: v.nullable(Moment),
  until: v.nullable(Moment),
});

/** A page of tokens. */
export const TokenPage = v.object({
  tokens: v.array(PublicToken),
  cursor: v.optional(v.string()),
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
  cursor: v.optional(v.string()),
});

/** What is configured, keys as public ids. */
export const ProviderList = v.object({
  providers: v.array(v.object({
    id: v.string(),
    origin: v.string(),
    credentials: v.array(v.string()),
  })),
});

const pageQuery = (cursor: RegExp) =>
  v.strictObject({
    cursor: v.optional(v.pipe(v.string(), v.regex(cursor, "is not a cursor"))),
    limit: v.optional(
      v.pipe(
        v.string(),
        v.regex(/^\d{1,4}$/, "must be a number"),
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
