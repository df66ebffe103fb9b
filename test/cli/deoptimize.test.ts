import { beforeAll, describe, expect, it } from "vitest";
import { docker, ROOT } from "../support/kdock.js";

/** The builder's compiler and linker, the scripts of this checkout, and a kernel of a few files. */
let builder: string;
beforeAll(async () => {
  const images = await docker("images", "-q", "--filter", "label=io.kdock.role=image-kernel");
  const format = "{{.Id}} {{.Config.Env}}";
  const inspected = await docker("image", "inspect", "--format", format, ...images.split("\n"));
  const withGcc = inspected.split("\n").find((line) => line.includes("TOOLCHAIN=gcc-"));
  builder = withGcc?.split(" ")[0] ?? "none";
});

function inBuilder(script: string): Promise<string> {
  const mount = `${ROOT}images/kernel:/kdock:ro`;
  const run = ["run", "--rm", "--network", "none", "-v", mount, "--entrypoint", "sh", builder];
  return docker(...run, "-c", `exec 2>&1\nset -eu\n${script}`);
}

describe("cc.sh", () => {
  const compile = (words: string) =>
    inBuilder(`
      TOOLCHAIN=gcc-14 KDOCK_OPTIMIZE='net/a.o=-Og net/b.o=-O1'
      export TOOLCHAIN KDOCK_OPTIMIZE
      exec sh /kdock/cc.sh echo ${words}`);
  const OG = "-Og -Wno-error -ftree-bit-ccp -fno-tree-dce -fno-reorder-blocks";

  it.each([
    ["-O2 -c -o net/a.o /src/net/a.c", ` ${OG}`],
    ["-O2 -c -o net/.tmp_a.o /src/net/a.c", ` ${OG}`],
    ["-O2 -c -o net/b.o /src/net/b.c", " -O1 -Wno-error"],
    // The same name or source, but another object.
    ["-O2 -c -o drivers/net/a.o /src/drivers/net/a.c", ""],
    ["-O2 -c -o boot/lib-a.o /src/net/a.c", ""],
    ["-O2 -S -o net/a.s /src/net/a.c", ""],
    ["-O2 -E /src/net/a.c", ""],
  ])("adds to %s: %j", async (words, added) => {
    expect(await compile(words)).toBe(`${words}${added}`);
  });

  it("passes all arguments, without options of gcc for other compilers", async () => {
    const words = await inBuilder(`
      TOOLCHAIN=clang-19 KDOCK_OPTIMIZE=a.o=-Og
      export TOOLCHAIN KDOCK_OPTIMIZE
      sh /kdock/cc.sh printf '[%s]' '-DA="x y"' "it's" '' -o a.o`);
    expect(words).toBe(`[-DA="x y"][it's][][-o][a.o][-Og][-Wno-error]`);
  });

  it.each([
    // Names of link-vmlinux.sh of 6.12 and 5.10, and others that contain the word.
    ["-c -o .tmp_vmlinux1.kallsyms.o .tmp_vmlinux1.kallsyms.S", 0],
    ["-c -o .tmp_vmlinux.kallsyms2.o .tmp_vmlinux.kallsyms2.S", 0],
    ["-c -o kernel/kallsyms.o kernel/kallsyms.S", 1],
    ["-c -o kernel/.tmp_kallsyms.o kernel/kallsyms.S", 1],
  ])("for %s uses the cache %i times", async (words, times) => {
    const output = await inBuilder(`
      export CCACHE_DIR=/tmp/cache
      mkdir /tmp/w /tmp/w/kernel
      cd /tmp/w
      echo '.long 1' > ${words.split(" ").at(-1) ?? ""}
      sh /kdock/cc.sh ccache "$TOOLCHAIN" ${words}
      [ -s ${words.split(" ")[2] ?? ""} ]
      ccache --print-stats | sed -n 's/^cache_miss.//p'`);
    expect(output).toBe(String(times));
  });
});

