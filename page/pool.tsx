/**
 * The keys of one provider: in order, by hand or by keyboard.
 *
 * @module
 */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Draft } from "./draft.ts";
import { type Actions, type Key, KeyRow } from "./key_row.tsx";
import { levelsOf, moved, type Place, type Ranked, step } from "./levels.ts";

/** What a pool is ordered by. */
function rankedOf(keys: readonly Key[]): Ranked[] {
  return keys.map(({ id, priority, source }) => ({
    id,
    priority,
    fixed: source === "environment",
  }));
}

/** A key in somebody's hand, and what it is held over. */
function useDrag(move: (id: string, place: Place) => void) {
  const [held, setHeld] = useState<string | undefined>(undefined);
  const [over, setOver] = useState<string | undefined>(undefined);
  const release = (id: string | undefined) => {
    setHeld(id);
    setOver(undefined);
  };
  const drop = (place: Place): Drop => ({
    onDragOver(event) {
      if (held === undefined) return;
      event.preventDefault();
      setOver(JSON.stringify(place));
    },
    onDrop(event) {
      event.preventDefault();
      if (held !== undefined) move(held, place);
      release(undefined);
    },
  });
  const mark = (place: Place) => over === JSON.stringify(place) ? " over" : "";
  return { held, release, drop, mark };
}

/** The keys of a provider, in the order they are asked in. */
export function Pool(
  { provider, keys, draft, change, actions }: {
    provider: string;
    keys: readonly Key[];
    draft: Draft;
    change: (changes: Draft) => void;
    actions: Pick<Actions, "api" | "again" | "edit">;
  },
): JSX.Element {
  const [said, setSaid] = useState("");
  const ranked = rankedOf(keys);
  const levels = levelsOf(ranked);
  const move = (id: string, place: Place | undefined) => {
    if (place === undefined) return setSaid(`${id} is there already.`);
    const next = moved(ranked, id, place);
    if (typeof next === "string") return setSaid(next);
    change(new Map([...next].map(([key, priority]) => [key, { priority }])));
    setSaid(standing(ranked, next, id));
    focusOn(id);
  };
  const { held, release, drop, mark } = useDrag(move);
  return (
    <section class="pool" aria-label={`Keys of ${provider}`}>
      <Title {...{ provider, keys }} />
      <Levels
        {...{ levels, held, drop, mark }}
        rowOf={(id, at) => (
          <KeyRow
            key={id}
            row={keys.find((key) => key.id === id)!}
            unsaved={draft.has(id)}
            joined={mark({ join: at }) !== ""}
            drop={drop({ join: at })}
            actions={{
              ...actions,
              hold: (on) => release(on ? id : undefined),
              step: (by) => move(id, step(levels, id, by)),
              weigh: (weight) => change(new Map([[id, { weight }]])),
            }}
          />
        )}
      />
      <p class="hidden" role="status">{said}</p>
    </section>
  );
}

function Title(
  { provider, keys }: { provider: string; keys: readonly Key[] },
) {
  return (
    <h3>
      {provider} <span class="faint">{keys.length}</span>
    </h3>
  );
}

/** What a place does with a key that is dropped there. */
interface Drop {
  readonly onDragOver: (event: DragEvent) => void;
  readonly onDrop: (event: DragEvent) => void;
}

/** Levels, and between them where a key can be dropped. */
function Levels(
  { levels, held, drop, mark, rowOf }: {
    levels: ReturnType<typeof levelsOf>;
    held: string | undefined;
    drop: (place: Place) => Drop;
    mark: (place: Place) => string;
    rowOf: (id: string, at: number) => JSX.Element;
  },
) {
  return (
    <ol class={held ? "levels dragging" : "levels"}>
      {levels.flatMap(({ ids }, at) => [
        <li
          key={`level ${at}`}
          class={`gap${mark({ before: at })}`}
          {...drop({ before: at })}
        >
          {levels.length > 1 || ids.length > 1 ? nameOf(at, ids.length) : ""}
        </li>,
        ...ids.map((id) => rowOf(id, at)),
      ])}
      <li
        key="end"
        class={`gap end${mark({ before: levels.length })}`}
        {...drop({ before: levels.length })}
      />
    </ol>
  );
}

function nameOf(at: number, size: number): string {
  const when = at === 0
    ? "Asked first"
    : at === 1
    ? "Then, while all above cool"
    : "Then";
  return size > 1 ? `${when}, shared by weight` : when;
}

function standing(
  rows: readonly Ranked[],
  next: ReadonlyMap<string, number>,
  id: string,
): string {
  const levels = levelsOf(rows.map((row) => ({
    ...row,
    priority: next.get(row.id) ?? row.priority,
  })));
  const at = levels.findIndex(({ ids }) => ids.includes(id));
  const others = levels[at]!.ids.filter((one) => one !== id);
  const beside = others.length > 0 ? `, beside ${others.join(", ")}` : "";
  return `${id} is number ${
    at + 1
  } of ${levels.length}${beside}. Not saved yet.`;
}

/** A row that has moved is another element's neighbour: what had the focus has it again. */
function focusOn(id: string) {
  requestAnimationFrame(() => document.getElementById(`handle-${id}`)?.focus());
}
