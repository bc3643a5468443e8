/**
 * What doppel keeps, in its own verbs. Two implementations pass one contract
 * suite: `store/sqlite.ts` and `store/upstash.ts`.
 *
 * Every verb is atomic. One that changes something writes its audit entry in
 * the same stroke. Prices are Redis commands as Upstash bills them (those inside a
 * script count); each verb is one round trip unless it says otherwise.
 *
 * @module
 */

import type { Batch, Entry, Span, UsageRow, Whose } from "./ledger.ts";
import type {
  Bill,
  Estimate,
  Hold,
  Left,
  Limits,
  Shortage,
  Taking,
} from "./limit.ts";
import type { LiveStore, Watched } from "./live.ts";
import type { EndpointClass } from "./provider.ts";
import type { SetupStore, SetupTable } from "./setup.ts";

/** A token as kept. Times are seconds since the epoch. */
export interface TokenRecord {
  /** 8 base62 characters, public, safe in logs and URLs. */
  readonly id: string;
  /** Lower-case hex SHA-256 of the token. */
  readonly hash: string;
  /** The token's last four characters. */
  readonly last4: string;
  /** The hash from before a rotation, good until its grace ends. */
  readonly previous?: { readonly hash: string; readonly expires: number };
  /** The owner's name for it. */
  readonly label: string;
  /** The owner's remarks. */
  readonly note: string;
  /** Ids of the providers it may call; at least one. */
  readonly providers: readonly string[];
  /** Globs of the models it may name; empty: any. */
  readonly models: readonly string[];
  /** Classes of endpoints it may call; `all`: every one. */
  readonly endpoints: readonly (EndpointClass | "all")[];
  /** CIDR ranges it may be used from; empty: anywhere. */
  readonly addresses: readonly string[];
  /** What it may take. */
  readonly limits: Limits;
  /** Whether it sees only those objects at an origin that were made with it. */
  readonly isolated: boolean;
  /** What becomes of an answer whose client leaves: the origin is stopped, or it is read on for the true bill, as JSON in one piece always is. */
  readonly abort: "cancel" | "drain";
  /** Whether usage is asked for where a stream tells it only then; the holder's stream stays as it was. */
  readonly exactUsage: boolean;
  /** Whether what a request may write is lowered to what the budget still allows, instead of refusing it. */
  readonly clamp: boolean;
  /** When it stops working; absent: never. */
  readonly expires?: number;
  /** `disabled` is refused like an unknown token. */
  readonly status: "active" | "disabled";
  /** When it was made. */
  readonly created: number;
  /** `keyid` of the signature that made it. */
  readonly createdBy: string;
}

/** What the owner may edit; `expires: null` takes the expiry away. */
export interface TokenPatch extends
  Partial<
    Pick<
      TokenRecord,
      | "label"
      | "note"
      | "providers"
      | "models"
      | "endpoints"
      | "addresses"
      | "limits"
      | "isolated"
      | "abort"
      | "exactUsage"
      | "clamp"
      | "status"
    >
  > {
  /** Seconds since the epoch; `null`: never. */
  readonly expires?: number | null;
}

/** A record with the side facts that are listed beside it. */
export interface ListedToken {
  /** The token. */
  readonly record: TokenRecord;
  /** When it was last admitted, to the minute, in seconds. */
  readonly lastUsed?: number;
}

/** When doppel refuses everything; seconds since the epoch. */
export interface Pause {
  /** From this moment. */
  readonly from: number;
  /** Until this one; absent: until resumed. */
  readonly until?: number;
}

/** One admin change, never with a secret in it. */
export interface AuditEntry {
  /** Seconds since the epoch. */
  readonly time: number;
  /** `keyid` of the signature. */
  readonly by: string;
  /** What was done, as `noun.verb`. */
  readonly action: string;
  /** To which token, if to one. */
  readonly token?: string;
  /** To what else: the id of a credential or provider, the name of an alias. */
  readonly subject?: string;
  /** The fields that were set, as the owner sent them. */
  readonly changed?: unknown;
}

