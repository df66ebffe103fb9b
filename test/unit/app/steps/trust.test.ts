import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { outsideRequests, type Use } from "../../../../src/config/outside.js";
import { nodeFiles } from "../../../../src/host/node-files.js";
import { repositoryReader } from "../../../../src/build/steps/read-repository.js";
import { checkState, requireTrust } from "../../../../src/app/steps/trust.js";
import { useTemporaryFolder } from "../../host/temporary-folder.js";
import { config } from "../../fixtures.js";

const at = useTemporaryFolder();
const repositoryAt = (path: string) => repositoryReader(nodeFiles)(at("lab", path));

/** As git init makes it. */
async function makeRepository(folder: string): Promise<void> {
  for (const name of ["objects/pack", "objects/info", "refs/heads"]) {
    await mkdir(at(folder, name), { recursive: true });
  }
  await writeFile(at(folder, "HEAD"), "ref: refs/heads/main\n");
}

/** As git worktree add makes it. */
async function makeWorktree(folder: string, repository: string): Promise<void> {
  const linked = at(repository, "worktrees/side");
  await mkdir(linked, { recursive: true });
  await mkdir(at(folder), { recursive: true });
  await writeFile(`${linked}/HEAD`, "ref: refs/heads/side\n");
  await writeFile(`${linked}/commondir`, "../..\n");
  await writeFile(at(folder, ".git"), `gitdir: ${linked}\n`);
}

async function addAlternates(repository: string, ...paths: string[]): Promise<void> {
  await writeFile(at(repository, "objects/info/alternates"), `${paths.join("\n")}\n`);
}

/** "key: value" and the effect of what is asked about; empty when nothing is. */
async function asked(yaml: string, use?: Use): Promise<string[]> {
  let text = "";
  await requireTrust(nodeFiles, {
    project: at("lab"),
    config: at("lab/kdock.yaml"),
    person: { uid: undefined, sudoUid: undefined },
    requests: outsideRequests(config(yaml), use),
    repositoryAt: repositoryReader(nodeFiles),
    store: at("state/trusted.json"),
    given: undefined,
    ask: (question) => {
      text = question;
      return Promise.resolve("y");
    },
  });
  return text
    .split("\n")
    .slice(1, -1)
    .map((line) => line.trim());
}

beforeEach(async () => {
  await mkdir(at("lab"));
  await mkdir(at("home/.ssh/keys"), { recursive: true });
});

describe("a repository in the project", () => {
  const SOURCE = "kernel: { source: 'git:./repo#main' }";

  it("is not asked about as long as it stays there", async () => {
    await makeRepository("lab/repo");
    await makeRepository("lab/other.git");
    await addAlternates("lab/repo", at("lab/other.git/objects"), "../../other.git/objects");
    expect(await asked(SOURCE)).toEqual([]);
    const objects = at("lab/other.git/objects");
    expect(await repositoryAt("repo")).toMatchObject({ alternates: [objects, objects] });
  });

  it("is asked about once when its objects are elsewhere", async () => {
    await makeRepository("lab/repo");
    await makeRepository("home/linux.git");
    await addAlternates("lab/repo", "# a comment", at("home/linux.git/objects"));
    expect(await asked(SOURCE)).toEqual([
      "kernel.source: git:./repo#main",
      `builds read ${at("home/linux.git/objects")}, an alternate of it`,
    ]);
    expect(await asked(SOURCE)).toEqual([]);
    await makeRepository("home/private.git");
    await addAlternates("lab/repo", at("home/private.git/objects"));
    expect(await asked(SOURCE)).toHaveLength(2);
  });

  it("brings no alternate that is no folder of git objects", async () => {
    await makeRepository("lab/repo");
    await addAlternates("lab/repo", at("home/.ssh"), at("home"), at("nowhere"));
    expect(await asked(SOURCE)).toEqual([]);
    expect(await repositoryAt("repo")).toMatchObject({ alternates: [] });
  });

  it("is asked about once when it is a worktree of one elsewhere", async () => {
    await makeRepository("home/linux/.git");
    await makeWorktree("lab/repo", "home/linux/.git");
    expect(await asked(SOURCE)).toEqual([
      "kernel.source: git:./repo#main",
      `builds read ${at("home/linux/.git")}, where its .git leads`,
    ]);
    expect(await asked(SOURCE)).toEqual([]);
    expect(await repositoryAt("repo")).toEqual({
      ...{ folder: at("home/linux/.git"), alternates: [], head: "refs/heads/side" },
    });
  });

  it.each<[string, () => Promise<unknown>]>([
    ["a .git file", () => writeFile(at("lab/repo/.git"), `gitdir: ${at("home/linux.git")}\n`)],
    ["a link", () => symlink(at("home/linux.git"), at("lab/repo/.git"))],
    [
      "commondir",
      async () => {
        await mkdir(at("lab/repo/fake"));
        await writeFile(at("lab/repo/fake/commondir"), at("home/linux.git"));
        await writeFile(at("lab/repo/.git"), "gitdir: fake\n");
      },
    ],
  ])("is asked about when %s leads to one elsewhere", async (_what, lead) => {
    await makeRepository("home/linux.git");
    await mkdir(at("lab/repo"));
    await lead();
    expect(await asked(SOURCE)).toContain(
      `builds read ${at("home/linux.git")}, where its .git leads`,
    );
  });

  it("is none where .git leads to a folder without objects", async () => {
    await mkdir(at("lab/repo"));
    await writeFile(at("lab/repo/.git"), `gitdir: ${at("home/.ssh")}\n`);
    expect(await repositoryAt("repo")).toBeUndefined();
    await rm(at("lab/repo/.git"));
    await symlink("/dev/zero", at("lab/repo/.git"));
    expect(await repositoryAt("repo")).toBeUndefined();
  });

  it("has no HEAD but a branch or a commit", async () => {
    await makeRepository("lab/linux/.git");
    await makeWorktree("lab/repo", "lab/linux/.git");
    const head = at("lab/linux/.git/worktrees/side/HEAD");
    await rm(head);
    await writeFile(at("home/.netrc"), "machine example.com password secret\n");
    await symlink(at("home/.netrc"), head);
    expect(await repositoryAt("repo")).toMatchObject({ head: undefined });
    const commit = "0123456789abcdef".repeat(2) + "01234567";
    await rm(head);
    await writeFile(head, `${commit}\n`);
    expect(await repositoryAt("repo")).toMatchObject({ head: commit });
  });

  it("is asked about as the source of a matrix, and as a tree whose history is searched", async () => {
    await makeRepository("home/linux/.git");
    await makeWorktree("lab/repo", "home/linux/.git");
    const effect = `builds read ${at("home/linux/.git")}, where its .git leads`;
    expect(await asked("matrix: { kernels: ['git:./repo#main'] }")).toEqual([
      ...["matrix.kernels: git:./repo#main", effect],
    ]);
    const tree = "kernel: { source: 'path:./repo' }";
    expect(await asked(tree)).toEqual([]);
    expect(await asked(tree, { history: true })).toEqual(["kernel.source: path:./repo", effect]);
  });
});

