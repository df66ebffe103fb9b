import { readdir, readFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../support/kdock.js";
import type { ContainerSpec } from "../../src/engine/engine.js";
import { bytesOf, openLab, packed, textOf, type Lab } from "./lab.js";

const BUILD_SCRIPT = `
case "$1" in
  source) echo "source $(date +%s)" ;;
  compile) echo "compile $(date +%s)" ;;
  *) exec "$@" ;;
esac
`;

/** Pairs of files that differ for one known reason each: /pairs/plain without object trees, /pairs/trees with them. */
const MAKE_PAIRS = `
set -eu
mkdir -p /pairs/plain/a /pairs/plain/b && cd /pairs/plain
echo 'const char *built(void) { return "built on Nov 23 2026"; }' | gcc -c -x c - -o a/built.o
echo 'const char *built(void) { return "built on Dec 28 2027"; }' | gcc -c -x c - -o b/built.o
for side in a b; do
  mkdir -p /tmp/$side/etc && echo same > /tmp/$side/etc/same
  if [ $side = a ]; then at=1000; else at=2000; fi
  touch -d @$at /tmp/$side/etc/same && touch -d @500 /tmp/$side/etc
  (cd /tmp/$side && printf 'etc\\netc/same\\n' | cpio -o -H newc --reproducible --quiet) > $side/rootfs.cpio
  gzip -c /tmp/$side/etc/same > $side/same.gz
  cp a/built.o $side/signed.ko
  printf "signature of $side\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\016~Module signature appended~\\n" >> $side/signed.ko
done
printf '%s\\n' CONFIG_A=y CONFIG_B=m '# CONFIG_C is not set' CONFIG_D=4 > a/config
printf '%s\\n' CONFIG_A=y CONFIG_B=m CONFIG_C=y CONFIG_D=4 > b/config
printf '%s\\n' zebra ant mule > a/modules.order; printf '%s\\n' ant zebra mule > b/modules.order
printf '%s\\n' Bee Zoo ant > a/sorted; printf '%s\\n' ant Bee Zoo > b/sorted
echo 'built by kdock@laptop' > a/who; echo 'built by kdock@elsewhere' > b/who
long=$(printf 'x%.0s' $(seq 150))
for side in a b; do
  if [ $side = a ]; then name=first; else name=other; fi
  echo 'int one(void) { return 1; }' > /tmp/$name-$long.c
  gcc -g -c /tmp/$name-$long.c -o $side/plain.o
  for packer in zlib zstd; do objcopy --compress-debug-sections=$packer $side/plain.o $side/$packer.o; done
  readelf -SW $side/zlib.o $side/zstd.o | grep -cE ' \\.debug_(line_)?str .* MSC ' | grep -qx '[2-4]'
done
echo x > a/lonely; head -c 4000 /dev/zero > a/broken.o; printf '\\177ELF\\2\\1' > b/broken.o

mkdir -p /pairs/trees/src/init && cd /pairs/trees
echo 'const char *stamp(void) { return "stamped " __DATE__; }' > src/stamp.c
echo 'const char version[] = UTS_VERSION;' > src/init/version.c
echo 'int same(void) { return 1; }' > src/same.c
for side in a b; do
  if [ $side = a ]; then number=1; else number=2; fi
  mkdir -p $side $side-build/init $side-build/include/generated
  echo "#define UTS_VERSION \\"#$number SMP of kdock\\"" > $side-build/include/generated/utsversion.h
  cd $side-build
  SOURCE_DATE_EPOCH=\${number}000000000 gcc -g -ffile-prefix-map=$PWD=. -c ../src/stamp.c -o stamp.o
  gcc -g -ffile-prefix-map=$PWD=. -c -include include/generated/utsversion.h ../src/init/version.c -o init/version.o
  gcc -g -ffile-prefix-map=$PWD=. -c ../src/same.c -o same.o
  printf 'savedcmd_init/version.o := gcc\\n\\nsource_init/version.o := /src/init/version.c\\n\\ndeps_init/version.o := \\\\\\n  include/generated/utsversion.h \\\\\\n' > init/.version.o.cmd
  ld -r -o built-in.o stamp.o init/version.o && ld --build-id -e same -o ../$side/vmlinux stamp.o init/version.o same.o
  cd ..
done
mkdir -p a-build/extra && echo 'int extra;' | gcc -c -x c - -o a-build/extra/only.o
`;

interface Explained {
  readonly file: string;
  readonly where: readonly { kind: string; name: string; detail: string }[];
  readonly cause: string | null;
  readonly culprits: readonly string[];
  readonly diffoscope: string;
}

let lab: Lab;
let hostile: string;
let explain: string;
let compiler: string;
beforeAll(async () => {
  lab = await openLab();
  const files = { ...(await tree("images/apt")), ...(await tree("images/verify")) };
  compiler = await build("compiler", {
    ...files,
    Dockerfile: [
      `FROM ${lab.base}`,
      "RUN --mount=type=tmpfs,target=/var/lib/apt/lists --mount=type=tmpfs,target=/tmp \\",
      "  --mount=type=cache,target=/var/cache/apt,sharing=locked \\",
      "  --mount=type=bind,source=images/apt,target=/tmp/apt \\",
      "  --mount=type=bind,source=wanted,target=/tmp/wanted sh /tmp/apt/install.sh /tmp/wanted",
      "COPY build.sh /usr/local/lib/kdock/",
    ].join("\n"),
    wanted: "gcc\nlibc6-dev\nmake\npython3\ncpio\n",
    "build.sh": BUILD_SCRIPT,
  });
  [hostile, explain] = await Promise.all([
    build("hostile", files, "images/verify/hostile.Dockerfile", compiler),
    build("explain", files, "images/verify/explain.Dockerfile", lab.base),
  ]);
});
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
});

