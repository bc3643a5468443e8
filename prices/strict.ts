/**
 * JSON text read so strictly that no other reader can see something else in it.
 *
 * @module
 */

/** An object's members. */
export type Members = Readonly<Record<string, unknown>>;

/** Far above any schema, far below any stack. */
const DEEPEST = 256;
/** Far above any request; to read more would keep everybody waiting for seconds. */
const MOST_VALUES = 500_000;

/** The object, if no object in it has a member twice: parsers differ in which of them counts. */
export function strictly(text: string): Members | undefined {
  const written = marksOf(text);
  if (written.values > MOST_VALUES) return undefined;
  try {
    const body: unknown = JSON.parse(text);
    if (!isObject(body)) return undefined;
    return namesIn(body) === written.names ? body : undefined;
  } catch {
    return undefined;
  }
}

function namesIn(value: unknown, depth = 0): number {
  if (typeof value !== "object" || value === null) return 0;
  if (depth > DEEPEST) throw new RangeError("too deep to be read");
  const inner = Object.values(value);
  const own = Array.isArray(value) ? 0 : inner.length;
  return inner.reduce((sum: number, one) => sum + namesIn(one, depth + 1), own);
}

/** Colons outside of strings, and values about, which commas divide. */
function marksOf(text: string): { names: number; values: number } {
  let [names, values] = [0, 0];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === ":") names++;
    else if (text[at] === ",") values++;
    if (text[at] !== '"') continue;
    for (at++; at < text.length && text[at] !== '"'; at++) {
      if (text[at] === "\\") at++;
    }
  }
  return { names, values };
}

/** Text that is normalised to see how long it gets, UTF-16 units; of more, each byte counts as what U+FDFA, the worst, makes of its three. */
const NORMALISED = 4_194_304;
const WORST = 11;

/** Bytes, or bytes after NFKC where those are more. */
export function sizeOf(text: string): number {
  // deno-lint-ignore no-control-regex
  if (!/[^\x00-\x7f]|\\u/.test(text)) return text.length;
  const encoder = new TextEncoder();
  const plain = encoder.encode(text).length;
  if (text.length > NORMALISED) return plain * WORST;
  const written = JSON.stringify(JSON.parse(text)).normalize("NFKC");
  return Math.max(plain, encoder.encode(written).length);
}

/** Whether a value has members. */
export function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a member says something. */
export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false;
}

/** What a lenient reader may take a name for: Go's ignores case, Google's knows two spellings. */
export function leniently(name: string): string {
  return name.normalize("NFKC").toLowerCase().replaceAll("_", "");
}

/** The first member that is none of `known`, or the second of two, but that a lenient reader may take for one; `known` by {@linkcode leniently}. */
export function misread(
  object: Members,
  known: ReadonlyMap<string, readonly string[]>,
): string | undefined {
  const seen = new Set<string>();
  return Object.keys(object).map((name) => [name, leniently(name)] as const)
    .find(([name, read]) => {
      const names = known.get(read);
      return names &&
        (!names.includes(name) || seen.size === seen.add(read).size);
    })?.[1];
}
