import { describe, expect, it } from "vitest";
import {
  belongsToModule,
  checkModuleFolder,
  moduleName,
  requireModules,
  withUserPaths,
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

describe("checkModuleFolder", () => {
  it.each(["obj-m := hello.o\n", "all:\n\nobj-$(CONFIG_X) += a.o", "include common.mk\n"])(
    "accepts a Makefile with %j",
    (makefile) => {
      expect(() => {
        checkModuleFolder(folder(["hello.c"], makefile));
      }).not.toThrow();
    },
  );

  it("suggests the Kbuild line for one C file without a Makefile", () => {
    const check = () => {
      checkModuleFolder(folder(["hello.c", "hello.h"]));
    };
    expect(check).toThrow("hello has neither Kbuild nor Makefile");
    expect(hintOf(check)).toBe("Write one line into hello/Kbuild: obj-m := hello.o");
  });

  it("suggests one module or several for several C files", () => {
    const hint = hintOf(() => {
      checkModuleFolder(folder(["a.c", "b.c", "lib/c.c"]));
    });
    expect(hint).toContain('"obj-m := a.o b.o" for one module per file');
    expect(hint).toContain('"NAME-y := a.o b.o" for one module of all files');
  });

  it("rejects a Makefile for a program", () => {
    const check = () => {
      checkModuleFolder(folder(["hello.c", "Makefile"], "hello: hello.c\n\tcc hello.c\n"));
    };
    expect(check).toThrow("its Makefile names no module");
    expect(hintOf(check)).toContain("obj-m := hello.o");
  });
});

describe("belongsToModule", () => {
  it("excludes build products and folders of other tools", () => {
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
});

describe("moduleName", () => {
  it.each([
    ["/home/ada/My Module", undefined, "my-module"],
    ["/home/ada/x", "snd-toy_1", "snd-toy_1"],
  ])("of %s with --name %s is %s", (path, given, name) => {
    expect(moduleName(path, given)).toBe(name);
  });

  it.each(["../x", "", "-x", "a b"])("rejects %j", (name) => {
    expect(() => moduleName("/home/ada/x", name)).toThrow(/not a valid module name/);
  });
});

describe("requireModules", () => {
  it("rejects a kernel without module support and names the option", () => {
    const check = () => {
      requireModules("# CONFIG_MODULES is not set\n", "Linux debian:6.12");
    };
    expect(check).toThrow("this kernel (Linux debian:6.12) cannot load modules");
    expect(hintOf(check)).toContain("CONFIG_MODULES=y");
  });
});

describe("withUserPaths", () => {
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
  ])("rewrites %s", (line, expected) => {
    expect(withUserPaths(line, names)).toBe(expected);
  });

  it("omits the prefix for the current folder", () => {
    const here = { ...names, shown: "." };
    expect(withUserPaths("/module/hello/hello.c:3:5: error: x", here)).toBe(
      "hello.c:3:5: error: x",
    );
  });
});
