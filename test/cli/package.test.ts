import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMMAND_NAMES } from "../../src/features.js";
import { projectNames } from "../../src/core/plan/names.js";
import { type CleanMachine, cleanMachine } from "../support/clean-machine.js";
import { docker, removeVolumes, ROOT, run } from "../support/kdock.js";
import { type Package, packKdock } from "../support/package.js";

let packed: Package;

beforeAll(async () => {
  packed = await packKdock();
});
afterAll(() => packed.remove());

/** Files of the repository below a folder. */
function below(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length));
}

describe("npm pack", () => {
  it("has a compiled file for each source file, and none of an earlier build", () => {
    const compiled = below("src").map((file) => file.replace(/^src(.*)\.ts$/, "dist$1.js"));
    expect(packed.files.filter((file) => file.startsWith("dist/")).sort()).toEqual(compiled.sort());
  });

  it("has all that goes into containers", () => {
    const images = [...below("images"), "Dockerfile.kernel", "Dockerfile.busybox", ".dockerignore"];
    expect(packed.files).toEqual(expect.arrayContaining(images));
  });

  it("has nothing but that, the manual, completion and documents", () => {
    const rest = packed.files.filter((file) => !/^(?:dist|images|docs)\//.test(file));
    const manual = rest.filter((file) => file.startsWith("man/"));
    for (const name of ["", ...COMMAND_NAMES.map((name) => `-${name}`)]) {
      expect(manual).toContain(`man/kdock${name}.1`);
    }
    expect(rest.filter((file) => !manual.includes(file)).sort()).toEqual([
      ...[".dockerignore", "Dockerfile.busybox", "Dockerfile.kernel", "LICENSE", "NOTICE.md"],
      ...["README.md", "README.zh-CN.md", "completions/kdock.bash", "completions/kdock.fish"],
      ...["completions/kdock.zsh", "compose.yaml", "package.json"],
    ]);
  });

  it("has a manual that mandoc and groff have nothing to say about", async () => {
    const pages = await run("tar", "-xzOf", packed.path, "--wildcards", "package/man/*.1");
    expect(pages.match(/^\.TH /gm)?.length).toBeGreaterThan(COMMAND_NAMES.length);
    const script = `
      mkdir "$1/pages"; tar -xzf "$2" -C "$1/pages" --wildcards 'package/man/*.1'
      for page in "$1"/pages/package/man/*; do
        mandoc -T lint -W warning "$page" | grep -v 'missing date' || true
        groff -man -T utf8 -ww -z "$page" 2>&1
      done`;
    const folder = join(packed.path, "..");
    expect(await run("sh", "-c", script, "sh", folder, packed.path)).toBe("");
  });
});

describe("installed with npm on a machine with Node.js 20 only", () => {
  let machine: CleanMachine;

  beforeAll(async () => {
    machine = await cleanMachine(20, packed.path);
    const { exitCode, all } = await machine.sh("npm install -g --offline /root/kdock.tgz");
    expect(exitCode, all).toBe(0);
  });
  afterAll(async () => {
    await machine.sh("kdock clean");
    await machine.close();
    await removeVolumes(machine.folder);
    const { id } = projectNames(machine.folder);
    expect(await docker("ps", "-aq", "--filter", `label=io.kdock.project=${id}`)).toBe("");
  });

  it("kdock says its version", async () => {
    const { version } = JSON.parse(
      await run("tar", "-xzOf", packed.path, "package/package.json"),
    ) as {
      version: string;
    };
    const { all } = await machine.sh("node --version; kdock --version");
    expect(all).toMatch(new RegExp(`^v20\\..*\n${version}$`));
  });

  it("man finds the pages", async () => {
    const { all } = await machine.sh(
      "cd /usr/local/share/man/man1; head -n 1 kdock.1 kdock-config-set.1",
    );
    expect(all).toContain(".TH KDOCK 1 ");
    expect(all).toContain(".TH KDOCK\\-CONFIG\\-SET 1 ");
  });

  it("kdock prints its completion", async () => {
    const { all } = await machine.sh(
      "kdock completion bash; kdock completion bash -- run --arch ar",
    );
    expect(all).toMatch(/^complete -F _kdock kdock\nnone 0 space\narm64$/m);
  });

  it("kdock doctor finds the engine, and nothing that is in the way", async () => {
    const { exitCode, all } = await machine.sh("kdock doctor");
    expect(exitCode, all).toBe(0);
    expect(all).toMatch(/^ok +engine/m);
  });

  it("kdock builds busybox", async () => {
    const { exitCode, all } = await machine.sh(
      "kdock build busybox; ls -lL .kdock/out/busybox/*/busybox",
    );
    expect(exitCode, all).toBe(0);
    expect(all).toMatch(/^-rwxr-xr-x.*\/busybox$/m);
    // A minute of compilation, and the builder image where no other test has made it.
  }, 1_200_000);
});
