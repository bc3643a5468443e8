import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { measureBars } from "./bars.ts";
import { chartOf } from "./chart.ts";
import { timeStream } from "./load_events.ts";
import { atPace } from "./load_steady.ts";
import { messageReader } from "./message.ts";
import { missingTools, readOptions } from "./options.ts";
import { failuresOf, type Outcome, type Result, valuesOf } from "./result.ts";
import { ANSWER, CONTENT, deltaOf, QUESTION, ROLE } from "./shapes.ts";
import { number, percentile, spread, spreadText } from "./statistics.ts";
import { asMarkdown, asText } from "./tables.ts";

Deno.test("a percentile is a value that was measured, and none of none", () => {
  const values = [5, 1, 4, 2, 3];
  assert.deepEqual([0, 0.5, 0.99, 1].map((p) => percentile(values, p)), [
    ...[1, 3, 5, 5],
  ]);
  assert.ok(Number.isNaN(percentile([], 0.5)));
});

Deno.test("a spread has the middle and both ends", () => {
  assert.equal(spread([]), undefined);
  assert.deepEqual(spread([7]), { median: 7, least: 7, most: 7 });
  assert.deepEqual(spread([10, 2, 9]), { median: 9, least: 2, most: 10 });
  assert.deepEqual(spread([1, 2, 4, 9]), { median: 3, least: 1, most: 9 });
  assert.equal(spreadText(spread([1000, 2500]), 0), "1,750 (1,000–2,500)");
  assert.equal(spreadText(spread([3, 3]), 1), "3.0");
  assert.equal(spreadText(undefined), "–");
  assert.deepEqual([number(-0.2), number(-1.26, 1)], ["0", "-1.3"]);
});

Deno.test("questions and answers are as long as is said of them", () => {
  assert.deepEqual([ANSWER.length, QUESTION.length], [CONTENT, CONTENT]);
});

Deno.test("messages are read however their bytes are cut", () => {
  const bytes = Buffer.from(
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" +
      "HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n" +
      "3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nx: y\r\n\r\n" +
      "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n" +
      "HTTP/1.1 200 OK\r\n\r\nuntil the end",
  );
  for (let size = 1; size <= bytes.length; size++) {
    const seen: string[] = [];
    let content = "";
    const reader = messageReader("answer", {
      head: (start) => seen.push(start),
      data: (piece) => content += piece,
      end() {
        seen.push(content);
        content = "";
      },
    });
    for (let at = 0; at < bytes.length; at += size) {
      reader.push(bytes.subarray(at, at + size));
    }
    assert.ok(reader.close());
    assert.deepEqual(seen, [
      ...["HTTP/1.1 200 OK", "hello"],
      ...["HTTP/1.1 201 Created", "abc0123456789abcdef"],
      ...["HTTP/1.1 200 OK", ""],
      ...["HTTP/1.1 200 OK", "until the end"],
    ], `in pieces of ${size}`);
  }
});

