import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kdock, ROOT } from "../support/kdock.js";
import { LAB } from "../support/lab.js";

const inLab = (...args: string[]) => kdock(args, { cwd: LAB });
const sh = (script: string) => inLab("exec", "--", "sh", "-c", script);
/** Calls the device's ioctl. */
const IOCTL = "stty -F /dev/hello";

/** A temporary folder with the module. */
let here: string;
const at = (...names: string[]) => join(here, ...names);

beforeAll(async () => {
  here = await mkdtemp(join(tmpdir(), "kdock-modules-"));
  await cp(`${ROOT}test/fixtures/modules/hello`, at("hello"), { recursive: true });
});
afterAll(async () => {
  await inLab("stop");
  await rm(here, { recursive: true, force: true });
});

async function expectRuns(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await inLab(...args);
  expect(exitCode, stderr).toBe(0);
  return stdout;
}

async function edit(file: string, from: string, to: string): Promise<void> {
  const text = await readFile(at("hello", file), "utf8");
  expect(text).toContain(from);
  await writeFile(at("hello", file), text.replace(from, to));
}

describe("a module of the kernel", () => {
  beforeAll(() => expectRuns("run", "-d", "--gdb", "0", "--set", "CONFIG_DUMMY=m"));
  afterAll(async () => {
    await inLab("stop");
    // The other tests use `current`.
    await expectRuns("build");
  });

  it("is stripped in the guest, and has debug information for the debugger", async () => {
    const { stdout } = await sh(
      "modprobe dummy && lsmod && ifconfig dummy0 up && ls -s /lib/modules/*/kernel/drivers/net",
    );
    expect(stdout).toMatch(/^dummy +\d+ +0/m);
    expect(Number(/(\d+) dummy\.ko/.exec(stdout)?.[1])).toBeLessThan(40);
    const traffic = "ifconfig dummy0 10.9.9.1 up; ping -c 1 -W 1 10.9.9.2";
    const trapped = await inLab("trap", "dummy_xmit", "--args", "--exec", traffic);
    expect(trapped.stdout + trapped.stderr).toMatch(/dummy_xmit.*skb/s);
    expect(trapped.exitCode).toBe(0);
  });
});

