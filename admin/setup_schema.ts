/**
 * What the admin API takes and gives of credentials, providers and aliases.
 *
 * In an edit what is absent stays, and `null` takes a field back to what it is
 * where nobody says anything.
 *
 * @module
 */

import * as v from "valibot";
import { KEY_SLOTS, WIRES } from "../core/custom.ts";
import { BASE_URL, parseBaseUrl } from "../core/environment.ts";
import { ALIAS_NAME, CREDENTIAL_ID, MOST_RECORDS } from "../core/setup.ts";
import {
  distinct,
  matching,
  Models,
  Moment,
  Note,
  Offered,
  ProviderId,
  Seconds,
  Status,
} from "./fields.ts";
import { ExportedToken } from "./schema.ts";

const whole = (least: number, most: number) =>
  v.pipe(
    v.number(),
    v.integer("must be a whole number"),
    v.minValue(least, `must be ${least} or more`),
    v.maxValue(most, `must be ${most} or less`),
  );

const Key = v.pipe(
  matching(
    /^[\x21-\x7e]{1,8192}$/,
    "must be visible ASCII without spaces, 8192 characters at most",
  ),
  v.description("Kept sealed, and never shown again"),
);

const CredentialId = matching(
  CREDENTIAL_ID,
  "must be 2 to 41 of a-z 0-9 - and begin with no -",
);

/** What an owner says of a credential, but for the expiry, whose form differs. */
const said = {
  note: Note,
  kind: v.picklist(["paid", "free"], "must be paid or free"),
  weight: v.pipe(
    whole(1, 1000),
    v.description("Its share among those of the same priority"),
  ),
  priority: v.pipe(whole(0, 99), v.description("The lower is used first")),
  models: Models,
  status: Status,
};

const Expires = v.nullable(Moment);

/** Each may be absent, or `null`. */
const edited = {
  note: v.exactOptional(v.nullable(said.note)),
  kind: v.exactOptional(v.nullable(said.kind)),
  weight: v.exactOptional(v.nullable(said.weight)),
  priority: v.exactOptional(v.nullable(said.priority)),
  models: v.exactOptional(v.nullable(said.models)),
  status: v.exactOptional(v.nullable(said.status)),
  expires: v.exactOptional(Expires),
};

/** Body of `POST /admin/credentials`. */
export const CreateCredential = v.strictObject({
  provider: ProviderId,
  key: Key,
  id: v.exactOptional(CredentialId),
  ...edited,
});

/** Body of `PUT /admin/credentials/{id}`. */
export const EditCredential = v.pipe(
  v.strictObject({
    provider: v.exactOptional(ProviderId),
    key: v.exactOptional(Key),
    ...edited,
  }),
  v.check((set) => Object.keys(set).length > 0, "must change something"),
);

/** A credential as it is listed. */
export const ShownCredential = v.object({
  id: v.string(),
  provider: v.string(),
  source: v.picklist(["stored", "environment"]),
  tail: v.pipe(
    v.string(),
    v.maxLength(4),
    v.description("The key's last characters; empty where it is short"),
  ),
  ...said,
  status: v.picklist(["active", "disabled", "unreadable"]),
  expires: Expires,
  created: v.nullable(Moment),
  createdBy: v.nullable(v.string()),
  sealedBy: v.pipe(
    v.nullable(v.string()),
    v.description("Public id of the data key"),
  ),
  cooling: v.array(v.object({
    model: v.pipe(
      v.nullable(v.string()),
      v.description("null: every model"),
    ),
    until: Moment,
    why: v.string(),
    status: v.optional(v.number()),
  })),
});

/** All of them. */
export const CredentialList = v.object({
  credentials: v.array(ShownCredential),
});

/** What re-sealing has done. */
export const Resealed = v.object({
  resealed: v.pipe(v.number(), v.description("Now sealed by the present key")),
  current: v.pipe(v.number(), v.description("Were so already")),
  unreadable: v.array(v.string()),
});

/** What warming has done. */
export const Warmed = v.object({ ended: v.number() });

const Origin = v.pipe(
  v.string(),
  v.check((text) => parseBaseUrl(text) !== undefined, BASE_URL),
  v.transform((text) => parseBaseUrl(text)!),
);

const Slot = v.picklist(KEY_SLOTS, `must be one of ${KEY_SLOTS.join(", ")}`);
const Wire = v.picklist(WIRES, `must be one of ${WIRES.join(", ")}`);
const Priority = v.pipe(
  whole(0, 99),
  v.description("Among several that have a model, the lower is asked first"),
);

