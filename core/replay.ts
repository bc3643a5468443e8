/**
 * Content that can go up a second time: kept as it goes by the first time, so
 * that nobody waits for the keeping.
 *
 * @module
 */

import type { Content } from "./content.ts";
import { withLength } from "./once.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Most chunks that are kept: each takes some hundred bytes of its own. */
const MOST_CHUNKS = 65_536;

/** Content for two journeys. */
export interface Replayable {
  /** For the first. */
  readonly first: Content;
  /** For the second, from the beginning; ends the first. `undefined` where it was too large to keep. */
  again(): Content | undefined;
  /** There will be no second. */
  settle(): void;
}

/** Keeps up to `most` bytes of a stream. One that is declared longer passes untouched. */
export function replayable(content: Content, most: number): Replayable {
  const { body, length } = content;
  if (!(body instanceof ReadableStream)) {
    return { first: content, again: () => content, settle() {} };
  }
  if (length !== undefined && length > most) {
    return { first: content, again: () => undefined, settle() {} };
  }
  const tape = record(body, most);
  const played = () => ({ ...content, body: withLength(tape.play(), length) });
  return {
    first: played(),
    again: () => tape.whole() ? played() : undefined,
    settle: tape.settle,
  };
}

/** One reader, a memory of what it read, and players that begin at its beginning, the last of which plays. */
function record(body: ReadableStream<Bytes>, most: number) {
  const reader = body.getReader();
  let chunks: (Bytes | undefined)[] = [];
  let left = most;
  let keeping = true;
  let stopped = false;
  let player = 0;
  let reading: Promise<void> | undefined;

  /** Adds the next chunk, `undefined` for the end. What a player waits for when it is stopped, the next one gets. */
  function more(): Promise<void> {
    return reading ??= reader.read().then(({ value }) => {
      reading = undefined;
      chunks.push(value);
      left -= value?.byteLength ?? 0;
      if (keeping && chunks.length > MOST_CHUNKS) left = -1;
      if (left < 0) keeping = false;
    });
  }

  function stop() {
    stopped = true;
    if (!keeping) reader.cancel().catch(() => {});
  }

  function settle() {
    keeping = false;
    if (stopped) stop();
  }

  function play(): ReadableStream<Bytes> {
    const mine = ++player;
    let at = 0;
    if (mine > 1) [keeping, stopped] = [false, false];
    return new ReadableStream<Bytes>({
      async pull(controller) {
        if (at === chunks.length) await more();
        if (mine !== player) throw new Error("Played again from the start");
        const chunk = chunks[at++];
        // Half at once, so that many small chunks cost no more than a few large ones.
        if (!keeping && 2 * at >= chunks.length) {
          [chunks, at] = [chunks.slice(at), 0];
        }
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
      cancel: () => void (mine === player && stop()),
    }, { highWaterMark: 0 });
  }

  return { play, settle, whole: () => left >= 0 };
}