/** A token that is asked for. */
export interface Ask {
  /** Public id. */
  readonly id: string;
  /** Hash of what was presented; absent: whoever asks knows already whose it is. */
  readonly hash?: string;
}

/** What an admission looks at, and what it took. */
export interface Admission {
  /** Records in the order of the tokens asked for. */
  readonly records: readonly (TokenRecord | undefined)[];
  /** Why nothing was taken, where a limit was the reason. */
  readonly shortage?: Shortage;
  /** Whether something was taken. */
  readonly taken?: true;
  /** What there still is of what was looked at, where something was taken. */
  readonly left?: Left;
  /** Whether doppel is or will be paused. */
  readonly pause?: Pause;
  /** Goes up with every change of what is set up or cools; 0: nothing ever was. */
  readonly turn: number;
  /** Changes with every look at what runs. */
  readonly looked?: number;
}

/** How a token stands that has something under way. */
export interface Standing {
  /** Absent where it is gone. */
  readonly record: TokenRecord | undefined;
  /** With a budget: micro-dollars not yet spent of its tightest bound, whoever holds them. */
  readonly unspent?: number;
  /** With a budget: what each lease holds, micro-dollars; `null`: nothing was to be held. */
  readonly holds?: readonly (number | null)[];
}

/** What is exported and imported. */
export interface Table extends SetupTable {
  /** With hashes, never tokens. */
  readonly tokens: readonly TokenRecord[];
}

/** What was made or begun at an origin with a token: an object, an upload, a minted secret. */
export interface Claim {
  /** Lower-case hex SHA-256 of what names it; nothing else of that is kept. */
  readonly hash: string;
  /** Public id of the token. */
  readonly token: string;
  /** Hash of the token it was begun with, where it ends with that: a rotated token's is another. */
  readonly by?: string;
  /** An origin's secret, readable to nobody but who knows the name; and whose it is. */
  readonly sealed?: { readonly provider: string; readonly secret: string };
  /** When it is forgotten, seconds since the epoch. */
  readonly expires: number;
}

/** A page of a list and where the next one starts. */
export interface Page<Item> {
  /** At most as many as asked for. */
  readonly items: readonly Item[];
  /** Opaque; absent on the last page. */
  readonly cursor?: string;
}

/** Which page of a list: `cursor` from the page before, `limit` items at most. */
export interface PageRequest {
  /** Opaque; absent for the first page. */
  readonly cursor?: string | undefined;
  /** 1 to 1,000. */
  readonly limit: number;
}

/** Which sums are asked for. */
export interface UsageRequest extends PageRequest {
  /** Of hours, or of days. */
  readonly span: Span;
  /** The first period, and the last. */
  readonly from: string;
  /** See `from`. */
  readonly to: string;
  /** Of tokens, which is what an absent one means, or of credentials. */
  readonly whose?: Whose | undefined;
  /** Public id of the one token; absent: all. */
  readonly token?: string | undefined;
}

