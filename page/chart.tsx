/**
 * Charts of sums over time: stacked bars drawn by hand, with axes, a read-out
 * for pointer and keyboard, and the same numbers as a table.
 *
 * @module
 */

import type { JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import {
  type Drawn,
  labelled,
  type Series,
  type Step,
  ticksOf,
  total,
} from "./series.ts";

/** What a chart is of. */
export interface ChartOptions extends Drawn {
  readonly title: string;
  readonly step: Step;
  /** A number as it is shown. */
  readonly format: (value: number) => string;
  /** Nothing is counted in fractions. */
  readonly whole?: boolean;
}

const HEIGHT = 180;
const TOP = 8;
const BOTTOM = 22;
const LEFT = 56;
const RIGHT = 8;
/** Pixels that a label below needs. */
const LABEL = 76;

/** One chart. */
export function TimeChart(options: ChartOptions): JSX.Element {
  const { title, times, series } = options;
  const [at, setAt] = useState<number | undefined>(undefined);
  const { ref, width } = useWidth();
  const count = times.length;
  const shown = at === undefined ? undefined : Math.min(at, count - 1);
  const place = (clientX: number, left: number) => {
    const inside = (clientX - left - LEFT) / (width - LEFT - RIGHT);
    setAt(clamp(Math.floor(inside * count), count));
  };
  return (
    <figure class="chart">
      <figcaption>
        <strong>{title}</strong>
        <ReadOut {...options} at={shown} />
      </figcaption>
      <div
        ref={ref}
        class="plot"
        role="slider"
        tabIndex={0}
        aria-label={`${title}: arrow keys read it out`}
        aria-valuemin={0}
        aria-valuemax={count - 1}
        aria-valuenow={shown ?? count - 1}
        aria-valuetext={spoken(options, shown ?? count - 1)}
        onPointerMove={({ clientX, currentTarget }) =>
          place(clientX, currentTarget.getBoundingClientRect().left)}
        onPointerLeave={() => setAt(undefined)}
        onBlur={() => setAt(undefined)}
        onFocus={() => setAt((was) => was ?? count - 1)}
        onKeyDown={(event) => {
          const to = KEYS[event.key]?.(shown ?? count - 1, count);
          if (to === undefined) return;
          event.preventDefault();
          setAt(clamp(to, count));
        }}
      >
        {width > 0 && <Plot {...options} width={width} at={shown} />}
      </div>
      {series.length > 1 && <Legend series={series} />}
      <AsTable {...options} />
    </figure>
  );
}

/** Where a key leads. */
const KEYS: Readonly<
  Record<string, ((at: number, count: number) => number) | undefined>
> = {
  ArrowLeft: (at) => at - 1,
  ArrowDown: (at) => at - 1,
  ArrowRight: (at) => at + 1,
  ArrowUp: (at) => at + 1,
  PageDown: (at) => at - 10,
  PageUp: (at) => at + 10,
  Home: () => 0,
  End: (_, count) => count - 1,
};

function clamp(at: number, count: number): number {
  return Math.max(0, Math.min(at, count - 1));
}

/** The width that an element has, by now. */
function useWidth() {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = ref.current!;
    const measure = () => setWidth(element.clientWidth);
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  return { ref, width };
}

function Plot(
  { times, series, step, format, whole = false, width, at }: ChartOptions & {
    width: number;
    at: number | undefined;
  },
) {
  const sums = times.map((_, i) =>
    total(series.map(({ values }) => values[i]!))
  );
  const ticks = ticksOf(Math.max(...sums), whole);
  const highest = ticks.at(-1)!;
  const room = { x: width - LEFT - RIGHT, y: HEIGHT - TOP - BOTTOM };
  const wide = room.x / times.length;
  const yOf = (value: number) => TOP + room.y * (1 - value / highest);
  const bar = Math.max(1, wide - (wide > 4 ? 2 : 0));
  return (
    <svg width={width} height={HEIGHT} aria-hidden="true">
      {ticks.map((tick) => (
        <g key={tick} class="tick">
          <line x1={LEFT} x2={width - RIGHT} y1={yOf(tick)} y2={yOf(tick)} />
          <text x={LEFT - 6} y={yOf(tick) + 4} text-anchor="end">
            {format(tick)}
          </text>
        </g>
      ))}
      {at !== undefined && (
        <rect
          class="here"
          x={LEFT + at * wide}
          y={TOP}
          width={wide}
          height={room.y}
        />
      )}
      {series.map((one, s) => (
        <path
          key={s}
          class={`bars s${s}${one.guessed ? " guessed" : ""}`}
          d={barsOf(series, s, { x: (i) => LEFT + i * wide, bar, yOf })}
        />
      ))}
      <g class="tick">
        {labelled(times.length, Math.floor(room.x / LABEL)).map((i) => (
          <text
            key={i}
            x={Math.min(LEFT + (i + 0.5) * wide, width - LABEL / 2)}
            y={HEIGHT - 6}
            text-anchor="middle"
          >
            {brief(times[i]!, step)}
          </text>
        ))}
      </g>
    </svg>
  );
}

/** All bars of one series as one path, upon those before it: however many there are, one element. */
function barsOf(
  series: readonly Series[],
  s: number,
  { x, bar, yOf }: {
    x: (i: number) => number;
    bar: number;
    yOf: (value: number) => number;
  },
): string {
  return series[s]!.values.map((value, i) => {
    if (!(value > 0)) return "";
    const below = total(series.slice(0, s).map(({ values }) => values[i]!));
    const [top, bottom] = [yOf(below + value), yOf(below)];
    return `M${x(i).toFixed(1)} ${bottom.toFixed(1)}V${top.toFixed(1)}h${
      bar.toFixed(1)
    }V${bottom.toFixed(1)}z`;
  }).join("");
}

/** What is pointed at, else the sum of all. */
function ReadOut(
  { times, series, step, format, at }: ChartOptions & {
    at: number | undefined;
  },
) {
  const valueOf = ({ values }: Series) =>
    at === undefined ? total(values) : values[at]!;
  return (
    <span class="readout">
      <span class="faint">
        {at === undefined ? "In all" : exact(times[at]!, step)}
      </span>{" "}
      <b>{format(total(series.map(valueOf)))}</b>
      {series.length > 1 && series.map((one, s) =>
        valueOf(one) > 0 && (
          <span key={s} class="part">
            <i class={`swatch s${s}${one.guessed ? " guessed" : ""}`} />
            {format(valueOf(one))}
          </span>
        )
      )}
    </span>
  );
}

function Legend({ series }: { series: readonly Series[] }) {
  return (
    <ul class="legend">
      {series.map((one, s) => (
        <li key={s}>
          <i class={`swatch s${s}${one.guessed ? " guessed" : ""}`} />
          {one.name}
        </li>
      ))}
    </ul>
  );
}

/** The same numbers; made when they are asked for. */
function AsTable({ title, times, series, step, format }: ChartOptions) {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{title} as a table</summary>
      {open && (
        <div class="scroll" tabIndex={0} role="region" aria-label={title}>
          <table>
            <thead>
              <tr>
                <th scope="col">{step === "hour" ? "Hour" : "Day (UTC)"}</th>
                {series.map(({ name }, s) => (
                  <th key={s} scope="col">{name}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {times.map((time, i) => (
                <tr key={time}>
                  <th scope="row">{exact(time, step)}</th>
                  {series.map(({ values }, s) => (
                    <td key={s} class="right">{format(values[i]!)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}

function spoken({ times, series, step, format }: ChartOptions, at: number) {
  const parts = series.filter(({ values }) => values[at]! > 0)
    .map(({ name, values }) => `${name} ${format(values[at]!)}`);
  return `${exact(times[at]!, step)}: ${parts.join(", ") || "nothing"}`;
}

/** Hours are the reader's own; days are cut in UTC, and said so. */
function brief(time: number, step: Step): string {
  const date = new Date(time);
  return step === "hour"
    ? date.getHours() === 0 ? DAY.format(date) : CLOCK.format(date)
    : UTC_DAY.format(date);
}

function exact(time: number, step: Step): string {
  const date = new Date(time);
  return step === "hour"
    ? `${DAY.format(date)}, ${CLOCK.format(date)}`
    : UTC_DAY.format(date);
}

const DAY = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
});
const CLOCK = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
});
const UTC_DAY = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  timeZone: "UTC",
});
