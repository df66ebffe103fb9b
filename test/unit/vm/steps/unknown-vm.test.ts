import { describe, expect, it, vi } from "vitest";
import type { Project } from "../../../../src/build/project.js";
import type { Context } from "../../../../src/core/steps/context.js";
import { consoleFiles, consoleOwner, FOLDER, LABEL } from "../../../../src/core/plan/names.js";
import { gdbAddressOf } from "../../../../src/debug/steps/gdb-address.js";
import { lastConsole, streamLogs } from "../../../../src/vm/steps/logs.js";
import { runningVm } from "../../../../src/vm/steps/running-vm.js";
import { findVm, stopOne } from "../../../../src/vm/steps/vms.js";
import { up } from "../../../../src/vm/steps/up.js";
import { config, plan } from "../../fixtures.js";

vi.mock("../../../../src/vm/steps/build-for-vms.js", () => ({
  buildForVms: (_project: unknown, names: readonly string[]) =>
    Promise.reject(new Error(`builds for ${names.join(", ")}`)),
}));

const YAML = "vms: { server: {}, client: { gdb: 2000 } }";

/** With VMs of those names, all running, and files in .kdock/logs. */
function project(names: readonly string[], logs: readonly string[] = []): Project {
  const vms = names.map((name) => ({
    ...{ id: name, name, running: true, status: "Up 3 minutes" },
    ports: [{ containerPort: 1234, protocol: "tcp", hostAddress: "127.0.0.1", hostPort: 32_768 }],
    labels: { [LABEL.vm]: JSON.stringify({ slot: { name, index: 0 } }) },
  }));
  const ctx = {
    folder: "/work",
    signal: new AbortController().signal,
    host: {
      files: {
        exists: (path: string) => Promise.resolve(path === `/work/${FOLDER.logs}`),
        readText: () => Promise.resolve(undefined),
        list: () => Promise.resolve(logs),
      },
    },
    engine: () =>
      Promise.resolve({
        listContainers: () => Promise.resolve(vms),
        container: () => ({ getArchive: () => Promise.reject(new Error("no such file")) }),
      }),
  } as unknown as Context;
  return { ctx, plan: plan(YAML), config: config(YAML) } as Project;
}

const RUNNING = { paused: false, bootTimeoutSeconds: 1 };

describe("a name that no VM has", () => {
  const message = "this project has no VM servr";
  const error = (hint: string) => ({ code: "usage", message, hint });

  it.each([
    ["stop", ({ ctx, plan }: Project) => stopOne(ctx, plan, "servr")],
    ["what needs a VM", ({ ctx, plan }: Project) => findVm(ctx, plan, "servr")],
    ["decode", ({ ctx, plan }: Project) => lastConsole(ctx, plan, "servr")],
    ["logs", ({ ctx, plan }: Project) => streamLogs(ctx, plan, { vm: "servr", follow: false })],
  ])("is told in the same words by %s", async (_what, step) => {
    const both = project(["server", "client"]);
    await expect(step(both)).rejects.toMatchObject(
      error("Did you mean server? There is client, server."),
    );
  });

  it("is looked for among the consoles that are kept, too, by logs", async () => {
    const { ctx, plan } = project(["a"], ["console-server.log", "console.log", "kernel.log"]);
    await expect(streamLogs(ctx, plan, { vm: "servr", follow: false })).rejects.toMatchObject(
      error("Did you mean server? There is a, server, vm."),
    );
  });

  it("is looked for in kdock.yaml by up", async () => {
    const start = "`kdock run -d --name servr` starts one that is not in kdock.yaml.";
    const request = { names: ["servr"], bootTimeoutSeconds: 1 };
    await expect(up(project([]), request)).rejects.toMatchObject(
      error(`Did you mean server? There is client, server. ${start}`),
    );
  });

  it("starts no VM for trap and debug where it is nearly that of another", async () => {
    const start = "`kdock run -d --name servr` starts a new one.";
    const wanted = runningVm(project(["servers"]), { ...RUNNING, vm: "servr" });
    await expect(wanted).rejects.toMatchObject(
      error(`Did you mean server? There is client, server, servers. ${start}`),
    );
  });

  it.each(["server", "vm", "other"])("is not %s, which trap and debug start", async (vm) => {
    const wanted = runningVm(project(["a"]), { ...RUNNING, vm });
    await expect(wanted).rejects.toThrow(`builds for ${vm}`);
  });

  it("is told by what needs an address of gdbserver", async () => {
    await expect(gdbAddressOf(project([]), "servr")).rejects.toMatchObject(
      error("Did you mean server? There is client, server."),
    );
  });
});

describe("gdbAddressOf", () => {
  it("is where a VM that runs has published it, else where kdock.yaml puts it", async () => {
    const found = async (running: readonly string[], vm: string) =>
      gdbAddressOf(project(running), vm);
    const [now, fixed] = ["127.0.0.1:32768", "127.0.0.1:2000"];
    expect(await found(["server"], "server")).toEqual({ address: now, fixed: undefined });
    expect(await found(["client"], "client")).toEqual({ address: now, fixed });
    expect(await found([], "client")).toEqual({ address: fixed, fixed });
    expect(await found([], "server")).toEqual({ address: undefined, fixed: undefined });
  });
});

it.each(["vm", "a", "server-2"])("consoleOwner is the inverse of consoleFiles: %s", (vm) => {
  const file = consoleFiles(vm).log;
  expect(file.startsWith(`${FOLDER.logs}/`)).toBe(true);
  expect(consoleOwner(file.slice(FOLDER.logs.length + 1))).toBe(vm);
});

it.each(["console-a.end", "console-a.kernel", "kernel.log", "xconsole.log"])(
  "%s is no console",
  (file) => {
    expect(consoleOwner(file)).toBeUndefined();
  },
);