/** See the module's remarks; every verb rejects with {@linkcode StoreUnavailable} where the store is away. */
export interface Store extends SetupStore, LiveStore {
  /**
   * All that a request's admission needs, read live; and, where exactly one of
   * the tokens is the one asked for and may be used, takes what `taking` needs
   * of its limits, or nothing. 2 commands + 1 per token; with limits 3 more, 4
   * with a lease, and 1 for each that has died.
   */
  admit(asks: readonly Ask[], taking?: Taking): Promise<Admission>;
  /** Holds what the bill may come to; or gives back what admission took; `concurrency` is short where its lease is over. With a budget 8 commands, with tokens per minute 5. */
  reserve(
    id: string,
    taking: Taking,
    estimate: Estimate,
  ): Promise<Hold | Shortage>;
  /** The lease's end: what was held is given back, and what it came to is spent; a second time it does nothing. 1 to 11 commands. */
  settle(id: string, taking: Taking, bill: Bill): Promise<void>;
  /** Renews leases, and answers how their tokens stand now. 1 command + 1 per token and 1 per lease; 4 more for a token with a budget; 1 to hear whether somebody `looks`. */
  watch(
    tokens: readonly {
      readonly id: string;
      readonly leases: readonly string[];
    }[],
    now: number,
    looks?: boolean,
  ): Promise<Watched>;
  /** Notes a use unless the token is gone. 3 commands. */
  stampToken(id: string, time: number): Promise<void>;
  /** `false` where the id is taken; nothing is overwritten. 5 commands. */
  createToken(record: TokenRecord, entry: AuditEntry): Promise<boolean>;
  /** `undefined` where there is none. 2 commands. */
  getToken(id: string): Promise<ListedToken | undefined>;
  /** Oldest first. 1 command + 2 per token, 2 round trips. */
  listTokens(page: PageRequest): Promise<Page<ListedToken>>;
  /** Changes only what `patch` names; `undefined` where there is no such token. 4 commands, 1 more where `expires` is taken away. */
  editToken(
    id: string,
    patch: TokenPatch,
    entry: AuditEntry,
  ): Promise<TokenRecord | undefined>;
  /** Puts `next` in the place of the present hash, which stays good until `graceEnds` (seconds); as `editToken()`. 5 commands. */
  rotateToken(
    id: string,
    next: { hash: string; last4: string; graceEnds: number },
    entry: AuditEntry,
  ): Promise<TokenRecord | undefined>;
  /** `false` where there was none. 4 commands. */
  deleteToken(id: string, entry: AuditEntry): Promise<boolean>;
  /** All or none: answers what others are called that are there, and then imports nothing. 2 commands + 4 per token, 2 per other record, 2 for the turn where one is new. */
  importTable(table: Table, entry: AuditEntry): Promise<readonly string[]>;
  /** Replaces the pause, or ends it. 4 commands. */
  setPause(pause: Pause | undefined, entry: AuditEntry): Promise<void>;
  /** Newest first, the last 10,000 kept. 1 command. */
  listAudit(page: PageRequest): Promise<Page<AuditEntry>>;
  /** Keeps those that nobody has made before; the first claim stands. 1 command per claim. */
  keepClaims(claims: readonly Claim[]): Promise<void>;
  /** In the order of the hashes. 1 command. */
  findClaims(
    hashes: readonly string[],
  ): Promise<readonly (Claim | undefined)[]>;
  /**
   * Adds up what was used, once for a batch's `id`, and forgets what is too old.
   * 2 commands, 4 per row, and 3 per token for its requests; 4 more for a row
   * that is its hour's or its day's first.
   */
  addUsage(batch: Batch): Promise<void>;
  /** Sums by period, then token or credential; `limit` counts these pairs, whose rows stay together. 1 command per pair, with 1 more and 2 round trips where no token is named. */
  listUsage(asked: UsageRequest): Promise<Page<UsageRow>>;
  /** A token's last, newest first. 1 command. */
  listRequests(token: string, limit: number): Promise<readonly Entry[]>;
  /** `true` the first time only; forgotten after `expires` (seconds since the epoch). 1 command. */
  takeNonce(nonce: string, expires: number): Promise<boolean>;
  /** Resolves where the store answers. 1 command. */
  ready(): Promise<void>;
  /** Lets go of files and sockets. */
  close(): void;
}

/** The store is away. Its `reason` is a bare error code; a client's own messages carry commands with their arguments. */
export class StoreUnavailable extends Error {
  /** Takes a word for the log, such as `TimeoutError`. */
  constructor(
    /** A word for the log. */
    readonly reason: string,
  ) {
    super("The store did not answer");
    this.name = "StoreUnavailable";
  }
}
