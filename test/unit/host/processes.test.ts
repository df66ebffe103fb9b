import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import { KdockError } from "../../../src/core/errors.js";
import { createNodeHost } from "../../../src/host/node-host.js";
import { useTemporaryFolder } from "./temporary-folder.js";

const at = useTemporaryFolder();
const host = createNodeHost({ env: { PATH: process.env["PATH"], KEPT: "yes" } });
const signal = new AbortController().signal;
const sh = (script: string) => ["sh", "-c", script];

it("stream returns the bytes of stdout and the lines of stderr", async () => {
  const lines: string[] = [];
  const stream = await host.stream(sh("head -c 300000 /dev/zero; echo one >&2; printf two >&2"), {
    signal,
    onStderr: (line) => lines.push(line),
  });
  expect((await text(stream)).length).toBe(300_000);
  expect(lines).toEqual(["one", "two"]);
});

it("capture runs programs with the given environment only", async () => {
  const script = 'echo "$KEPT $MORE $HOME"';
  expect(await host.capture(sh(script), { signal, env: { MORE: "more" } })).toBe("yes more");
});

it("stream fails with the end of stderr if the program fails, also after output", async () => {
  const failure = host.capture(sh("echo out; seq 1 30 >&2; exit 3"), { signal });
  await expect(failure).rejects.toMatchObject({
    code: "environment",
    message: expect.stringMatching(/exit code 3.*\n {2}21\n(.*\n)*.* 30$/) as string,
  });
});

it("capture reports a missing program", async () => {
  await expect(host.capture(["kdock-none"], { signal })).rejects.toMatchObject({
    code: "environment",
    message: "kdock-none is not installed, or not on PATH",
  });
});

async function isRunning(pid: string): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => " Z ");
  return !status.includes(" Z ");
}

it("stream ends the program when it is destroyed, also without output", async () => {
  const stream = await host.stream(sh("echo $$; exec sleep 60"), { signal });
  const [pid] = await new Promise<string[]>((resolve) =>
    stream.once("data", (chunk: Buffer) => {
      resolve(chunk.toString().split("\n"));
    }),
  );
  stream.destroy();
  await new Promise((resolve) => stream.once("close", resolve));
  expect(await isRunning(pid ?? "")).toBe(false);
});

it("stream ends the program when the signal aborts, and fails with its reason", async () => {
  const controller = new AbortController();
  const reason = new KdockError("interrupted", "interrupted");
  const failure = host.capture(sh("echo runs >&2; exec sleep 60"), {
    signal: controller.signal,
    onStderr: () => {
      controller.abort(reason);
    },
  });
  await expect(failure).rejects.toBe(reason);
});

it("stream starts no program if the signal is aborted", async () => {
  const reason = new KdockError("interrupted", "interrupted");
  const aborted = AbortSignal.abort(reason);
  await expect(host.stream(sh(`touch ${at("made")}`), { signal: aborted })).rejects.toBe(reason);
});

it("stream has backpressure", async () => {
  const stream = await host.stream(sh("head -c 5000000 /dev/zero"), { signal });
  // Nothing is read: once the buffers are full, they do not grow.
  await expect
    .poll(() => stream.readableLength, { timeout: 60_000 })
    .toBeGreaterThanOrEqual(stream.readableHighWaterMark);
  for (let turns = 0; turns < 100; turns += 1) await turn();
  expect(stream.readableLength).toBeLessThan(1_000_000);
  expect((await text(stream)).length).toBe(5_000_000);
});

it("which finds executable files only", async () => {
  expect(await host.which("sh")).toMatch(/\/sh$/);
  expect(await host.which("kdock-none")).toBeUndefined();
  const here = createNodeHost({ env: { PATH: `${at()}:` } });
  await host.files.makeFolder(at("folder"));
  await host.files.writeAtomic(at("file"), "");
  expect(await here.which("folder")).toBeUndefined();
  expect(await here.which("file")).toBeUndefined();
});
