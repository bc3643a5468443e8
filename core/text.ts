/**
 * Text out of bytes that come in pieces. The decoder is made when the first
 * character needs one: they are slow, and most of what is looked for is ASCII.
 *
 * @module
 */

/** UTF-8 whose pieces may end within a character. */
export interface Text {
  /** Decodes on. */
  decode(bytes: Uint8Array): string;
  /** Drops half a character: what comes next is another text. */
  forget(): void;
}

/** Nothing is decoded yet. */
export function openText(): Text {
  let decoder: TextDecoder | undefined;
  let begun = false;
  return {
    decode(bytes) {
      begun = true;
      return (decoder ??= new TextDecoder()).decode(bytes, { stream: true });
    },
    forget() {
      if (begun) decoder!.decode();
      begun = false;
    },
  };
}
