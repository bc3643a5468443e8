/** What a reader that asks by the client's chunks leaves over in a server that reads ahead. */

import assert from "node:assert/strict";
import { type Asker, createAsker, readByChunks } from "./chunks.ts";

/** Bytes that are left over in a server like Deno's, behind a client that is always faster: with each read it takes as much as was ever asked for and gives out no more than the rest of a chunk. */
function leftOver(ask: Asker, sizes: readonly number[], chunks: number) {
  let taken = 0;
  let given = 0;
  let most = 0;
  for (let i = 0; i < chunks; i++) {
    const size = sizes[i % sizes.length]!;
    let framing = size.toString(16).length + 4;
    for (let left = size; left > 0;) {
      const asked = ask.next();
      most = Math.max(most, asked);
      taken += most;
      const got = Math.min(left, asked - framing);
      ask.got(got);
      given += got + framing;
      framing = 0;
      left -= got;
    }
  }
  return taken - given;
}

const UPLOAD = 536_870_912;

Deno.test("createAsker() leaves little over of 512 MiB in chunks of one size", () => {
  for (const size of [4_096, 8_192, 16_384, 65_536, 131_072, 1_048_576]) {
    const left = leftOver(createAsker(), [size], UPLOAD / size);
    assert.ok(left < 65_536, `${left} of chunks of ${size}`);
  }
});

Deno.test("createAsker() leaves over no more than one careful read a chunk where sizes differ", () => {
  const sizes = [100, 65_536, 1, 300_000, 4_096, 4_096, 8_192];
  const left = leftOver(createAsker(), sizes, 700);
  assert.ok(left <= 700 * 4_096, `${left}`);
});

Deno.test("readByChunks() hands out what came, of streams of bytes and of others", async () => {
  const parts = [1, 5_000, 70_000, 3, 4_096].map((length, i) =>
    new Uint8Array(length).fill(i + 1)
  );
  for (const type of ["bytes", undefined] as const) {
    let next = 0;
    const source = new ReadableStream({
      type: type as undefined,
      pull(controller) {
        const part = parts[next++];
        if (part === undefined) {
          controller.close();
          const { byobRequest } = controller as unknown as {
            byobRequest: { respond(bytes: number): void } | null;
          };
          byobRequest?.respond(0);
        } else controller.enqueue(part.slice());
      },
    });
    const content = readByChunks(source);
    const got: Uint8Array<ArrayBuffer>[] = [];
    for (
      let one = await content.read();
      !one.done;
      one = await content.read()
    ) {
      got.push(one.value);
    }
    assert.deepEqual(
      await new Blob(got).bytes(),
      await new Blob(parts).bytes(),
    );
  }
});