/** Body of `PUT /admin/providers/{id}`. */
export const EditProvider = v.pipe(
  v.strictObject({
    origin: v.exactOptional(Origin),
    slot: v.exactOptional(v.nullable(Slot)),
    wire: v.exactOptional(v.nullable(Wire)),
    models: v.exactOptional(v.nullable(Offered)),
    priority: v.exactOptional(v.nullable(Priority)),
  }),
  v.check((set) => Object.keys(set).length > 0, "must change something"),
  v.description("origin, slot and wire only where it is no row of the table"),
);

/** A provider as it is listed. */
export const ShownProvider = v.object({
  id: v.string(),
  source: v.picklist(["table", "stored"]),
  origin: v.string(),
  slot: v.pipe(
    v.optional(Slot),
    v.description("Absent: the one that its wire usually has"),
  ),
  wire: v.optional(Wire),
  models: Offered,
  priority: Priority,
  credentials: v.array(v.string()),
  region: v.object({
    mode: v.picklist(["direct", "fallback", "hop"]),
    refusedUntil: v.pipe(
      v.optional(v.string()),
      v.description("The API refuses this region: until then through the hop"),
    ),
  }),
  hop: v.pipe(
    v.optional(v.picklist(["up", "down", "unknown"])),
    v.description("As the last request found it; absent: there is no hop"),
  ),
});

/** What is configured, keys as public ids. */
export const ProviderList = v.object({ providers: v.array(ShownProvider) });

const Targets = v.pipe(
  v.array(
    matching(
      /^[a-z][a-z0-9-]{0,30}\/[\x21-\x7e]{1,256}$/,
      "must be provider/model",
    ),
  ),
  v.minLength(1, "must name at least one model"),
  v.maxLength(20, "must name 20 models at most"),
  v.check((list) => distinct(list), "must not name a model twice"),
  v.description("As provider/model, in the order of asking"),
);

/** Body of `PUT /admin/aliases/{name}`. */
export const SetAlias = v.strictObject({ to: Targets });

/** An alias. */
export const AliasShown = v.object({ name: v.string(), to: Targets });

/** All of them. */
export const AliasList = v.object({ aliases: v.array(AliasShown) });

/** Sealed as it is kept. */
const ExportedCredential = v.strictObject({
  id: CredentialId,
  provider: ProviderId,
  sealed: matching(/^[\w-]{38,20000}$/, "must be a sealed key"),
  sealedBy: matching(/^[\w-]{8}$/, "must be the id of a data key"),
  tail: v.pipe(v.string(), v.maxLength(4, "must have 4 characters at most")),
  ...said,
  expires: v.exactOptional(Seconds),
  created: Seconds,
  createdBy: v.string(),
});

const ExportedProvider = v.strictObject({
  id: ProviderId,
  origin: v.exactOptional(Origin),
  slot: v.exactOptional(Slot),
  wire: v.exactOptional(Wire),
  models: Offered,
  priority: Priority,
});

const ExportedAlias = v.strictObject({
  name: matching(ALIAS_NAME, "must be a name"),
  to: Targets,
});

/** A list of what is imported at once, in which nothing is twice. */
function few<Item extends v.GenericSchema>(
  item: Item,
  nameOf: (made: v.InferOutput<Item>) => string,
) {
  return v.pipe(
    v.array(item),
    v.maxLength(MOST_RECORDS, `must be ${MOST_RECORDS} at most`),
    v.check(
      (list) => distinct(list.map((made) => nameOf(made))),
      "must not hold an id twice",
    ),
  );
}

/** What is exported and imported; version 1 had tokens alone. */
export const Table = v.strictObject({
  version: v.pipe(
    v.number(),
    v.integer("must be 1 or 2"),
    v.minValue(1, "must be 1 or 2"),
    v.maxValue(2, "must be 1 or 2"),
  ),
  tokens: few(ExportedToken, ({ id }) => id),
  credentials: v.exactOptional(few(ExportedCredential, ({ id }) => id)),
  providers: v.exactOptional(few(ExportedProvider, ({ id }) => id)),
  aliases: v.exactOptional(few(ExportedAlias, ({ name }) => name)),
  cursor: v.optional(v.string()),
});

/** What was imported. */
export const Imported = v.object({
  imported: v.pipe(v.number(), v.description("Tokens")),
  credentials: v.number(),
  providers: v.number(),
  aliases: v.number(),
  unreadable: v.pipe(
    v.array(v.string()),
    v.description("Credentials that are sealed under another secret"),
  ),
});