describe("hostile surroundings", () => {
  it("are another user, clock, zone, locale and umask, and say so", async () => {
    const script = "whoami; id -u; id -gn; umask; locale | grep COLLATE; date +%z; pwd; echo $HOME";
    const now = Date.now() / 1000;
    const { lines } = await inside(`${script}; date +%s`, { KDOCK_FAKETIME: "+3d 2h" });
    expect(lines.slice(0, 3)).toEqual([
      expect.stringMatching(/host elsewhere, user mallory \(4242\), group outsiders \(4242\)/),
      expect.stringMatching(/clock \+3d 2h ahead/),
      expect.stringMatching(/locale tr_TR.UTF-8/),
    ]);
    expect(lines.slice(3, -1)).toEqual([
      ...["mallory", "4242", "outsiders", "0077", 'LC_COLLATE="tr_TR.UTF-8"', "+1400"],
      ...["/build", "/var/lib/mallory"],
    ]);
    expect(Number(lines.at(-1)) - now - 74 * 3600).toBeLessThan(60);
    expect(Number(lines.at(-1)) - now - 74 * 3600).toBeGreaterThan(-5);
  });

  it("give the compiler the false date, spell in Turkish, and leave nothing of make's", async () => {
    const { text } = await inside(
      `echo 'const char *day = __DATE__;' | gcc -E -x c - | tail -n 1
       date -d @${Date.UTC(2026, 10, 23) / 1000} +%b; echo i | sed 's/i/\\U&/'; echo "flags <$MAKEFLAGS>"`,
      { KDOCK_FAKETIME: "4000d", MAKEFLAGS: "-k" },
    );
    const year = new Date(Date.now() + 4000 * 86_400_000).getFullYear();
    expect(text).toContain(`${year}"`);
    expect(text).toContain("Kas\nİ\nflags <>\n");
  });

  it("read folders in an order of the seed's, in every program", async () => {
    const programs = [
      "ls -U",
      "find . -type f -printf '%f\\n'",
      "python3 -c 'import os; print(*os.listdir(), sep=\"\\n\")'",
      "python3 -c 'import os; print(*(e.name for e in os.scandir()), sep=\"\\n\")'",
      'perl -e \'opendir(D, "."); print map { "$_\\n" } grep { !/^[.]/ } readdir D\'',
      "tar -cf - . | tar -t | sed 's,^[.]/,,; /^$/d'",
      "LD_PRELOAD= ls -U",
      "ls",
    ];
    const script = `mkdir d; cd d; for i in $(seq 40); do : > f$i; done; ${programs
      .map((program) => `${program} | xargs`)
      .join("; ")}`;
    const first = (await inside(script)).lines.slice(3);
    const second = (await inside(script, { KDOCK_SHUFFLE_SEED: "7" })).lines.slice(3);
    expect(new Set(first.slice(0, 6)).size).toBe(1);
    expect(new Set(second.slice(0, 6)).size).toBe(1);
    expect(new Set([first[0], second[0], first[6], first[7]]).size).toBe(4);
    expect(first[0]?.split(" ").sort()).toEqual(first[7]?.split(" ").sort());
  });

  it("leave file times true, so that make has nothing to do twice", async () => {
    const { lines } = await inside(
      `printf 'x.o: x.c\\n\\tgcc -c x.c\\n' > Makefile; touch x.c; make; make -q; echo $?
       touch x.c; python3 -c 'import os; os.utime("x.o")'; make -q; echo $?
       touch -d @1000 old; cp -p old new; mkdir t; tar -c new | tar -x -C t; stat -c %Y new t/new
       stat -c %Y x.c`,
    );
    expect(lines.slice(3, -1)).toEqual(["gcc -c x.c", "0", "0", "1000", "1000"]);
    expect(Math.abs(Number(lines.at(-1)) - Date.now() / 1000)).toBeLessThan(60);
  });

  it("hang nobody: threads, children, locks, and time limits by the true clock", async () => {
    const { lines, exitCode } = await inside(`timeout 60 python3 -W ignore - <<'EOF'
import multiprocessing, os, threading, time
def work():
    for _ in range(100):
        os.listdir("/usr/bin"), time.time()
        if not os.fork(): os._exit(0 if os.listdir("/etc") else 1)
        assert os.wait()[1] == 0
threads = [threading.Thread(target=work) for _ in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]
print(multiprocessing.Lock().acquire(), threading.Event().wait(0.2))
EOF
timeout 1 sleep 20; echo $?; ls -A /dev/shm`);
    expect(lines.slice(3)).toEqual(["True False", "124"]);
    expect(exitCode).toBe(0);
  });

  it("fetch by the true clock what they then build by the false one", async () => {
    const { lines } = await run(hostile, ["all"], {});
    const at = (what: string) => Number(lines.find((l) => l.startsWith(what))?.split(" ")[1]);
    expect(Math.abs(at("source") - Date.now() / 1000)).toBeLessThan(60);
    expect(at("compile") - at("source")).toBeGreaterThan(400 * 86_400);
  });

  it("refuse a clock that is no distance", async () => {
    const { exitCode, text } = await inside("true", { KDOCK_FAKETIME: "-1d" });
    expect({ exitCode, text }).toMatchObject({
      exitCode: 64,
      text: expect.stringContaining("-1d") as string,
    });
  });
});

