/**
 * What both stores do alike with what the owner sets up.
 *
 * @module
 */

import type {
  Cooldown,
  SetupKind,
  SetupRecords,
  SetupTable,
} from "../core/setup.ts";
import type { Admission } from "../core/store.ts";
import { parsed } from "./verbs.ts";

type SetupRecord = SetupRecords[SetupKind];
/** A name and a text under it. */
type Pair = readonly [name: string, text: string];

/** The state that every admission reads; before there were turns, a pause lay there by itself. Throws where it cannot be read: closed, not open. */
export function stateOf(
  text: unknown,
): Pick<Admission, "pause" | "turn" | "looked"> {
  const read = JSON.parse(`${text ?? null}`);
  if (read === null) return { turn: 0 };
  const { pause, turn, looked } = "turn" in read
    ? read
    : { pause: read, turn: 0 };
  if (!Number.isSafeInteger(turn)) throw new TypeError("This is no turn");
  return {
    ...(pause && { pause }),
    ...(looked !== undefined && { looked }),
    turn,
  };
}

/** An owner's last look alone; where the state cannot be read, there is none. */
export function lookedOf(text: unknown): Pick<Admission, "looked"> {
  const { looked } = parsed<Pick<Admission, "looked">>(text) ?? {};
  return looked === undefined ? {} : { looked };
}

/** The one text of a record, by which it is compared; empty where there is none. */
export function recordText(record: SetupRecord | undefined): string {
  return record === undefined ? "" : JSON.stringify(record);
}

/** What a record is kept under. */
export function setupName(kind: SetupKind, id: string): string {
  return `${kind} ${id}`;
}

/** What a cooldown is kept under. */
export function coolingName({ credential, model }: Cooldown): string {
  return `${credential} ${model}`;
}

/** Records by kind, in the order of their names; what cannot be read is left out. */
export function recordsOf(pairs: readonly Pair[]): SetupTable {
  const all = sorted(pairs);
  const of = <Kind extends SetupKind>(kind: Kind) =>
    all.flatMap(([name, text]) =>
      name.startsWith(`${kind} `) ? parsed<SetupRecords[Kind]>(text) ?? [] : []
    );
  return {
    credentials: of("credential"),
    providers: of("provider"),
    aliases: of("alias"),
  };
}

/** Cooldowns that have not ended at `now` (milliseconds). */
export function liveCooldowns(pairs: readonly Pair[], now: number): Cooldown[] {
  return sorted(pairs).flatMap(([, text]) => {
    const cooldown = parsed<Cooldown>(text);
    return cooldown && cooldown.until * 1000 > now ? [cooldown] : [];
  });
}

/** The records of a table with their places. */
export function rowsOf({ credentials, providers, aliases }: SetupTable) {
  const row = (kind: SetupKind, id: string, record: SetupRecord) => (
    { kind, id, record }
  );
  return [
    ...credentials.map((record) => row("credential", record.id, record)),
    ...providers.map((record) => row("provider", record.id, record)),
    ...aliases.map((record) => row("alias", record.name, record)),
  ];
}

/** By code units, as no locale has it otherwise. */
function sorted(pairs: readonly Pair[]): Pair[] {
  return pairs.toSorted(([one], [other]) => one < other ? -1 : 1);
}
