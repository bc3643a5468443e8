/**
 * What the owner sets up at run time: credentials, providers, aliases. The
 * store keeps it, an instance reads it whole, and reads it again when its turn,
 * which comes with every admission, is another one.
 *
 * @module
 */

import type { KeySlot, Wire } from "./custom.ts";
import type { AuditEntry } from "./store.ts";

/** What a provider's id looks like. */
export const PROVIDER_ID = /^[a-z][a-z0-9-]{0,30}$/;

/** What the owner may call a credential; where he does not, it is called by its provider and 8 base62 characters. */
export const CREDENTIAL_ID =
  /^(?:[a-z0-9][a-z0-9-]{1,40}|[a-z][a-z0-9-]{0,30}-[0-9A-Za-z]{8})$/;

/** What an alias may be called. */
export const ALIAS_NAME = /^[0-9A-Za-z][\w.:-]{0,99}$/;

/** Records of each kind, at most. */
export const MOST_RECORDS = 1000;

/** Cooldowns that are kept; past it those go that would end first. */
export const MOST_COOLDOWNS = 10_000;

/** A key as it is kept: readable to whoever has the secret it was sealed under. */
export interface Sealed {
  /** Nonce, tag and ciphertext, base64url. */
  readonly sealed: string;
  /** Public id of the data key. */
  readonly sealedBy: string;
}

/** A credential as kept. Times are seconds since the epoch. */
export interface StoredCredential extends Sealed {
  /** Unique over all providers. */
  readonly id: string;
  /** Whose key it is. */
  readonly provider: string;
  /** The key's last four characters; empty where these would be much of it. */
  readonly tail: string;
  /** The owner's remarks. */
  readonly note: string;
  /** What it costs to use. */
  readonly kind: "paid" | "free";
  /** Its share among those of the same priority, 1 to 1,000. */
  readonly weight: number;
  /** 0 to 99; the lower is used first. */
  readonly priority: number;
  /** Globs of the models it is for; empty: any. */
  readonly models: readonly string[];
  /** When it stops working; absent: never. */
  readonly expires?: number;
  /** `disabled` is not used. */
  readonly status: "active" | "disabled";
  /** When it was made. */
  readonly created: number;
  /** `keyid` of the signature that made it. */
  readonly createdBy: string;
}

/** What the owner says of a provider; one with an `origin` is no row of the table. */
export interface StoredProvider {
  /** See {@linkcode PROVIDER_ID}. */
  readonly id: string;
  /** Scheme and authority, and a base path if there is one; no trailing slash. */
  readonly origin?: string;
  /** Where its keys are written; absent: the wire's usual slot. */
  readonly slot?: KeySlot;
  /** What it speaks; absent: `openai`. */
  readonly wire?: Wire;
  /** Globs of the models it is asked for; empty: any. */
  readonly models: readonly string[];
  /** 0 to 99; among several that have a model, the lower is asked first. */
  readonly priority: number;
}

/** A name for models, the first of which is asked first. */
export interface Alias {
  /** See {@linkcode ALIAS_NAME}. */
  readonly name: string;
  /** As `provider/model`; at least one. */
  readonly to: readonly string[];
}

/** A credential that is not to be used for a while. */
export interface Cooldown {
  /** Public id, of a stored credential or of one from the environment. */
  readonly credential: string;
  /** The model it is not to be used for; empty: every one. */
  readonly model: string;
  /** When that ends, seconds since the epoch. */
  readonly until: number;
  /** A word for the log. */
  readonly why: string;
  /** What the origin answered. */
  readonly status?: number;
}

/** What a record of each kind is. */
export interface SetupRecords {
  /** By id. */
  readonly credential: StoredCredential;
  /** By id. */
  readonly provider: StoredProvider;
  /** By name. */
  readonly alias: Alias;
}

/** Kinds of records. */
export type SetupKind = keyof SetupRecords;

/** All records, in the order of their names. */
export interface SetupTable {
  /** Keys, sealed. */
  readonly credentials: readonly StoredCredential[];
  /** Providers, and what is said of those in the table. */
  readonly providers: readonly StoredProvider[];
  /** Names for models. */
  readonly aliases: readonly Alias[];
}

/** Everything, as it was at one moment. */
export interface Setup extends SetupTable {
  /** Which state of it this is. */
  readonly turn: number;
  /** Those that go on. */
  readonly cooldowns: readonly Cooldown[];
}

/** A record's place, and what it is to become there. */
export interface SetupChange {
  /** Of what kind it is. */
  readonly kind: SetupKind;
  /** Its id or name. */
  readonly id: string;
  /** What must be there; `undefined`: nothing. */
  readonly was: SetupRecords[SetupKind] | undefined;
  /** What shall be there; `undefined`: nothing. */
  readonly next: SetupRecords[SetupKind] | undefined;
}

/** The last list of a provider's models that was good. */
export interface KeptModels {
  /** The list, as JSON. */
  readonly facts: unknown;
  /** When it was fetched, seconds since the epoch. */
  readonly time: number;
}

/** The verbs of a setup; see the remarks of `core/store.ts`. */
export interface SetupStore {
  /** All of it, with its turn. 4 commands. */
  readSetup(): Promise<Setup>;
  /** Puts `next` in the place of `was`; `false` where that is no longer there. The turn goes up. 6 commands, 2 where it does not. */
  putSetup(change: SetupChange, entry: AuditEntry): Promise<boolean>;
  /** Keeps of each credential and model the cooldown that ends later, and forgets those that have ended (`now`: seconds). The turn goes up if something changed. 3 commands + 1 per cooldown; 1 more for each that is new or longer, and 2 for the turn. */
  cool(cooldowns: readonly Cooldown[], now: number): Promise<void>;
  /** Ends all cooldowns of the credentials, and answers how many that were; has an entry where the owner wants it. 2 commands, with any 4 more and 1 for the entry. */
  warm(credentials: readonly string[], entry?: AuditEntry): Promise<number>;
  /** Keeps a provider's list in the place of the one before; no turn goes up. 1 command. */
  keepModels(provider: string, kept: KeptModels): Promise<void>;
  /** In the order of the providers. 1 command. */
  readModels(
    providers: readonly string[],
  ): Promise<readonly (KeptModels | undefined)[]>;
}
