import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { packTar } from "../../../../src/archive/tar.js";
import type { Container, ContainerInfo, PublishedPort } from "../../../../src/engine/engine.js";
import { createNodeHost } from "../../../../src/host/node-host.js";
import { INSIDE, LABEL, labels } from "../../../../src/core/plan/names.js";
import { vmFacts } from "../../../../src/vm/plan/vm-facts.js";
import { attachConsole } from "../../../../src/vm/steps/attach-console.js";
import type { Context } from "../../../../src/core/steps/context.js";
import { openGdb } from "../../../../src/debug/steps/gdb.js";
import { bootDetached } from "../../../../src/vm/steps/run-detached.js";
import type { StartedVm } from "../../../../src/vm/steps/start-vm.js";
import { listVms } from "../../../../src/vm/steps/vms.js";
import { plan } from "../../fixtures.js";

const WHY = "its port cannot be closed to guests and other containers";
const NETWORK = "[kdock] network: none, the guest has no card\r\n";
const OFF = `[kdock] gdbserver: off, because ${WHY}\r\n`;
const QEMU = "[kdock] QEMU starts: what follows is the guest's\r\n";
const PORT: PublishedPort = {
  ...{ containerPort: INSIDE.gdbPort, protocol: "tcp", hostAddress: "127.0.0.1", hostPort: 1234 },
};

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdock-stub-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** `shown` returns what was written to stdout. */
function context(engine: object = {}): Context & { readonly shown: () => string } {
  const shown: string[] = [];
  return {
    ...{ host: createNodeHost({ env: {} }), folder, signal: new AbortController().signal },
    reporter: { emit: () => undefined, pause: () => undefined },
    terminal: { isInteractive: false },
    stdout: new Writable({
      write(chunk, _encoding, done) {
        shown.push(String(chunk));
        done();
      },
    }),
    engine: () => Promise.resolve(engine),
    shown: () => shown.join(""),
  } as unknown as Context & { readonly shown: () => string };
}

/** A VM's container; `why` is the text that start.sh has written to INSIDE.noGdbserver. */
function container(why: string | undefined): Container {
  return {
    id: "1",
    getArchive: (path: string) =>
      why === undefined || path !== INSIDE.noGdbserver
        ? Promise.reject(new Error("no such file"))
        : Promise.resolve(
            packTar([{ kind: "file", path: "x", mode: 0o644, content: Buffer.from(`${why}\n`) }]),
          ),
    exec: () => {
      const stream = new PassThrough();
      stream.write('{"QMP": {}}\n');
      return Promise.resolve({ stream, stderr: new PassThrough() });
    },
  } as unknown as Container;
}

function engineWith(why: string | undefined, net: string) {
  const info: Partial<ContainerInfo> = {
    ...{ id: "1", name: "vm", running: true, status: "Up", ports: [PORT] },
    labels: { ...labels("vm", plan().names.id), [LABEL.vm]: JSON.stringify({ net }) },
  };
  return { listContainers: () => Promise.resolve([info]), container: () => container(why) };
}

describe("a VM whose gdbserver is off", () => {
  const started = (console: PassThrough): StartedVm => ({
    ...{ container: container(WHY), console, exit: new Promise<number>(() => undefined) },
    ...{ facts: vmFacts({}), gdb: PORT, release: () => undefined },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });

  it.each([
    ["starts without a gdb address", OFF, undefined, false],
    ["has a gdb address when the gdbserver is on", "", "127.0.0.1:1234", true],
  ])("%s", async (_what, line, gdb, isNoted) => {
    const note = join(folder, ".kdock/gdb-address");
    await mkdir(join(folder, ".kdock"));
    await writeFile(note, "127.0.0.1:1234\n");
    const console = new PassThrough();
    const options = { paused: true, bootTimeoutSeconds: 1 };
    const boot = bootDetached(context(), plan(), started(console), options);
    console.write(NETWORK + line + QEMU);
    expect(await boot).toMatchObject({ gdb });
    // kdock.gdb reads the address from this file.
    expect(await readFile(note).then(Boolean, () => false)).toBe(isNoted);
  });

  it("is listed without a gdb address", async () => {
    const gdbOf = async (why: string | undefined) =>
      (await listVms(context(engineWith(why, "none")), undefined)).map(({ gdb }) => gdb);
    expect(await gdbOf(WHY)).toEqual([""]);
    expect(await gdbOf(undefined)).toEqual(["127.0.0.1:1234"]);
  });

  it.each([
    ["user", /^Start the VM with --net bridge, or after `modprobe /],
    ["none", /^Restart the VM after `modprobe /],
  ])("rejects a debugger with the reason and a hint for mode %s", async (net, hint) => {
    const request = { vm: undefined, gdbArguments: [], env: {}, terminal: false };
    await expect(openGdb(context(engineWith(WHY, net)), plan(), request)).rejects.toMatchObject({
      ...{ code: "environment", message: `the VM has no gdbserver, because ${WHY}` },
      hint: expect.stringMatching(hint) as unknown,
    });
  });
});

describe("attachConsole from the first byte", () => {
  it("reports the scripts' results before it shows any output", async () => {
    const [ctx, console] = [context(), new PassThrough()];
    let reported: { noGdbserver: string | undefined; shown: string } | undefined;
    const attached = attachConsole(ctx, container(WHY), console, async ({ noGdbserver }) => {
      await new Promise((resolve) => setImmediate(resolve));
      reported = { noGdbserver, shown: ctx.shown() };
    });
    for (const part of [NETWORK, OFF.slice(0, 9), OFF.slice(9), `${QEMU}[    0.0]`]) {
      console.write(part);
      await new Promise((resolve) => setImmediate(resolve));
    }
    console.end(" Linux\r\n");
    expect((await attached).end).toBe("ended");
    expect(reported).toEqual({ noGdbserver: WHY, shown: "" });
    expect(ctx.shown()).toBe(`${NETWORK}${OFF}${QEMU}[    0.0] Linux\r\n`);
  });

  it("shows all output and reports nothing when the console ends before QEMU starts", async () => {
    const [ctx, console] = [context(), new PassThrough()];
    let isReported = false;
    const attached = attachConsole(ctx, container(WHY), console, () => {
      isReported = true;
      return Promise.resolve();
    });
    console.end(`${NETWORK}[kdock] error: no\r\n`);
    await attached;
    expect(ctx.shown()).toBe(`${NETWORK}[kdock] error: no\r\n`);
    expect(isReported).toBe(false);
  });
});