describe("explaining", () => {
  let plain: Explained[];
  let trees: Explained[];
  beforeAll(async () => {
    await using maker = await lab.create({
      image: compiler,
      command: ["sh", "-c", MAKE_PAIRS],
    });
    const log = await maker.attach();
    const ended = maker.wait(lab.signal);
    await maker.start();
    const [said, exitCode] = await Promise.all([textOf(log), ended]);
    expect(exitCode, said).toBe(0);
    const pairs = await bytesOf(await maker.getArchive("/pairs", lab.signal));
    const names = ["built.o", "rootfs.cpio", "same.gz", "signed.ko", "config", "modules.order"];
    names.push("sorted", "who", "lonely", "broken.o", "zlib.o", "zstd.o", "../trees/a/vmlinux");
    plain = await explained(pairs, "/pairs/plain", names);
    trees = await explained(pairs, "/pairs/trees", ["vmlinux"]);
  });

  it.each([
    ["built.o", "elf-section", ".rodata", /date or time .*Nov 23.* ≠ .*Dec 28/],
    ["rootfs.cpio", "cpio-member", "etc/same", /Times of files.*etc\/same.*SOURCE_DATE_EPOCH/],
    ["same.gz", "offset", "gzip header", /gzip -n/],
    ["signed.ko", "offset", "module signature", /signature differs.*CONFIG_MODULE_SIG/],
    ["config", "kconfig-option", "CONFIG_C", /configurations differ \(CONFIG_C\)/],
    ["modules.order", "text-line", "line 1", /same lines in another order/],
    ["sorted", "text-line", "line 1", /locale.*LC_ALL=C/],
    ["who", "text-line", "line 1", /laptop ≠ elsewhere.*KBUILD_BUILD_HOST/],
  ])("%s: names the %s %s and the cause", (file, kind, name, cause) => {
    const found = plain.find((one) => one.file === file);
    expect(found?.where).toContainEqual(expect.objectContaining({ kind, name }));
    expect(found?.cause).toMatch(cause);
  });

  it.each(["zlib.o", "zstd.o"])("%s: looks into compressed debug information", (file) => {
    const found = plain.find((one) => one.file === file);
    const details = found?.where.map(({ name, detail }) => `${name}: ${detail}`).join("\n");
    expect(details).toMatch(/\.debug_(?:line_)?str: .*first-x+.* ≠ .*other-x+/);
  });

  it("tells about files that cannot be compared", () => {
    const told = (file: string) => plain.find((one) => one.file === file);
    expect(told("lonely")?.where[0]?.detail).toBe(
      "a file in the first build, missing in the second",
    );
    expect(told("broken.o")?.where[0]?.kind).toBe("offset");
    expect(told("../trees/a/vmlinux")?.where[0]?.detail).toContain("not a path inside");
  });

  it("names the objects, the generated header and the macro at the root", () => {
    const [vmlinux] = trees;
    expect(vmlinux?.culprits).toEqual([
      "include/generated/utsversion.h",
      "extra/only.o",
      "stamp.o",
      "init/version.o",
    ]);
    expect(vmlinux?.cause).toContain("stamp.c, line 1, uses __DATE__");
    expect(vmlinux?.cause).toContain("KBUILD_BUILD_VERSION=1");
    const details = vmlinux?.where.map(({ name, detail }) => `${name}: ${detail}`).join("\n");
    expect(details).toMatch(
      /stamp\.o: \.rodata: .*"stamped Sep {2}9 2001" ≠ "stamped May 18 2033"/,
    );
    expect(details).toMatch(/init\/version\.o: .*through include\/generated\/utsversion\.h/);
    expect(details).toContain("extra/only.o: only the first build has this object");
    expect(vmlinux?.diffoscope).toContain("2001");
  });
});

