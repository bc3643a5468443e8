import assert from "node:assert/strict";
import {
  bytes,
  clock,
  compact,
  count,
  duration,
  listIn,
  money,
  share,
} from "./amounts.ts";

Deno.test("amounts read as people write them", () => {
  const cases: [string, string][] = [
    [money(0), "$0.00"],
    [money(1_234_567), "$1.23"],
    [money(9_999), "$0.01"],
    [money(1_234), "$0.0012"],
    [money(1), "$0.000001"],
    [money(12_345_678_900), "$12,345.68"],
    [count(12_345), "12,345"],
    [compact(9_999), "9,999"],
    [compact(12_345), "12.3K"],
    [share(0, 5), "0 %"],
    [share(1, 0), "0 %"],
    [share(1, 1000), "< 1 %"],
    [share(999, 1000), "> 99 %"],
    [share(1, 4), "25 %"],
    [share(4, 4), "100 %"],
    [bytes(0), "0 B"],
    [bytes(12_345), "12.3 kB"],
    [bytes(999_999), "1.0 MB"],
    [bytes(4_500_000), "4.5 MB"],
    [duration(850), "850 ms"],
    [duration(12_340), "12.3 s"],
    [duration(59_999), "59 s"],
    [duration(245_000), "4 min 05 s"],
    [duration(-5), "0 ms"],
    [clock(7_380), "2 h 03 min"],
    [clock(259_200), "3 days"],
  ];
  for (const [shown, expected] of cases) assert.equal(shown, expected);
});

Deno.test("listIn() takes commas and lines, and leaves blanks out", () => {
  assert.deepEqual(listIn(" gpt-*, o4-mini\n\n*flash* ,"), [
    "gpt-*",
    "o4-mini",
    "*flash*",
  ]);
});
