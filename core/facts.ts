/**
 * What an API's list of models says, in one form for all of them.
 *
 * @module
 */

/** What a model is for, where its API says so or its name leaves no doubt. */
export type ModelKind =
  | "chat"
  | "embedding"
  | "image"
  | "audio"
  | "video"
  | "rerank"
  | "moderation";

/** One model, as its API lists it; what is not said there is absent. */
export interface ModelFacts {
  /** As requests name it. */
  readonly id: string;
  /** Who made it. */
  readonly owner?: string;
  /** Seconds since the epoch. */
  readonly created?: number;
  /** Tokens that a call can read and write together, or read. */
  readonly context?: number;
  /** Tokens that an answer can have. */
  readonly output?: number;
  /** See {@linkcode ModelKind}. */
  readonly kind?: ModelKind;
}

/** Where an API lists its models, and how that is read. */
export interface ModelList {
  /** Path and query of the GET that shows all, or the first page. */
  readonly path: string;
  /** Every model of its answer, parsed; `undefined` where that is no list. */
  readonly read: (answer: unknown) => readonly ModelFacts[] | undefined;
  /** What is to be added to the path for the page behind an answer; `undefined` at the end. */
  readonly next?: (answer: unknown) => string | undefined;
}
