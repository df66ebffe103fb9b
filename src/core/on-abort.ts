/**
 * Calls `act` when the signal is aborted: at once where it is already, for a listener is not told of what was before it.
 * Disposing of the result before that leaves `act` uncalled.
 */
export function onAbort(signal: AbortSignal, act: () => void): Disposable {
  if (signal.aborted) act();
  else signal.addEventListener("abort", act, { once: true });
  return {
    [Symbol.dispose]() {
      signal.removeEventListener("abort", act);
    },
  };
}
