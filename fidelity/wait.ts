/** Waits that say whether they were in vain, since what is waited for is a gateway's to do. */

/** Whether it comes to hold within so many milliseconds. */
export async function poll(
  holds: () => boolean,
  milliseconds: number,
): Promise<boolean> {
  const end = performance.now() + milliseconds;
  while (!holds()) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return true;
}
