import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ARCHITECTURE_NAMES, NET_MODES } from "../../../../src/config/config.js";
import {
  AGENT_PATH,
  AGENT_PROGRAM,
  BUILDER_UID,
  DEBUGGER_UID,
  FOLDER,
  GUEST_WORD,
  HOSTILE_UID,
  INSIDE,
  LINK,
  MODULE_KEY_FILE,
} from "../../../../src/core/plan/names.js";
import type { PanicDriver } from "../../../../src/vm/plan/vm-end.js";

/** Names that scripts repeat, because keys of artifacts depend on these scripts, or because they cannot source names.sh. */

const read = (path: string) => readFileSync(path, "utf8");
const code = (path: string) => read(path).replace(/^\s*#.*$/gm, "");
/** The script and those that it runs, in the builder's image. */
const KERNEL = readdirSync("images/kernel")
  .filter((name) => /\.(?:sh|pl|py)$/.test(name))
  .map((name) => code(`images/kernel/${name}`))
  .join("\n");
const INIT = code("images/rootfs/tree/init");

describe("images", () => {
  const folders = (path: string) =>
    (/install -d (?:-o \S+ -g \S+ )?([^\\]*?) *\\/.exec(read(path))?.[1] ?? "").split(" ");

  it.each([
    ["Dockerfile.kernel", ["source", "objects", "ccache", "output", "input", "modules"]],
    ["Dockerfile.busybox", ["source", "objects", "output", "input"]],
    ["images/verify/hostile.Dockerfile", ["source", "objects", "ccache", "output", "input"]],
    ["images/gdb/Dockerfile", ["source", "objects", "output", "input", "dump"]],
    ["images/vm/Dockerfile", ["run", "artifacts"]],
  ] as const)("%s makes the folders that kdock mounts and writes to", (path, names) => {
    expect(folders(path)).toEqual(expect.arrayContaining(names.map((name) => INSIDE[name])));
  });

  it.each([
    "Dockerfile.kernel",
    "Dockerfile.busybox",
    "images/vm/Dockerfile",
    "images/gdb/Dockerfile",
  ])("%s has its scripts where kdock calls them", (path) => {
    expect(read(path)).toContain(`/copy-files.sh ${INSIDE.library} `);
    expect(read(path)).toMatch(
      new RegExp(`^ENTRYPOINT \\["sh", "${INSIDE.library}/\\w+\\.sh"\\]$`, "m"),
    );
  });

  it.each([
    ["Dockerfile.kernel", BUILDER_UID],
    ["Dockerfile.busybox", BUILDER_UID],
    ["images/gdb/Dockerfile", DEBUGGER_UID],
    ["images/verify/hostile.Dockerfile", HOSTILE_UID],
  ])("%s has the user %i", (path, uid) => {
    expect(read(path)).toContain(`useradd --uid ${uid} `);
  });

  it("have every script that kdock calls by its path", () => {
    const called = Object.values(INSIDE)
      .map(String)
      .filter((path) => path.startsWith(`${INSIDE.library}/`));
    expect(called.length).toBeGreaterThan(5);
    const there = ["vm", "gdb"].flatMap((image) =>
      readdirSync(`images/${image}`, { recursive: true, encoding: "utf8" }),
    );
    for (const path of called) expect(there).toContain(path.slice(INSIDE.library.length + 1));
  });
});

describe("the kernel's builder", () => {
  it.each([
    INSIDE.moduleKit,
    INSIDE.modulesInput,
    INSIDE.makeVariables,
    `${INSIDE.input}/${MODULE_KEY_FILE}`,
    `$out/${FOLDER.moduleKit}`,
    `$out/${FOLDER.modulesCpio}`,
    `${INSIDE.output}/${FOLDER.moduleList}`,
    `$folder/${INSIDE.early}/`,
  ])("reads or writes %s", (path) => {
    expect(KERNEL).toContain(path);
  });

  it("lists every architecture", () => {
    const comment = /KDOCK_ARCH +([\w| ]+):/.exec(read("images/kernel/build.sh"))?.[1];
    expect(comment?.split(" | ")).toEqual(ARCHITECTURE_NAMES);
  });
});

describe("the guest", () => {
  it.each(Object.values(GUEST_WORD))("understands %s on its command line", (word) => {
    expect(INIT).toContain(`${word}=*)`);
  });

  it("finds its network card by kdock's name, and starts the agent", () => {
    expect(INIT).toContain(`[ ! -e /sys/class/net/${LINK.card} ]`);
    expect(INIT).toMatch(new RegExp(`^${AGENT_PROGRAM} </dev/null &$`, "m"));
    expect(read("images/rootfs/pack.sh")).toContain(`as /${AGENT_PATH}`);
    expect(code("images/rootfs/pack.pl")).toContain(AGENT_PATH);
  });

  it("has an agent that opens the port that QEMU gives it", () => {
    const agent = read("images/busybox/agent/kdock-agent.c");
    expect(agent).toContain(`#define PORT_NAME "${INSIDE.agentPort}"\n`);
    expect(code("images/busybox/build.sh")).toContain(
      `cp busybox ${AGENT_PROGRAM} ${INSIDE.output}/`,
    );
  });
});

describe("the VM's container", () => {
  it("has a function for every network mode, and rejects others", () => {
    const start = code("images/vm/start.sh");
    for (const mode of NET_MODES) expect(start).toMatch(new RegExp(`^${mode}_network\\(\\)`, "m"));
    const accepted = /^ {2}([\w |]+)\) "\$\{mode\}_network"/m.exec(start)?.[1]?.split(" | ");
    expect(accepted).toEqual(NET_MODES);
  });

  it("detects that a kernel has loaded its driver for pvpanic", () => {
    const drivers: Readonly<Record<PanicDriver, string>> = {
      none: "$driver ne 'none'",
      "before-agent": 'loaded "before-agent"',
      "before-init": "$driver ne 'before-init'",
    };
    const script = read("images/vm/run-qemu.pl");
    for (const part of Object.values(drivers)) expect(script).toContain(part);
  });
});

describe("the debugger's container", () => {
  it("has gdb's files at the paths that kdock uses", () => {
    const settings = read("images/gdb/settings.gdb");
    expect(settings).toContain(`set history filename ${INSIDE.gdbHistory}\n`);
    expect(settings).toContain(`set index-cache directory ${INSIDE.output}/index\n`);
    expect(settings).toContain(`file ${INSIDE.output}/vmlinux\n`);
    expect(settings).toContain(`source ${INSIDE.library}/kdock/`);
    const session = read("images/gdb/session.gdb");
    expect(session).toContain(`source ${INSIDE.gdbSettings}\n`);
    expect(session).toContain(`target remote 127.0.0.1:${INSIDE.gdbPort}\n`);
  });

  it("reads dumps from the path that kdock uses", () => {
    const script = read("images/gdb/kdock/core.py");
    const given = INSIDE.dumpGiven.slice(INSIDE.dump.length);
    const core = INSIDE.core.slice(INSIDE.dump.length);
    expect(script).toContain(`FOLDER = "${INSIDE.dump}"\n`);
    expect(script).toContain(`CORE, GIVEN = f"{FOLDER}${core}", f"{FOLDER}${given}"\n`);
  });
});

it("LINK.lan is the engine's first interface of the network", () => {
  expect(LINK.lan).toBe(`${LINK.lanPrefix}0`);
});
