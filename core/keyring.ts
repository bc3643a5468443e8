/**
 * The keys and providers that requests go by now: those of the environment,
 * and what the owner has set up in the store.
 *
 * Every admission tells the turn of the setup. Where that is the one a view was
 * made for, the view is there at once; else the store is read once for all who
 * wait. A view of another turn is never used: a key that was taken back is
 * taken back everywhere, and where the setup cannot be read, nothing goes.
 *
 * @module
 */

import type { Credential } from "./credential.ts";
import type { CustomProvider } from "./custom.ts";
import type { Provider } from "./provider.ts";
import type {
  Cooldown,
  Setup,
  SetupStore,
  StoredCredential,
  StoredProvider,
} from "./setup.ts";

/** What requests go by, as of one turn. */
export interface View {
  /** Which turn. */
  readonly turn: number;
  /** Credentials by provider id, those of the environment first; expired ones are among them. */
  readonly pools: Readonly<Record<string, readonly Credential[]>>;
  /** The table, and behind it the owner's own rows, which only a prefix or a token's scope leads to. */
  readonly providers: readonly Provider[];
  /** What the owner says of providers, by id. */
  readonly offers: ReadonlyMap<string, Offer>;
  /** By name: what it stands for, as `provider/model`, in the order of asking. */
  readonly aliases: ReadonlyMap<string, readonly string[]>;
  /** By credential id; what has ended since may be among them. */
  readonly cooling: ReadonlyMap<string, readonly Cooldown[]>;
}

/** What a provider is asked for, and when. */
export type Offer = Pick<StoredProvider, "models" | "priority">;

/** What a keyring is made of. */
export interface KeyringDeps {
  /** Where the setup is. */
  readonly store: Pick<SetupStore, "readSetup">;
  /** The environment's own credentials by provider id. */
  readonly pools: Readonly<Record<string, readonly Credential[]>>;
  /** The provider table, origins as configured. */
  readonly table: readonly Provider[];
  /** The row of a provider that is not in the table. */
  readonly customProvider: (custom: CustomProvider) => Provider;
  /** The key of a credential; `undefined` where it cannot be opened. */
  readonly open: (credential: StoredCredential) => string | undefined;
  /** Called when a setup begins to be read, and what it gives then with the cooldowns of that. */
  readonly learn: () => (cooldowns: readonly Cooldown[]) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Logs a failure under its name. */
  readonly fault: (name: string, error: unknown) => void;
}

/** Knows the view of a turn. */
export interface Keyring {
  /** The last one, of whatever turn: it tells what a request seems to mean before anybody is admitted. */
  readonly view: View;
  /** At once where it is the turn of the last view, else as soon as that is read; rejects as the store does. */
  at(turn: number): View | Promise<View>;
  /** For those whom no admission tells a turn: what was read within the last second; rejects as the store does. */
  recent(): View | Promise<View>;
}

/** Nothing is read yet; turn 0 is the environment alone, and needs no reading. */
export function createKeyring(deps: KeyringDeps): Keyring {
  const viewOf = viewer(deps);
  const bare = viewOf(NOTHING);
  let view = bare;
  let readAt = -Infinity;
  let reading: Promise<View> | undefined;

  function read(): Promise<View> {
    const began = deps.now();
    const learn = deps.learn();
    return deps.store.readSetup()
      .then((setup) => {
        readAt = began;
        learn(setup.cooldowns);
        return view = viewOf(setup);
      })
      .finally(() => reading = undefined);
  }

  async function catchUp(turn: number): Promise<View> {
    if (reading) {
      // It may have been begun before there was this turn.
      const early = await reading;
      if (early.turn === turn) return early;
    }
    return await (reading ??= read());
  }

  return {
    get view() {
      return view;
    },
    at(turn) {
      if (turn === view.turn) return view;
      return turn === 0 ? view = bare : catchUp(turn);
    },
    recent() {
      const age = deps.now() - readAt;
      return age >= 0 && age < RECENT ? view : reading ??= read();
    },
  };
}

/** Milliseconds. */
const RECENT = 1_000;

const NOTHING: Setup = {
  turn: 0,
  credentials: [],
  providers: [],
  aliases: [],
  cooldowns: [],
};

const UNREADABLE = Object.assign(new Error("It cannot be used"), {
  name: "Unreadable",
});

/** Makes views. What is the same as in the view before is the same object: opened once, and found wrong once. */
function viewer({ pools, table, customProvider, open, fault }: KeyringDeps) {
  const known = new Set(table.map(({ id }) => id));
  const taken = new Set(Object.values(pools).flat().map(({ id }) => id));
  const credentialsOf = madeOf((record: StoredCredential) => {
    const key = taken.has(record.id) ? undefined : open(record);
    if (key === undefined) fault(`credential ${record.id}`, UNREADABLE);
    return key === undefined ? undefined : withKey(record, key);
  });
  const rowsOf = madeOf((record: StoredProvider) => {
    const { id, origin, wire = "openai", slot } = record;
    if (origin === undefined || known.has(id)) return undefined;
    try {
      return customProvider({ id, origin, wire, ...(slot && { slot }) });
    } catch {
      return void fault(`provider ${id}`, UNREADABLE);
    }
  });
  return ({ turn, credentials, cooldowns, ...rest }: Setup): View => {
    const rows = rowsOf(rest.providers).map(([, row]) => row);
    const active = credentials.filter(({ status }) => status === "active");
    const own = Map.groupBy(
      credentialsOf(active),
      ([{ provider }]) => provider,
    );
    const providers = [...table, ...rows];
    // Without a prototype: no id of a provider finds what is no pool.
    const all: Record<string, Credential[]> = Object.create(null);
    for (const { id } of providers) {
      const stored = own.get(id) ?? [];
      all[id] = [...pools[id] ?? [], ...stored.map(([, made]) => made)];
    }
    return {
      turn,
      pools: all,
      providers,
      offers: new Map(rest.providers.map((record) => [record.id, record])),
      aliases: new Map(rest.aliases.map(({ name, to }) => [name, to])),
      cooling: Map.groupBy(cooldowns, ({ credential }) => credential),
    };
  };
}

function withKey(record: StoredCredential, key: string): Credential {
  const { id, kind, weight, priority, models, expires } = record;
  const end = expires !== undefined && { expires };
  return { id, key, kind, weight, priority, models, ...end };
}

/** What is made of records, with them; for a record that was among the last ones, what was made then. */
function madeOf<From, Made>(make: (record: From) => Made | undefined) {
  let last = new Map<string, Made | undefined>();
  return (records: readonly From[]) => {
    const next = new Map<string, Made | undefined>();
    const all = records.flatMap((record): [From, Made][] => {
      const text = JSON.stringify(record);
      const made = last.has(text) ? last.get(text) : make(record);
      next.set(text, made);
      return made === undefined ? [] : [[record, made]];
    });
    last = next;
    return all;
  };
}
