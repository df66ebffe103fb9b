import { createInterface } from "node:readline";

/** Shows a question on a terminal and resolves with the typed line; with "" after Ctrl-D. */
export function ask(
  text: string,
  {
    input,
    output,
    signal,
  }: { input: NodeJS.ReadStream; output: NodeJS.WriteStream; signal: AbortSignal },
): Promise<string> {
  // The terminal stays in cooked mode: it echoes, edits the line, and Ctrl-C is a signal.
  const lines = createInterface({ input, output, terminal: false });
  return new Promise<string>((resolve, reject) => {
    const abort = () => {
      // Later output starts on a new line.
      output.write("\n");
      reject(signal.reason as Error);
    };
    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener("abort", abort, { once: true });
    lines.once("close", () => {
      signal.removeEventListener("abort", abort);
      resolve("");
    });
    lines.question(text, resolve);
  }).finally(() => {
    lines.close();
  });
}
