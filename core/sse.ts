/**
 * The data of server-sent events, as it goes by
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 *
 * @module
 */

/** Where an event's data goes. */
export interface Listener {
  /** More of the data; its lines come without what divides them. */
  readonly data: (bytes: Uint8Array) => void;
  /** An empty line: the event is whole. */
  readonly dispatch: () => void;
}

const LF = 0x0a, CR = 0x0d, SPACE = 0x20;
const FIELD = [..."data:"].map((character) => character.charCodeAt(0));

/** A reader for the bytes of a stream in any pieces; lines may end in LF, CR or both. Holds nothing. */
export function openEvents(listener: Listener): (chunk: Uint8Array) => void {
  // Bytes of the line so far that are `data:`; the space after it is one more.
  let matched = 0;
  let empty = true;
  let skipping = false;
  let afterReturn = false;
  return (chunk) => {
    let cr = -2;
    for (let at = 0; at < chunk.length;) {
      const byte = chunk[at]!;
      if (byte === LF && afterReturn) {
        afterReturn = false;
        at++;
      } else if (byte === LF || byte === CR) {
        if (empty) listener.dispatch();
        matched = 0;
        empty = true;
        skipping = false;
        afterReturn = byte === CR;
        at++;
      } else if (!skipping && matched < FIELD.length) {
        empty = afterReturn = false;
        skipping = byte !== FIELD[matched++];
        at++;
      } else {
        afterReturn = false;
        if (!skipping && matched++ === FIELD.length && byte === SPACE) {
          at++;
          continue;
        }
        const lf = chunk.indexOf(LF, at);
        const end = lf === -1 ? chunk.length : lf;
        // Looked for once a chunk, since there is mostly none.
        if (cr !== -1 && cr < at) cr = chunk.indexOf(CR, at);
        const stop = cr === -1 ? end : Math.min(end, cr);
        if (!skipping) listener.data(chunk.subarray(at, stop));
        at = stop;
      }
    }
  };
}
