/**
 * Calls `act` when the signal is aborted; at once if it already is, since no event is sent for that. Disposing of the result
 * removes the listener.
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
