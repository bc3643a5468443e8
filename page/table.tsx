/**
 * A table of any length, of which only the rows in view are there.
 *
 * @module
 */

import type { ComponentChildren, JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

/** A column of a {@linkcode Table}. */
export interface Column<Row> {
  readonly id: string;
  readonly title: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** Absent: it cannot be sorted by. */
  readonly sort?: (row: Row) => string | number;
  /** To the right, for numbers. */
  readonly right?: boolean;
}

/** Pixels of a row; only the rows in view are there. */
const ROW = 40;
const BEYOND = 8;

/** What a table shows, and what is done with it. */
interface TableOptions<Row> {
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  readonly keyOf: (row: Row) => string;
  readonly label: string;
  readonly sorted?: { readonly by: string; readonly down: boolean };
  readonly onSort?: (by: string) => void;
  readonly selected?: ReadonlySet<string>;
  readonly onSelect?: (keys: readonly string[], on: boolean) => void;
  readonly empty?: ComponentChildren;
}

/** Rows, as many as there are: those out of view are space. */
export function Table<Row>(options: TableOptions<Row>): JSX.Element {
  const { rows, columns, label, empty } = options;
  const box = useRef<HTMLDivElement>(null);
  const [from, setFrom] = useState(0);
  const [height, setHeight] = useState(600);
  useLayoutEffect(() => {
    const measure = () => setHeight(box.current?.clientHeight || 600);
    measure();
    addEventListener("resize", measure);
    return () => removeEventListener("resize", measure);
  }, []);
  if (rows.length === 0 && empty) return <div class="empty">{empty}</div>;
  const first = Math.max(0, Math.floor(from / ROW) - BEYOND);
  const last = Math.min(
    rows.length,
    Math.ceil((from + height) / ROW) + BEYOND,
  );
  const width = columns.length + (options.onSelect ? 1 : 0);
  return (
    <div
      class={columns.at(-1)?.id === "actions" ? "table acted" : "table"}
      ref={box}
      tabIndex={0}
      role="region"
      aria-label={label}
      onScroll={({ currentTarget }) => setFrom(currentTarget.scrollTop)}
    >
      <table aria-rowcount={rows.length + 1} aria-label={label}>
        <Head {...options} />
        <tbody>
          <Space rows={first} width={width} />
          {rows.slice(first, last).map((row, n) => (
            <Line
              key={options.keyOf(row)}
              row={row}
              index={first + n + 2}
              options={options}
            />
          ))}
          <Space rows={rows.length - last} width={width} />
        </tbody>
      </table>
    </div>
  );
}

function Head<Row>(
  { rows, columns, keyOf, sorted, onSort, selected, onSelect }: TableOptions<
    Row
  >,
) {
  const all = rows.length > 0 && rows.every((row) => selected?.has(keyOf(row)));
  const order = (id: string) =>
    sorted?.by !== id ? "none" : sorted.down ? "descending" : "ascending";
  return (
    <thead>
      <tr>
        {onSelect && (
          <th class="tick">
            <input
              type="checkbox"
              aria-label="Select all"
              checked={all}
              onChange={() => onSelect(rows.map(keyOf), !all)}
            />
          </th>
        )}
        {columns.map(({ id, title, sort, right }) => (
          <th key={id} class={classOf(id, right)} aria-sort={order(id)}>
            {sort && onSort
              ? (
                <button
                  type="button"
                  class="sort"
                  onClick={() => onSort(id)}
                >
                  {title}
                  <span aria-hidden="true">
                    {{ none: "", ascending: " ↑", descending: " ↓" }[order(id)]}
                  </span>
                </button>
              )
              : title}
          </th>
        ))}
      </tr>
    </thead>
  );
}

function Line<Row>(
  { row, index, options }: {
    row: Row;
    index: number;
    options: TableOptions<Row>;
  },
) {
  const { columns, keyOf, selected, onSelect } = options;
  const key = keyOf(row);
  const on = selected?.has(key) ?? false;
  return (
    <tr aria-rowindex={index}>
      {onSelect && (
        <td class="tick">
          <input
            type="checkbox"
            aria-label={`Select ${key}`}
            checked={on}
            onChange={() => onSelect([key], !on)}
          />
        </td>
      )}
      {columns.map(({ id, cell, right }) => (
        <td key={id} class={classOf(id, right)}>{cell(row)}</td>
      ))}
    </tr>
  );
}

/** So that a narrow page can leave a column out. */
function classOf(id: string, right = false): string {
  return `column-${id}${right ? " right" : ""}`;
}

function Space({ rows, width }: { rows: number; width: number }) {
  return rows > 0
    ? (
      <tr aria-hidden="true" class="space" style={{ height: rows * ROW }}>
        <td colSpan={width} />
      </tr>
    )
    : null;
}
