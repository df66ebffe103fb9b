import { describe, expect, it } from "vitest";
import {
  editorCompileCommands,
  exportContainer,
  exportKey,
  foundSource,
  isKernelSource,
  shellWords,
} from "../../../../src/editor/plan/source-export.js";
import { plan } from "../../fixtures.js";

const TREE = { source: "/home/ada/my linux", objects: "/home/ada/my linux/.kdock-build" };

it("foundSource reads collect.sh's events among other lines", () => {
  const lines = ["noise", "@kdock origin linux-source-6.12_6.12.1-1_all", "@kdock tree 0123"];
  const found = { origin: "linux-source-6.12_6.12.1-1_all", tree: "0123", generated: "" };
  expect(foundSource(lines)).toEqual({ ...found, compiled: false });
  expect(foundSource([...lines, "@kdock compiled"]).compiled).toBe(true);
});

it("exportKey changes with the files, and with the path only if compile_commands.json is exported", () => {
  const found = { origin: "", compiled: true, tree: "a", generated: "b" };
  const plain = { path: "/x", compileCommands: false };
  const same = exportKey(found, plain);
  expect(exportKey(found, { ...plain, path: "/y" })).toBe(same);
  expect(exportKey({ ...found, generated: "c" }, plain)).not.toBe(same);
  const full = { path: "/x", compileCommands: true };
  expect(exportKey(found, full)).not.toBe(exportKey(found, { ...full, path: "/y" }));
});

it("exportContainer mounts existing volumes read-only and has no network", () => {
  const { kernel, names } = plan();
  const source = names.volume("src", "debian:6.12");
  const spec = exportContainer(kernel, names, "image", new Set([source]), {
    path: "/x",
    compileCommands: true,
  });
  expect(spec.mounts).toEqual([{ volume: source, target: "/src", readOnly: true }]);
  expect(spec).toMatchObject({ network: "none", capDrop: ["ALL"], command: ["compile-commands"] });
});

it.each([
  [".kdock-source", false],
  [".kdock-patches/pristine/Makefile", false],
  [".fetch.aB3dEf/tree", false],
  [".clang-format", true],
  ["net/ipv4/tcp_ipv4.c", true],
])("isKernelSource of %s is %s", (path, expected) => {
  expect(isKernelSource(path)).toBe(expected);
});

describe("editorCompileCommands", () => {
  const command =
    "ccache gcc-14 -Wp,-MMD,net/.x.o.d -nostdinc -I/src/include -I./include -include /src/include/linux/kconfig.h " +
    '-fmacro-prefix-map=/src/= -fconserve-stack -mrecord-mcount -DKBUILD_MODNAME=\'"x"\' -D"A=b c" -c -o net/x.o /src/net/x.c';
  const text = JSON.stringify([{ directory: "/build", file: "/src/net/x.c", command }]);

  it("has the exported tree's paths, split arguments and no gcc-only options", () => {
    expect(JSON.parse(editorCompileCommands(text, TREE))).toEqual([
      {
        directory: TREE.objects,
        file: `${TREE.source}/net/x.c`,
        arguments: [
          ...["gcc-14", "-nostdinc", `-I${TREE.source}/include`, "-I./include"],
          ...["-include", `${TREE.source}/include/linux/kconfig.h`],
          ...[`-fmacro-prefix-map=${TREE.source}/=`, '-DKBUILD_MODNAME="x"', "-DA=b c"],
          ...["-c", "-o", "net/x.o", `${TREE.source}/net/x.c`],
        ],
      },
    ]);
  });

  it.each(["", "ccache ", "/usr/local/lib/kdock/cc.sh ", "/usr/local/lib/kdock/cc.sh ccache "])(
    "drops the wrapper %j before the compiler",
    (before) => {
      const entry = { directory: "/build", file: "/src/a.c", command: `${before}clang-19 -c a.c` };
      const [moved] = JSON.parse(editorCompileCommands(JSON.stringify([entry]), TREE)) as {
        arguments: string[];
      }[];
      expect(moved?.arguments).toEqual(["clang-19", "-c", "a.c"]);
    },
  );

  it("keeps paths that only resemble /src and /build", () => {
    const other = "cc -I/usr/src/x -I/srcs/y -I../src/z /building/w.c";
    const entry = { directory: "/build/sub", file: "/src/a.c", command: other };
    const [moved] = JSON.parse(editorCompileCommands(JSON.stringify([entry]), TREE)) as {
      directory: string;
      arguments: string[];
    }[];
    expect(moved?.arguments).toEqual(other.split(" "));
    expect(moved?.directory).toBe(`${TREE.objects}/sub`);
  });

  it.each([
    ["a  b\tc", ["a", "b", "c"]],
    [String.raw`-D'A="x y"' b\ c`, ['-DA="x y"', "b c"]],
    [String.raw`"a\"b" '' ""`, ['a"b', "", ""]],
    ["", []],
  ])("shellWords splits %s as a shell does", (line, words) => {
    expect(shellWords(line)).toEqual(words);
  });
});
