import { describe, expect, it } from "vitest";
import { publishedAddress } from "../../../../src/build/plan/gdb-plan.js";
import { editorScript, type GdbFacts, gdbScript } from "../../../../src/build/plan/gdb-script.js";
import { plan } from "../../fixtures.js";

const FACTS: GdbFacts = {
  vmlinux: "/home/ada/lab/.kdock/out/kernel/0123/vmlinux",
  architecture: "i386:x86-64",
  kernelCommands: "/home/ada/lab/.kdock/out/kernel/0123/vmlinux-gdb.py",
  modules: false,
  ownModules: [],
  gdbModules: "/home/ada/lab/.kdock/out/set/4567/gdb/kdock",
  source: undefined,
  address: "127.0.0.1:1234",
  scripts: [],
};

function script(change: Partial<GdbFacts> = {}): string {
  return gdbScript({ ...FACTS, ...change });
}

describe("kdock.gdb", () => {
  it("allows the kernel's commands, loads symbols, and connects, in this order", () => {
    const words = [
      ...[
        "add-auto-load-safe-path",
        "\nfile ",
        "\nsource /home/ada/lab/.kdock/out/set/4567/gdb/kdock/panic.py",
      ],
      "/gdb/kdock/commands.py",
      "target remote 127.0.0.1:1234",
    ];
    const places = words.map((word) => script().indexOf(word));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(Math.min(...places)).toBeGreaterThan(0);
  });

  it.each([
    ["without kernel commands", { kernelCommands: undefined }, "add-auto-load-safe-path", false],
    ["without an export", {}, "substitute-path", false],
    [
      "with one",
      { source: { source: "/home/ada/linux", objects: "/home/ada/linux/.kdock-build" } },
      'set substitute-path /src "/home/ada/linux"\nset substitute-path /build "/home/ada/linux/.kdock-build"\n',
      true,
    ],
    ["without an address", { address: undefined }, "target remote", false],
    [
      "without an address, with a message",
      { address: undefined },
      "the gdb port is not known yet",
      true,
    ],
    ["without modules", {}, 'gdb.execute("kdock-symbols")', false],
    ["with modules", { modules: true }, 'gdb.execute("kdock-symbols")', true],
    ["the new name of the index cache", {}, '"index-cache enabled on"', true],
    ["and the old one", {}, '"index-cache on"', true],
  ])("%s", (_what, change, words, present) => {
    expect(script(change).includes(words)).toBe(present);
  });

  it("quotes paths only for commands that split their arguments", () => {
    const odd = `/home/ada/it's a "lab" \\ here`;
    const text = script({
      vmlinux: `${odd}/vmlinux`,
      kernelCommands: `${odd}/vmlinux-gdb.py`,
      source: { source: odd, objects: `${odd}/b` },
      scripts: [`${odd}/my.gdb`],
    });
    const quoted = `/home/ada/it's a \\"lab\\" \\\\ here`;
    expect(text).toContain(`\nfile "${quoted}/vmlinux"\n`);
    expect(text).toContain(`\nset substitute-path /src "${quoted}"\n`);
    expect(text).toContain(`\nadd-auto-load-safe-path ${odd}/vmlinux-gdb.py\n`);
    expect(text).toContain(`\nsource ${odd}/my.gdb\n`);
  });

  it("sources the user's scripts last, in order", () => {
    const text = script({ scripts: ["/a.gdb", "/b.py"], modules: true });
    expect(text.endsWith("end\nsource /a.gdb\nsource /b.py\n")).toBe(true);
  });
});

it("editor.gdb stops at panics as well", () => {
  expect(editorScript(FACTS)).toContain(`\nsource ${FACTS.gdbModules}/panic.py\n`);
});

it("editor.gdb leaves program and connection to the adapter, and replaces kill", () => {
  const text = editorScript({ ...FACTS, scripts: ["/a.gdb"] });
  expect(text).not.toMatch(/^file |target remote|^source \/a\.gdb/m);
  expect(text).toContain("add-auto-load-safe-path");
  expect(text).toMatch(/"kill".*\n.*invoke.*\n.*"detach"/);
});

describe("the address of gdb.listen", () => {
  it.each([
    ["", "127.0.0.1:1234"],
    ["gdb: { listen: 0 }", undefined],
    ["gdb: { enable: false }", undefined],
    ["gdb: { listen: '0.0.0.0:4321' }", "127.0.0.1:4321"],
    ["gdb: { listen: '[::1]:4321' }", "[::1]:4321"],
  ])("%s", (yaml, address) => {
    expect(plan(yaml).gdb.address).toBe(address);
  });

  it("a wildcard address becomes loopback", () => {
    const port = { containerPort: 1234, protocol: "tcp", hostPort: 5000 } as const;
    expect(publishedAddress({ ...port, hostAddress: "::" })).toBe("[::1]:5000");
    expect(publishedAddress({ ...port, hostAddress: "10.0.0.7" })).toBe("10.0.0.7:5000");
  });
});

it("gdb.scripts are relative to kdock.yaml", () => {
  const { scripts } = plan("gdb: { scripts: [tcp.gdb, /opt/all.gdb] }").gdb;
  expect(scripts).toEqual(["/home/ada/lab/tcp.gdb", "/opt/all.gdb"]);
});

it("gdb.scripts do not affect keys", () => {
  expect(plan("gdb: { scripts: [tcp.gdb] }").setKey).toBe(plan().setKey);
});

it("kdock.gdb has the folders and sources of out-of-tree modules", () => {
  const ownModules = [
    { name: "hello", folder: "/p/.kdock/out/module/hello", source: "/home/ada/my hello" },
    { name: "pair", folder: "/p/.kdock/out/module/pair", source: "/p/pair" },
  ];
  const text = gdbScript({ ...FACTS, ownModules });
  expect(text).toContain('set substitute-path /module/hello "/home/ada/my hello"\n');
  expect(text).toContain(
    'os.environ["KDOCK_MODULES"] = "/p/.kdock/out/module/hello:/p/.kdock/out/module/pair"',
  );
  expect(text).toContain('gdb.execute("kdock-symbols")');
});