it("a repository elsewhere is asked about with what it leads to, and not with what is in it", async () => {
  await makeRepository("home/linux/.git");
  const source = "kernel: { source: 'git:../home/linux#main' }";
  const request = "kernel.source: git:../home/linux#main";
  expect(await asked(source)).toEqual([request, "builds read this folder"]);
  await makeRepository("home/base.git");
  await addAlternates("home/linux/.git", at("home/base.git/objects"));
  expect(await asked(source)).toEqual([
    request,
    `builds read ${at("home/base.git/objects")}, an alternate of it`,
  ]);
});

describe("a folder of patches in the project", () => {
  beforeEach(async () => {
    await mkdir(at("lab/patches"));
    await writeFile(at("lab/patches/a.patch"), "");
    await writeFile(at("home/.ssh/id"), "");
  });
  const SOURCE = "kernel: { patches: [./patches] }";
  const asking = () => [
    "kernel.patches: ./patches",
    `builds read ${at("home/.ssh/id")}, a patch of it`,
  ];

  it("is not asked about as long as its patches are in the project", async () => {
    await writeFile(at("lab/b.patch"), "");
    expect(await asked(SOURCE)).toEqual([]);
    await writeFile(at("lab/patches/series"), "a.patch\n../b.patch -p1\n");
    expect(await asked(SOURCE)).toEqual([]);
  });

  it("is asked about when its series names one elsewhere", async () => {
    await writeFile(at("lab/patches/series"), "../../home/.ssh/id\na.patch\n");
    expect(await asked(SOURCE)).toEqual(asking());
    expect(await asked("kernel: { patches: [./patches/series] }")).toEqual([
      ...["kernel.patches: ./patches/series", asking()[1]],
    ]);
  });

  it("is asked about when a patch is a link to elsewhere", async () => {
    await symlink(at("home/.ssh/id"), at("lab/patches/b.patch"));
    expect(await asked(SOURCE)).toEqual(asking());
  });

  it("is asked about once where it is elsewhere itself", async () => {
    await mkdir(at("home/patches"));
    await writeFile(at("home/patches/a.patch"), "");
    expect(await asked("kernel: { patches: [../home/patches, ../home/patches/a.patch] }")).toEqual([
      ...["kernel.patches: ../home/patches", "builds read this file"],
      ...["kernel.patches: ../home/patches/a.patch", "builds read this file"],
    ]);
  });
});

it("a repository is read once, whatever its files say later", async () => {
  const reader = repositoryReader(nodeFiles);
  await makeRepository("lab/repo");
  await makeRepository("home/linux.git");
  const before = await reader(at("lab/repo"));
  await addAlternates("lab/repo", at("home/linux.git/objects"));
  expect(await reader(at("lab/repo"))).toBe(before);
});

describe("a folder of the project that a guest writes to", () => {
  it.each([
    ["the project itself", "vm: { shares: ['.:/p:rw'] }"],
    ["git's own", "vm: { shares: ['./.git/hooks:/p:rw'] }"],
    ["a submodule's", "vm: { shares: ['./sub/.git:/p:rw'] }"],
    ["kdock's own", "vms: { a: { shares: ['./.kdock/out:/p:rw'] } }"],
    ["kdock.yaml, as a disk", "vm: { disks: ['./kdock.yaml'] }"],
  ])("is asked about where programs run what is in it: %s", async (_name, yaml) => {
    expect((await asked(yaml)).join("\n")).toMatch(/writes .*and with it what programs run here/);
  });

  it.each([
    "vm: { shares: ['./data:/p:rw'] }",
    "vm: { shares: ['.:/p'] }",
    "vm: { disks: ['./disk.img'] }",
  ])("is not asked about where no program runs what is in it: %s", async (yaml) => {
    expect(await asked(yaml)).toEqual([]);
  });
});

describe("the state folder", () => {
  const me = { uid: process.getuid?.(), sudoUid: undefined };

  it.each(["out", "starting", "slots", "what-comes-next"])("has no link %s in it", async (name) => {
    await mkdir(at("lab/.kdock"), { recursive: true, mode: 0o755 });
    await mkdir(at("home/work"));
    await symlink(at("home/work"), at("lab/.kdock", name));
    await expect(checkState(nodeFiles, at("lab"), me)).rejects.toThrow(/is a link to/);
  });
});
