/**
 * A signal of ours: what an `AbortSignal` does, without what makes one dear.
 * Each request has one, and the runtimes' own cost as much as many a step.
 *
 * @module
 */

/** What tells that something is no longer wanted; an `AbortSignal` is one. */
export interface Signal {
  /** Whether it has been told. */
  readonly aborted: boolean;
  /** As of an `AbortSignal`; what is added after it was told hears nothing. */
  addEventListener(type: "abort", listener: () => void): void;
  /** As of an `AbortSignal`. */
  removeEventListener(type: "abort", listener: () => void): void;
}

/** A signal that whoever has it can give. */
export class OwnSignal implements Signal {
  aborted = false;
  #listeners: (() => void)[] = [];

  addEventListener(_: "abort", listener: () => void): void {
    this.#listeners.push(listener);
  }

  removeEventListener(_: "abort", listener: () => void): void {
    this.#listeners = this.#listeners.filter((other) => other !== listener);
  }

  /** Tells everybody, once. */
  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }
}
