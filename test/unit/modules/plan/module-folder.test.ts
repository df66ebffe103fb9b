import { describe, expect, it } from "vitest";
import {
  belongsToModule,
  checkModuleFolder,
  inUsersFolder,
  moduleName,
  requireModules,
} from "../../../../src/modules/plan/module-folder.js";

const folder = (paths: string[], makefile?: string) => ({ shown: "hello", paths, makefile });
const hintOf = (run: () => void) => {
  try {
    run();
  } catch (error) {
    return (error as { hint: string }).hint;
  }
  return undefined;
};

describe("a module's folder", () => {
  it.each(["obj-m := hello.o\n", "all:\n\nobj-$(CONFIG_X) += a.o", "include common.mk\n"])(
    "is one with %j",
    (makefile) => {
      expect(() => {
        checkModuleFolder(folder(["hello.c"], makefile));
      }).not.toThrow();
    },
  );

  it("that has one C file and no Makefile is told the line to write", () => {
    const check = () => {
      checkModuleFolder(folder(["hello.c", "hello.h"]));
    };
    expect(check).toThrow("hello has neither Kbuild nor Makefile");
    expect(hintOf(check)).toBe("Write one line into hello/Kbuild: obj-m := hello.o");
  });

  it("with several C files may be one module or several", () => {
    const hint = hintOf(() => {
      checkModuleFolder(folder(["a.c", "b.c", "lib/c.c"]));
    });
    expect(hint).toContain('"obj-m := a.o b.o" for a module of each file');
    expect(hint).toContain('"NAME-y := a.o b.o" for one of all');
  });

  it("whose Makefile is for a program is none", () => {
    const check = () => {
      checkModuleFolder(folder(["hello.c", "Makefile"], "hello: hello.c\n\tcc hello.c\n"));
    };
    expect(check).toThrow("its Makefile names no module");
    expect(hintOf(check)).toContain("obj-m := hello.o");
  });

  it("is sent without what a build beside the sources leaves", () => {
    const sent = (names: string[], isFolder = false) =>
      names.filter((name) => belongsToModule(name, isFolder));
    expect(
      sent([
        "a.c",
        "a.o",
        "a.ko",
        ".a.o.cmd",
        "a.mod",
        "a.mod.c",
        "Module.symvers",
        "blob.o_shipped",
      ]),
    ).toEqual(["a.c", "blob.o_shipped"]);
    expect(sent(["src", ".git", ".kdock"], true)).toEqual(["src"]);
  });

  it.each([
    ["/home/ada/My Module", undefined, "my-module"],
    ["/home/ada/x", "snd-toy_1", "snd-toy_1"],
  ])("%s is called %s", (path, given, name) => {
    expect(moduleName(path, given)).toBe(name);
  });

  it.each(["../x", "", "-x", "a b"])("is not called %j", (name) => {
    expect(() => moduleName("/home/ada/x", name)).toThrow(/no name for a module/);
  });
});

it("a kernel without modules is told apart, with the cure", () => {
  const check = () => {
    requireModules("# CONFIG_MODULES is not set\n", "Linux debian:6.12");
  };
  expect(check).toThrow("this kernel (Linux debian:6.12) cannot load modules");
  expect(hintOf(check)).toContain("CONFIG_MODULES=y");
});

describe("a compiler's line names the file where the user has it", () => {
  const names = {
    inside: "/module/hello",
    shown: "../hello",
    paths: new Set(["hello.c", "a/b.h"]),
  };
  it.each([
    ["/module/hello/hello.c:3:5: error: x", "../hello/hello.c:3:5: error: x"],
    ["hello.c:3:5: error: x", "../hello/hello.c:3:5: error: x"],
    ["In file included from a/b.h:3,", "In file included from ../hello/a/b.h:3,"],
    ["include/linux/fs.h:3:5: error: x", "include/linux/fs.h:3:5: error: x"],
    ["  CC [M]  /module/hello/hello.o", "  CC [M]  ../hello/hello.o"],
  ])("%s", (line, told) => {
    expect(inUsersFolder(line, names)).toBe(told);
  });

  it("also in the folder itself", () => {
    const here = { ...names, shown: "." };
    expect(inUsersFolder("/module/hello/hello.c:3:5: error: x", here)).toBe(
      "hello.c:3:5: error: x",
    );
  });
});
