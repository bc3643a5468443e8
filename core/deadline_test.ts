import assert from "node:assert/strict";
import { within } from "./deadline.ts";

Deno.test("within() answers as its work does, and leaves no timer behind", async () => {
  let given: AbortSignal | undefined;
  const work = (signal: AbortSignal) => {
    given = signal;
    return Promise.resolve("done");
  };
  assert.equal(await within(3_600_000, work), "done");
  assert.ok(!given!.aborted);
  const fails = () => Promise.reject(new Error("no"));
  await assert.rejects(within(3_600_000, fails), /^Error: no$/);
});

Deno.test("within() aborts what takes longer", async () => {
  const aborted = await within(
    1,
    (signal) =>
      new Promise((resolve) =>
        signal.addEventListener("abort", () => resolve(signal.aborted))
      ),
  );
  assert.equal(aborted, true);
});
