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
import { isTokenShaped } from "../core/token.ts";
import {
  matching,
  Models,
  Moment,
  Note,
  Providers,
  Seconds,
  Status,
} from "./fields.ts";
import { Clamp, ExactUsage, Limits } from "./limits.ts";

const Label = v.pipe(
  v.string(),
  v.trim(),
  v.minLength(1, "must not be blank"),
  v.maxLength(200, "must have 200 characters at most"),
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

const Hash = matching(/^[0-9a-f]{64}$/, "must be lower-case hex SHA-256");
const Cursor = v.optional(v.string());

/** What an owner says of a token, but for the expiry, whose form differs. */
const said = {
  label: Label,
  note: Note,
  providers: Providers,
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

/** A token as it is listed. */
export const ShownToken = v.object({
  ...known,
  created: Moment,
  expires: v.nullable(Moment),
  lastUsed: v.nullable(Moment),
  graceEnds: v.nullable(Moment),
});

/** With its value, shown this once. */
export const MintedToken = v.object({
  ...ShownToken.entries,
  token: v.string(),
});

/** A page of them. */
export const TokenPage = v.object({
  tokens: v.array(ShownToken),
  cursor: Cursor,
});

/** Body of `POST /admin/tokens`. */
export const CreateToken = v.strictObject({
  label: Label,
  providers: Providers,
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
  expires: v.optional(v.nullable(Moment)),
});

/** Body of `PATCH /admin/tokens/{id}`. */
export const EditToken = v.pipe(
  v.partial(
    v.strictObject({ ...said, expires: v.nullable(Moment), status: Status }),
  ),
  v.check((set) => Object.keys(set).length > 0, "must change something"),
);

/** A token in the table: its hash, never its value. */
export const ExportedToken = v.strictObject({
  ...known,
  hash: Hash,
  previous: v.optional(v.strictObject({ hash: Hash, expires: Seconds })),
  created: Seconds,
  expires: v.optional(Seconds),
});

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
    subject: v.optional(v.string()),
    changed: v.optional(v.unknown()),
  })),
  cursor: Cursor,
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
