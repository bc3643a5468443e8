/** Bars as SVG: one for each subject, with a whisker from the least to the most of its rounds. */

import { number, type Spread } from "./statistics.ts";

export interface Bar {
  readonly name: string;
  readonly value: Spread;
  /** Ours. */
  readonly strong?: boolean;
}

export interface Chart {
  readonly title: string;
  readonly unit: string;
  readonly digits: number;
  readonly bars: readonly Bar[];
}

const WIDTH = 800;
const [LEFT, RIGHT, TOP, STEP, THICK] = [270, 90, 56, 26, 16];

/** Colours follow the reader's scheme; in an `<img>` nothing else reaches them. */
const STYLE = `
  svg { color-scheme: light dark; }
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 15px; font-weight: 600; }
  .unit { fill: #59636e; }
  .bar { fill: #afb8c1; }
  .strong { fill: #0969da; }
  .whisker { stroke: #1f2328; stroke-width: 1.5; }
  .axis { stroke: #d1d9e0; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .unit { fill: #9198a1; }
    .bar { fill: #59636e; }
    .strong { fill: #4493f8; }
    .whisker { stroke: #f0f6fc; }
    .axis { stroke: #3d444d; }
  }
`;

export function chartOf({ title, unit, digits, bars }: Chart): string {
  const height = TOP + bars.length * STEP + 12;
  const most = Math.max(...bars.map(({ value }) => value.most), 0);
  const space = WIDTH - LEFT - RIGHT;
  // What noise has made less than nothing begins at nothing.
  const at = (value: number) =>
    most === 0 ? LEFT : round(LEFT + space * Math.max(0, value) / most);
  const label = `${title}, ${unit}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${
    escaped(label)
  }">
<style>${STYLE}</style>
<text class="title" x="12" y="22">${escaped(title)}</text>
<text class="unit" x="12" y="41">${
    escaped(unit)
  }; the middle of all rounds, and from the least to the most</text>
<line class="axis" x1="${LEFT}" y1="${TOP - 4}" x2="${LEFT}" y2="${
    height - 8
  }"/>
${
    bars.map((bar, i) => barOf(bar, { top: TOP + i * STEP, at, digits })).join(
      "\n",
    )
  }
</svg>
`;
}

function barOf(
  { name, value, strong }: Bar,
  { top, at, digits }: {
    readonly top: number;
    readonly at: (value: number) => number;
    readonly digits: number;
  },
): string {
  const { median, least, most } = value;
  const middle = top + THICK / 2;
  const text = middle + 5;
  return [
    `<text x="${LEFT - 10}" y="${text}" text-anchor="end">${
      escaped(name)
    }</text>`,
    `<rect class="${strong ? "strong" : "bar"}" x="${LEFT}" y="${top}" width="${
      round(at(median) - LEFT)
    }" height="${THICK}" rx="2"/>`,
    `<line class="whisker" x1="${at(least)}" y1="${middle}" x2="${
      at(most)
    }" y2="${middle}"/>`,
    ...[least, most].map((end) =>
      `<line class="whisker" x1="${at(end)}" y1="${middle - 4}" x2="${
        at(end)
      }" y2="${middle + 4}"/>`
    ),
    `<text x="${at(most) + 8}" y="${text}">${number(median, digits)}</text>`,
  ].join("\n");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  const named: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
  };
  return text.replace(/[&<>"]/g, (one) => named[one]!);
}