describe("without a VM", () => {
  it("a module is built against the current kernel, even if the objects are of another one", async () => {
    const before = await readdir(at("hello"));
    const stdout = await expectRuns("module", "build", at("hello"));
    const built = `${LAB}/.kdock/out/module/hello`;
    expect(stdout).toMatch(
      new RegExp(`^built: ${built}/hello.ko  \\(for 6\\.\\d+\\S* SMP.*\\)`, "m"),
    );
    expect(stdout).toContain(`${built}/greeting.ko`);
    expect(await readdir(at("hello"))).toEqual(before);
    const { stdout: sections } = await execa("readelf", ["-S", `${built}/hello.ko`]);
    expect(sections).toContain(".debug_info");
  });

  describe("with a Makefile that calls make -C KERNEL", () => {
    const C = (more = "") =>
      `#include <linux/module.h>\n${more}\nMODULE_LICENSE("GPL");\nMODULE_DESCRIPTION("a test");\n`;
    const write = async (name: string, files: Record<string, string>) => {
      for (const [path, text] of Object.entries(files)) {
        await mkdir(dirname(at(name, path)), { recursive: true });
        await writeFile(at(name, path), text);
      }
      return at(name);
    };
    const builds = async (name: string, ...flags: string[]) => {
      const stdout = await expectRuns("module", "build", at(name), ...flags);
      return [...stdout.matchAll(/^built: .*\/(\S+\.ko) /gm)].map(([, file]) => file);
    };

    it("its exports, variables and generated files are used in the build", async () => {
      await write("my mod", {
        Makefile: [
          "ifneq ($(KERNELRELEASE),)",
          "obj-$(CONFIG_HALVES) := halves.o",
          "halves-y := src/main.o",
          "ccflags-y += -I$(PWD)/include $(MORE)",
          "else",
          "KDIR ?= /lib/modules/$(shell uname -r)/build",
          "export CONFIG_HALVES = m",
          "all: include/version.h",
          "\t$(MAKE) -C $(KDIR) M=$(PWD) MORE=-DMORE=1 ARCH=none CC=none modules",
          "\tinsmod halves.ko",
          "include/version.h:",
          "\techo '#define VERSION \"$(GREETING)\"' > $@",
          "endif",
          "",
        ].join("\n"),
        "include/halves.h": "#define HALVES 2\n",
        "src/main.c": C(
          "#include <halves.h>\n#include <version.h>\n_Static_assert(HALVES == 2 && MORE == 1);\nMODULE_VERSION(VERSION);",
        ),
      });
      expect(await builds("my mod", "--make", "GREETING=good day")).toEqual(["halves.ko"]);
      const built = `${LAB}/.kdock/out/module/my-mod`;
      const versions = async () =>
        (await execa("strings", [`${built}/halves.ko`])).stdout.match(/^version=.*$/gm);
      expect(await versions()).toEqual(["version=good day"]);
      const manifest = JSON.parse(await readFile(`${built}/manifest.json`, "utf8")) as {
        inputs: Record<string, unknown>;
      };
      expect(manifest.inputs["make"]).toEqual(["GREETING=good day"]);
      // Another value rebuilds the module, although make's targets are up to date.
      expect(await builds("my mod", "--make", "GREETING=good night")).toEqual(["halves.ko"]);
      expect(await versions()).toEqual(["version=good night"]);
    });

    it("a Makefile without ifneq works, and one for a subfolder", async () => {
      const call = (folder: string) =>
        `all:\n\tmake -C /lib/modules/$(shell uname -r)/build M=$(PWD)${folder} modules\n`;
      await write("tutorial", { Makefile: `obj-m += one.o\n\n${call("")}`, "one.c": C() });
      await write("below", {
        Makefile: call("/src"),
        "src/Kbuild": "obj-m := one-a.o one_b.o\n",
        "src/one-a.c": C(),
        "src/one_b.c": C(),
      });
      expect(await builds("tutorial")).toEqual(["one.ko"]);
      expect(await builds("below")).toEqual(["one-a.ko", "one_b.ko"]);
    });

    it("a moved source file moves its module, also in place of a folder", async () => {
      await write("moving", { Makefile: "obj-m := one.o\n", "one.c": C("/* here */") });
      expect(await builds("moving")).toEqual(["one.ko"]);
      await write("moving", { Makefile: "obj-m := core/\n", "core/Makefile": "obj-m := one.o\n" });
      await rename(at("moving/one.c"), at("moving/core/one.c"));
      expect(await builds("moving")).toEqual(["one.ko"]);
      await rename(at("moving/core/one.c"), at("moving/one.c"));
      await rm(at("moving/core"), { recursive: true });
      await write("moving", { Makefile: "obj-m := one.o\n", core: "a file now\n" });
      expect(await builds("moving")).toEqual(["one.ko"]);
    });

    it("linked folders are copied, and products of a build on this machine are not", async () => {
      await write("shared", { "shared.h": "#define SHARED 1\n" });
      await write("linked", {
        Kbuild: "obj-m := one.o\nccflags-y := -I$(src)/include\n",
        "one.c": C("#include <shared.h>\n_Static_assert(SHARED == 1);"),
        "one.o": "not an object",
        "one.ko": "not a module",
        ".one.o.cmd": "nonsense",
        "modules.order": "nonsense.o",
      });
      await symlink(at("shared"), at("linked/include"));
      await symlink("..", at("linked/around"));
      expect(await builds("linked")).toEqual(["one.ko"]);
    });

    it("a module uses symbols that another one exports", async () => {
      await write("core", {
        Kbuild: "obj-m := core.o\n",
        "core.c": C("int seven(void);\nint seven(void) { return 7; }\nEXPORT_SYMBOL_GPL(seven);"),
      });
      await write("client", {
        Kbuild: "obj-m := client.o\n",
        "client.c": C(
          "int seven(void);\nstatic int __init start(void) { return seven() - 7; }\nmodule_init(start);",
        ),
      });
      expect(await builds("core")).toEqual(["core.ko"]);
      expect(await builds("client")).toEqual(["client.ko"]);
      const client = `${LAB}/.kdock/out/module/client`;
      expect(await readFile(`${client}/modules.txt`, "utf8")).toMatch(/^client\.ko\tcore\t/);
    });

    it("a compiler error exits with 1, a reserved variable with 2", async () => {
      await writeFile(at("tutorial/one.c"), C("oops"));
      const broken = await inLab("module", "build", at("tutorial"));
      expect(broken.stderr).toMatch(/tutorial\/one\.c:2:.* error: /);
      expect(broken.exitCode).toBe(1);
      const rejected = await inLab("module", "build", at("tutorial"), "--make", "CC=clang");
      expect(rejected.stderr).toMatch(/CC is fixed by the kernel's build\n→ /);
      expect(rejected.exitCode).toBe(2);
    });
  });

  it.each([
    [["--load"], /has no VM\n→ Start one with `kdock run`/],
    [["--set", "CONFIG_MODULES=n"], /cannot load modules.*\n→ .*--set CONFIG_MODULES=y/],
  ])("%j is rejected before anything is built", async (flags, message) => {
    const { exitCode, stderr } = await inLab("module", "build", at("hello"), ...flags);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
  });

  it("a folder without Kbuild and Makefile is rejected with the missing line", async () => {
    await mkdir(at("bare"));
    await writeFile(at("bare/toy.c"), "");
    const { exitCode, stderr } = await inLab("module", "build", at("bare"));
    expect(stderr).toMatch(
      /bare has neither Kbuild nor Makefile\n→ .*bare\/Kbuild: obj-m := toy\.o/,
    );
    expect(exitCode).toBe(2);
  });
});

describe("beside a running VM", () => {
  beforeAll(() => expectRuns("run", "-d", "--gdb", "0"));

  it("the modules of a folder are loaded in the order of their dependencies", async () => {
    const stdout = await expectRuns("module", "build", at("hello"), "--load");
    expect(stdout).toMatch(/^loaded into vm: greeting, hello$/m);
    expect(stdout).toMatch(/hello: version 1$/m);
    expect((await sh("ls /dev/hello")).exitCode).toBe(0);
  });

  it("trap stops in its functions, with arguments and locals", async () => {
    const { exitCode, stdout } = await inLab(
      ...["trap", "hello_ioctl", "--exec", IOCTL, "--args", "--locals", "--bt"],
    );
    expect(stdout).toMatch(/hello_ioctl.*\/module\/hello\/hello\.c:\d+/);
    expect(stdout).toMatch(/command = 21505/);
    expect(stdout).toMatch(/answer = /);
    expect(exitCode).toBe(0);
  });

  it("gdb shows its source, in the container and on this machine", async () => {
    const { stdout } = await inLab("gdb", "--", "-batch", "-ex", "list hello_ioctl");
    expect(stdout).toMatch(/^module hello at 0xffffffff/m);
    expect(stdout).toMatch(/long hello_ioctl\(struct file \*file/);
    const script = `${LAB}/.kdock/out/current/kdock.gdb`;
    const host = await execa("gdb", [
      "-nx",
      "-batch",
      "-x",
      script,
      "-ex",
      "info source",
      "-ex",
      "list hello_ioctl",
    ]);
    expect(host.stdout).toMatch(/^module hello at 0xffffffff/m);
    expect(host.stdout).toMatch(/long hello_ioctl\(struct file \*file/);
  });

  it("gdb and decode use the loaded module, not another folder's of the same name", async () => {
    await mkdir(at("zzz"));
    await writeFile(at("zzz/Kbuild"), "obj-m := hello.o\n");
    await writeFile(
      at("zzz/hello.c"),
      '#include <linux/module.h>\nMODULE_LICENSE("GPL");\nMODULE_DESCRIPTION("a test");\n',
    );
    await expectRuns("module", "build", at("zzz"));
    const { stdout } = await inLab("gdb", "--", "-batch", "-ex", "info line hello_ioctl");
    expect(stdout).toMatch(/^Line 8 of .*hello\/hello\.c/m);
    const log = " hello_ioctl+0x8/0x9999 [hello]\n";
    const decoded = await kdock(["decode", "-"], { cwd: LAB, input: log });
    expect(decoded.stdout).toMatch(/ hello_ioctl \(\S*hello\/hello\.c:\d+\) \[hello\]/);
    await rm(`${LAB}/.kdock/out/module/zzz`, { recursive: true });
  });

  it("after an edit only changed files are compiled, and the module is replaced", async () => {
    await edit("hello.c", "version 1", "version 2");
    const { exitCode, stdout, stderr } = await inLab(
      "-v",
      "module",
      "build",
      at("hello"),
      "--load",
    );
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/hello: version 2/);
    expect(stderr).toMatch(/CC \[M\] .*hello\/hello\.o/);
    expect(stderr).not.toMatch(/CC \[M\] .*greeting\.o/);
  });

  it("a pending breakpoint stops in a module that is built meanwhile", async () => {
    expect((await sh("rmmod hello")).exitCode).toBe(0);
    await edit("hello.c", "version 2", "version 3");
    const loading = [
      "trap",
      "hello_init",
      "--exec",
      "insmod /lib/modules/*/extra/hello.ko",
      "--bt",
    ];
    const { exitCode, stdout } = await inLab(...loading);
    expect(stdout).toMatch(/hello_init.*hello\.c:\d+/);
    expect(exitCode).toBe(0);
  });

  it("compiler errors have the paths of the user's folder", async () => {
    await edit("hello.c", "return answer;", "return answer");
    const typed = relative(LAB, at("hello"));
    const { exitCode, stderr } = await inLab("module", "build", typed);
    expect(stderr).toMatch(/hello\/hello\.c:\d+:\d+: error: expected/);
    expect(stderr).toContain(`${typed}/hello.c:`);
    expect(stderr).not.toContain("/module/hello");
    expect(exitCode).toBe(1);
    await edit("hello.c", "return answer", "return answer;");
  });

  it("a module for another kernel is rejected with an explanation", async () => {
    const file = `${LAB}/.kdock/out/module/hello/hello.ko`;
    const whole = await readFile(file);
    const wrong = Buffer.from(whole);
    const magic = wrong.indexOf("vermagic=");
    wrong.write("vermagic=5", magic, "latin1");
    await writeFile(file, wrong);
    const { exitCode, stderr } = await inLab("module", "load", "hello");
    expect(stderr).toMatch(
      /hello was built for another kernel: "5.*", but "6.*" is running\n→ Build it/,
    );
    expect(exitCode).toBe(1);
    await writeFile(file, whole);
    expect(await expectRuns("module", "load", "hello")).toMatch(/hello: version 2/);
  });

  it.each(["-gdwarf-4", "-gdwarf-5"])(
    "a line is found in its line table, also in a compressed one: %s",
    async (format) => {
      await writeFile(at("hello/Kbuild"), "obj-m := hello.o greeting.o\nccflags-y := $(FORMAT)\n");
      const compression = format === "-gdwarf-4" ? "zlib" : "zstd";
      const line = (await readFile(at("hello/hello.c"), "utf8"))
        .split("\n")
        .findIndex((text) => text.includes('greet("ioctl")'));
      await expectRuns(
        ...["module", "build", at("hello"), "--load", "--make", `FORMAT=${format}`],
        ...["--make", `LDFLAGS_MODULE=--compress-debug-sections=${compression}`],
      );
      const ko = `${LAB}/.kdock/out/module/hello/hello.ko`;
      const { stdout: sections } = await execa("readelf", ["--debug-dump=info", "-t", ko]);
      expect(sections).toMatch(/\.debug_line\n.*\n.*\n.*COMPRESSED/);
      expect(sections).toMatch(new RegExp(`Version: +${format.slice(-1)}$`, "m"));
      const place = `hello/hello.c:${line + 1}`;
      const { exitCode, stdout, stderr } = await inLab("trap", place, "--exec", IOCTL, "--bt");
      expect(stdout, stderr).toMatch(new RegExp(`hello_ioctl.*hello\\.c:${line + 1}`));
      expect(exitCode).toBe(0);
      // A file of the same name in another folder does not match.
      const other = await inLab("trap", `elsewhere/hello.c:${line + 1}`, "--timeout", "5");
      expect(other.exitCode).toBe(2);
      // A pending breakpoint.
      expect((await sh("rmmod hello")).exitCode).toBe(0);
      const insert = "insmod /lib/modules/*/extra/hello.ko && stty -F /dev/hello";
      const waiting = await inLab("trap", place, "--exec", insert, "--bt");
      expect(waiting.stdout, waiting.stderr).toMatch(/hello_ioctl.*hello\.c/);
      expect(waiting.exitCode).toBe(0);
    },
  );

  it("a module that is in use is not replaced", async () => {
    const holding = "exec 3</dev/hello; sleep 100 & echo";
    await sh(holding);
    const { exitCode, stderr } = await inLab("module", "load", "hello");
    expect(stderr).toMatch(/cannot unload hello: its use count is 1/);
    expect(exitCode).toBe(1);
  });
});