Deno.test("a message that its connection's end has cut is not whole", () => {
  let ended = 0;
  const reader = messageReader("answer", {
    head() {},
    data() {},
    end: () => void ended++,
  });
  reader.push(Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel"));
  assert.deepEqual([reader.close(), ended], [false, 0]);
});

Deno.test("a gap is stretched by what was not its origin's", () => {
  let now = 100;
  const stream = timeStream(() => now);
  const come = (at: number, text: string) => {
    now = at;
    stream.data(Buffer.from(text));
  };
  come(103, ROLE);
  come(104, deltaOf("5000"));
  // Written 4 ms after the one before, and 6 ms later here; cut in two.
  const next = deltaOf("9000");
  come(108, next.slice(0, 50));
  come(110, next.slice(50));
  assert.equal(stream.timed(), undefined, "it has not ended");
  come(111, "data: [DONE]\n\n");
  assert.deepEqual(stream.timed(), { first: 3, stretched: [2] });
});

Deno.test("a pace begins what is due, answered or not", async () => {
  let begun = 0;
  const ends: (() => void)[] = [];
  const pace = { rate: 1000, seconds: 0.02, connections: 1 };
  const all = atPace(pace, (done) => {
    ends.push(done);
    if (++begun === 20) { for (const end of ends) end(); }
  });
  await all;
  assert.equal(begun, 20);
});

/** Two rounds: `direct`, and one that is slower each time. */
const outcomes: Outcome[] = [
  ...[[100, 150], [200, 290]].flatMap(([p50, own], round) => [
    { subject: "direct", part: "latency", round, sample: { p50: p50! } },
    { subject: "bun", part: "latency", round, sample: { p50: own! } },
    { subject: "bare-bun", part: "latency", round, sample: { p50: p50! + 20 } },
  ]),
  ...[[80, 100], [30, 60]].flatMap(([rps32, bare], round) => [
    {
      ...{ subject: "bun", part: "throughput", round },
      sample: { rps32: rps32!, cpu: 10 },
    },
    {
      ...{ subject: "bare-bun", part: "throughput", round },
      sample: { rps32: bare!, cpu: 5 },
    },
  ]),
  { subject: "bun", part: "latency", round: 2, sample: { p50: 1 } },
];

Deno.test("what is added is added to the same round's direct", () => {
  const of = (subject: string) =>
    valuesOf({ outcomes }, subject, "p50").map(([, value]) => value);
  assert.deepEqual(of("direct"), [100, 200]);
  assert.deepEqual(of("bun"), [50, 90], "a round without direct has nothing");
});

Deno.test("a bar is measured round by round, met by the median, or not measured", () => {
  const bars = measureBars({ outcomes });
  const [rate] = bars;
  assert.equal(rate!.text, "requests/s, doppel on Bun to bare Bun");
  assert.deepEqual(rate!.measured, { median: 0.65, least: 0.5, most: 0.8 });
  assert.equal(rate!.met, false);
  assert.deepEqual(rate!.byCpu, { median: 0.5, least: 0.5, most: 0.5 });
  const added = bars.find(({ figure, of }) => figure === "p50" && of === "bun");
  assert.deepEqual(added!.measured, { median: 50, least: 30, most: 70 });
  assert.equal(added!.met, true);
  assert.equal(bars.find(({ of }) => of === "deno")!.met, undefined);
});

Deno.test("what failed is said: requests, and what broke a part off", () => {
  const subjects = [{ id: "bun", title: "Bun", about: "" }];
  const round = 0;
  const result = {
    subjects,
    outcomes: [
      { subject: "bun", part: "latency", round, sample: { failed: 3 } },
      { subject: "bun", part: "events", round, sample: { failed: 0 } },
      { subject: "bun", part: "streams", round, broken: "gone" },
    ],
  } as unknown as Result;
  assert.deepEqual(failuresOf(result), [
    "Bun, latency, round 1: 3 failed",
    "Bun, streams, round 1: gone",
  ]);
});

Deno.test("a chart shows each name and value, and what is in it is text", () => {
  const svg = chartOf({
    ...{ title: "A & B", unit: "ms", digits: 1 },
    bars: [
      {
        name: "<one>",
        value: { median: 10, least: 5, most: 20 },
        strong: true,
      },
      { name: "two", value: { median: -1, least: -2, most: 0 } },
    ],
  });
  assert.match(svg, /A &amp; B/);
  assert.match(svg, /&lt;one&gt;/);
  assert.doesNotMatch(svg, /<one>|NaN|width="-/);
  assert.match(svg, />10\.0</);
  assert.equal(svg.match(/class="strong"/g)?.length, 1);
});

Deno.test("tables have a cell for each head", () => {
  const table = { head: ["", "a"], rows: [["x", "1"]] };
  assert.equal(asMarkdown(table), "|  | a |\n| --- | ---: |\n| x | 1 |");
  assert.equal(asText(table), "   a\nx  1");
});

Deno.test("options: a whole run writes its results, a narrowed one does not", () => {
  const read = (...args: string[]) => readOptions(args, "bench/");
  assert.equal(read().out, "bench/");
  for (const args of [["--quick"], ["--only", "bun"], ["--rounds", "1"]]) {
    assert.equal(read(...args).out, undefined, `${args}`);
  }
  assert.equal(read("--quick", "--out", "x").out, "x");
  assert.deepEqual(read("--env", "A=b=c").env, { A: "b=c" });
  assert.throws(() => read("--parts", "x"), /no part is called x/);
  assert.throws(() => read("--rounds", "0"), /--rounds/);
  assert.throws(() => read("--fast"), /--fast/);
});

Deno.test("what is missing is named with its package", () => {
  assert.equal(missingTools(() => true), undefined);
  assert.match(
    missingTools((tool) => !["wrk", "nginx"].includes(tool))!,
    /needs wrk, nginx \(Debian: apt install wrk nginx-light\)/,
  );
});