it("cc.sh preprocesses a file for the cache only if its text has not changed", async () => {
  const output = await inBuilder(`
    export CCACHE_DIR=/tmp/cache
    mkdir /tmp/w
    cd /tmp/w
    echo 1 > blob
    echo '#define ONE 1' > a.h
    echo '#include "a.h"' > a.c
    count() { echo "$1: $(ccache --print-stats | awk '/^direct_cache_hit|^preproc.*_miss/ { printf "%s ", $2 }')"; }
    compile() {
      # ccache does not use the direct mode for files that were just written.
      sleep 1.1
      sh /kdock/cc.sh ccache "$TOOLCHAIN" -Wp,-MMD,.a.o.d -c -o a.o a.c
      count "$1"
    }
    compile new
    cp a.c old
    echo 'int two;' >> a.c
    compile edited
    echo '#define ONE 2' > a.h
    compile header
    echo '#define ONE 1' > a.h
    cp old a.c
    compile undone
    echo 'asm(".incbin \\"blob\\"");' >> a.c
    compile incbin
    echo 2 > blob
    compile blob
    objcopy -O binary -j .text a.o text
    tr -d '\\0' < text`);
  expect(output).toBe(
    "new: 0 1 \nedited: 0 1 \nheader: 0 2 \nundone: 1 2 \nincbin: 1 2 \nblob: 1 2 \n2",
  );
});

/** Makefiles of many versions: folders in the top Makefile as before 6.1, composites, conditions, included files. */
const TREE = `
mkdir -p /tmp/src && cd /tmp/src
mkdir -p kernel/sched net/ipv4 fs/xfs/libxfs drivers/net arch/x86/kernel arch/x86/pci arch/x86/boot io_uring
touch kernel/fork.c kernel/sched/core.c kernel/sched/rt.c net/ipv4/tcp.c net/ipv4/bbr.c fs/xfs/libxfs/bmap.c
touch fs/xfs/super.c drivers/net/dummy.c drivers/net/part.c arch/x86/kernel/early_64.c arch/x86/pci/pci.c
touch arch/x86/boot/main.c io_uring/rw.c drivers/net/lost.c
echo '#include "rt.c"' > kernel/sched/policy.c
echo 'core-y := kernel/ # a remark
net-$(CONFIG_NET) += net/
drivers-y += drivers/
core-$(CONFIG_IO_URING) += io_uring/' > Makefile
echo 'obj-y += fork.o sched/' > kernel/Makefile
echo 'obj-y += core.o \\
  policy.o' > kernel/sched/Makefile
echo 'obj-y += ipv4/' > net/Makefile
echo 'obj-y := tcp.o
obj-$(CONFIG_BBR) += bbr.o' > net/ipv4/Makefile
echo 'obj-$(CONFIG_XFS) += xfs/' > fs/Makefile
echo 'obj-$(CONFIG_XFS) += xfs.o
xfs-y += $(addprefix libxfs/, bmap.o)
xfs-y += super.o' > fs/xfs/Makefile
echo 'obj-y += net/' > drivers/Makefile
echo 'obj-$(CONFIG_DUMMY) += dummy.o
obj-$(CONFIG_OTHER) += other.o
other-objs := part.o' > drivers/net/Makefile
echo 'core-y += arch/x86/
drivers-$(CONFIG_PCI) += arch/x86/pci/' > arch/x86/Makefile
echo 'obj-y += kernel/' > arch/x86/Kbuild
echo 'extra-y := early_$(BITS).o' > arch/x86/kernel/Makefile
echo 'obj-y += pci.o' > arch/x86/pci/Makefile
echo 'obj-y += main.o' > arch/x86/boot/Makefile
echo 'obj-y += rw.o' > io_uring/Makefile
printf '%s\\n' CONFIG_NET=y CONFIG_DUMMY=m '# CONFIG_BBR is not set' 'CONFIG_TEXT="a b"' > /tmp/config
`;