/** Runs a shell script by way of hostile.sh and the base's build script. */
async function inside(script: string, env: Record<string, string> = {}) {
  return await run(hostile, ["sh", "-c", script], env);
}

async function run(image: string, command: string[], env: Record<string, string>) {
  const spec: Partial<ContainerSpec> = { image, command, env, hostname: "elsewhere" };
  await using container = await lab.create({ ...spec, capDrop: ["ALL"] });
  const output = await container.attach();
  const ended = container.wait(lab.signal);
  await container.start();
  const [text, exitCode] = await Promise.all([textOf(output), ended]);
  return { text, exitCode, lines: text.trimEnd().split("\n") };
}

async function explained(pairs: Buffer, root: string, names: string[]): Promise<Explained[]> {
  const env = { KDOCK_EXPLAIN_ROOT: root };
  await using container = await lab.create({ image: explain, command: names, env });
  await container.putArchive("/", Readable.from([pairs]));
  const output = await container.attach();
  const ended = container.wait(lab.signal);
  await container.start();
  const [text, exitCode] = await Promise.all([textOf(output), ended]);
  expect(exitCode, text).toBe(0);
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Explained);
}

async function tree(folder: string): Promise<Record<string, Buffer>> {
  const entries = await readdir(`${ROOT}${folder}`, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".pyc"))
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(ROOT.length));
  const files: Record<string, Buffer> = {};
  for (const name of names) files[name] = await readFile(`${ROOT}${name}`);
  return files;
}

async function build(
  what: string,
  files: Record<string, string | Buffer>,
  dockerfile = "Dockerfile",
  base?: string,
): Promise<string> {
  const tag = `${lab.name(what)}:latest`;
  const args: Record<string, string> = base === undefined ? {} : { BASE: base };
  const mirror = process.env["KDOCK_TEST_MIRROR"];
  if (mirror !== undefined) args["MIRROR"] = mirror;
  // Labels are inherited: without a role of its own this would be taken for the base image that it is made from.
  const labels = { ...lab.labels, "io.kdock.role": "test" };
  const image = { dockerfile, tag, args, labels, noCache: false };
  await lab.engine.buildImage({ ...image, context: packed(files) }, { signal: lab.signal });
  return tag;
}
