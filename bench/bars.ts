/** What issue 7 asks of a run, and whether it was met. */

import { type Result, valuesOf } from "./result.ts";
import { type Spread, spread } from "./statistics.ts";

/** One subject's figure beside another's, of the same rounds. */
interface Bar {
  readonly text: string;
  readonly figure: string;
  readonly of: string;
  /** Absent: the figure itself. */
  readonly beside?: string;
  readonly by?: "ratio" | "difference";
  /** The least it must be, or the most. */
  readonly least?: number;
  readonly most?: number;
  readonly unit: string;
  readonly digits: number;
}

export interface Measured extends Bar {
  /** Absent: it was not measured. */
  readonly measured?: Spread;
  /** By medians. */
  readonly met?: boolean;
  /** For requests per second: the same of CPU per request, which other work on the machine hardly changes. */
  readonly byCpu?: Spread;
}

const NAMES = { bun: "Bun", deno: "Deno" } as const;
const BESIDE: Readonly<Record<string, string>> = {
  "bare-bun": "bare Bun",
  "bare-deno": "bare Deno",
  rival: "@portkey-ai/gateway",
};

function ratio(of: keyof typeof NAMES, beside: string, least: number): Bar {
  return {
    text: `requests/s, doppel on ${NAMES[of]} to ${BESIDE[beside] ?? beside}`,
    figure: "rps32",
    ...{ of, beside, by: "ratio", least, unit: "×", digits: 2 } as const,
  };
}

function own(of: keyof typeof NAMES): Bar[] {
  const name = `doppel on ${NAMES[of]}`;
  const bare = `bare-${of}`;
  return [{
    text: `p50 at 200 requests/s, ${name} above ${BESIDE[bare]}`,
    figure: "p50",
    ...{ of, beside: bare, by: "difference", most: 150 } as const,
    ...{ unit: "µs", digits: 0 },
  }, {
    text: `time to first event that ${name} adds, p99`,
    figure: "first99",
    ...{ of, most: 1000, unit: "µs", digits: 0 },
  }, {
    text: `slow streams complete, ${name}`,
    figure: "complete",
    ...{ of, least: 1000, unit: "of 1,000", digits: 0 },
  }, {
    text: `memory per slow stream, ${name} to ${BESIDE[bare]}`,
    figure: "memory",
    ...{ of, beside: bare, by: "ratio", most: 1.3 } as const,
    ...{ unit: "×", digits: 2 },
  }];
}

export const BARS: readonly Bar[] = [
  ratio("bun", "bare-bun", 1),
  ratio("deno", "bare-deno", 1.2),
  ratio("bun", "nginx", 0.35),
  ratio("deno", "nginx", 0.12),
  ratio("bun", "rival", 20),
  ratio("deno", "rival", 8),
  ...own("bun"),
  ...own("deno"),
];

export function measureBars(
  result: Pick<Result, "outcomes">,
): readonly Measured[] {
  return BARS.map((bar) => {
    const measured = compare(result, bar);
    if (measured === undefined) return bar;
    const { least = -Infinity, most = Infinity } = bar;
    const met = measured.median >= least && measured.median <= most;
    // Less CPU is more requests: the other way round.
    const byCpu = bar.figure === "rps32" && bar.beside !== undefined
      ? compare(result, {
        ...bar,
        ...{ figure: "cpu", of: bar.beside, beside: bar.of },
      })
      : undefined;
    return { ...bar, measured, met, ...byCpu && { byCpu } };
  });
}

/** Round by round, so that what a round did to all its subjects does not count. */
function compare(
  result: Pick<Result, "outcomes">,
  { figure, of, beside, by }: Bar,
): Spread | undefined {
  const values = valuesOf(result, of, figure);
  if (beside === undefined) return spread(values.map(([, value]) => value));
  const others = new Map(valuesOf(result, beside, figure));
  return spread(values.flatMap(([round, value]) => {
    const other = others.get(round);
    if (other === undefined) return [];
    return [by === "ratio" ? value / other : value - other];
  }));
}