describe("objects.py", () => {
  const findings = (config: string, ...files: string[]) =>
    inBuilder(`${TREE}
      echo '${config}' >> /tmp/config
      status=0
      python3 /kdock/objects.py --source /tmp/src --config /tmp/config ${files.join(" ")} || status=$?
      echo "status $status"`);

  it("accepts files that are compiled", async () => {
    const output = await findings(
      "CONFIG_XFS=m",
      ...["kernel/fork.c", "kernel/sched/policy.c", "net/ipv4/tcp.c", "drivers/net/dummy.c"],
      ...["fs/xfs/super.c", "fs/xfs/libxfs/bmap.c", "arch/x86/kernel/early_64.c"],
    );
    expect(output).toBe("status 0");
  });

  it.each([
    ["net/ipv4/bbr.c", "it needs CONFIG_BBR (net/ipv4/Makefile)"],
    ["drivers/net/part.c", "it needs CONFIG_OTHER (drivers/net/Makefile)"],
    ["fs/xfs/super.c", "it needs CONFIG_XFS (fs/xfs/Makefile)"],
    ["fs/xfs/libxfs/bmap.c", "it needs CONFIG_XFS (fs/Makefile)"],
    ["arch/x86/pci/pci.c", "it needs CONFIG_PCI (arch/x86/Makefile)"],
    ["io_uring/rw.c", "it needs CONFIG_IO_URING (Makefile)"],
    ["kernel/sched/rt.c", "kernel/sched/policy.c includes it; name that file instead"],
    ["arch/x86/boot/main.c", "it is no part of the running kernel"],
    ["drivers/net/lost.c", "this configuration does not compile it"],
    ["ipv4/tcp.c", "no such file; did you mean net/ipv4/tcp.c?"],
    ["kernel/frok.c", "no such file; did you mean kernel/fork.c"],
  ])("reports for %s: %s", async (file, words) => {
    const output = await findings("", "kernel/fork.c", file);
    expect(output).toContain(`  ${file}: `);
    expect(output).toContain(words);
    expect(output).not.toContain("  kernel/fork.c");
    expect(output).toContain("status 64");
  });
});

/**
 * deoptimize.sh with a real compiler and a real linker. early.c leaves a call that only the linker misses, unless a
 * function that is called once is inlined; checked.c has a compile-time assertion of the same kind.
 */
const SMALL_KERNEL = `
mkdir -p /tmp/k/src /build/.kdock && cd /tmp/k/src
echo 'int main(void) { return 0; }' > fine.c
echo 'void bad_call(void);
static int zero(void) { return 0; }
void early(int x) { if (zero()) bad_call(); }' > early.c
echo 'void __attribute__((error("BUILD_BUG failed"))) assertion(void);
static int zero(void) { return 0; }
void checked(int x) { if (zero()) assertion(); }' > checked.c
echo 'int wrong(void) { return }' > wrong.c
cat > /build/Makefile <<'EOF'
vmlinux: fine.o early.o checked.o
	$(TOOLCHAIN) -o $@ $^
%.o: /tmp/k/src/%.c
	sh /kdock/cc.sh $(TOOLCHAIN) -O2 -c -o $@ $<
EOF
lib=/kdock jobs=1
say() { echo "==> $*"; }
kmake() { make -s -C /build --no-print-directory "$@"; }
. /kdock/deoptimize.sh
cd /build
build() { begin_levels; compile_deoptimized; link_deoptimized vmlinux; }
`;

describe("deoptimize.sh", () => {
  it("lowers the level of files that do not compile or link, and reports each", async () => {
    const output = await inBuilder(`
      KDOCK_DEOPTIMIZE='checked.c early.c fine.c'
      ${SMALL_KERNEL}
      build; echo; build | tail -n 3; begin_levels; ls`);
    expect(output).toContain(
      "@kdock notice checked.c is compiled with -O1: with -Og it does not compile (BUILD_BUG failed)",
    );
    expect(output).toContain(
      "@kdock notice early.c is compiled with -O1: with -Og it asks for bad_call, which does not exist",
    );
    const levels = ["==> checked.c: -O1", "==> early.c: -O1", "==> fine.c: -Og"].join("\n");
    // The second build gets the same result from the first one's objects.
    expect(output.split(levels)).toHaveLength(3);
    // Objects that get a level are compiled again.
    expect(output).toMatch(/\nMakefile\nvmlinux$/);
  });

  it("changes no level for an error in the source", async () => {
    const output = await inBuilder(`
      KDOCK_DEOPTIMIZE=wrong.c
      ${SMALL_KERNEL}
      status=0; (build) || status=$?; echo "status $status"`);
    expect(output).toMatch(/wrong\.c:1:26: error: expected expression/);
    expect(output.match(/error:/g)).toHaveLength(1);
    expect(output).not.toContain("@kdock notice");
    expect(output).toMatch(/status 1$/);
  });

  it("compiles a file again if it does not have a level any more", async () => {
    const output = await inBuilder(`
      KDOCK_DEOPTIMIZE=fine.c
      ${SMALL_KERNEL}
      build; KDOCK_DEOPTIMIZE=
      begin_levels; ls /build; ls /build/.kdock/levels || true`);
    expect(output).toMatch(/checked\.o\nearly\.o\nvmlinux\n/);
    expect(output).not.toMatch(/\nfine\.o\n/);
    expect(output).toContain("cannot access");
  });
});
