import { describe, expect, it } from "vitest";
import { alsoIn, outsideRequests } from "../../../src/config/outside.js";
import { configKeys } from "../../../src/config/keys.js";
import { isOwn, type Owned, stateProblem } from "../../../src/config/ownership.js";
import { config } from "../fixtures.js";

/** "key value", with the path that decides where there is one. */
const asked = (yaml: string) =>
  outsideRequests(config(yaml)).map(({ key, value, path }) =>
    path === undefined ? `${key} ${value}` : `${key} ${value} <${path}>`,
  );

describe("what a configuration reaches outside of its folder", () => {
  it.each<[string, string[]]>([
    ["", []],
    ["kernel: { source: 'release:6.12.3', patches: [] }", []],
    ["vm: { ports: ['8080:80', '[::1]:8081:81', '127.0.0.2:1:1'] }", []],
    ["gdb: { listen: 'localhost:0' }", []],
    ["vm: { disks: [1G], net: { mode: user }, append: quiet }", []],
    ["images: { registry: none, mirror: 'https://mirror.example/debian' }", []],
    [
      "vm: { shares: ['/home:/mnt/h:rw', d] }",
      ["vm.shares /home:/mnt/h:rw </home>", "vm.shares d:/mnt/d <d>"],
    ],
    [
      "vm: { disks: ['/dev/sda', 'x.img:ro'] }",
      ["vm.disks /dev/sda </dev/sda>", "vm.disks x.img:ro <x.img>"],
    ],
    ["vm: { qemu: [-device, edu] }", ["vm.qemu -device edu"]],
    ["vm: { ports: ['0.0.0.0:8080:80'] }", ["vm.ports 0.0.0.0:8080:80/tcp"]],
    ["vm: { ports: ['[::]:8080:80/udp'] }", ["vm.ports :::8080:80/udp"]],
    ["vm: { net: { mode: host } }", ["vm.net.mode host"]],
    ["gdb: { listen: '0.0.0.0:1234' }", ["gdb.listen 0.0.0.0:1234"]],
    ["gdb: { scripts: [a.gdb] }", ["gdb.scripts a.gdb"]],
    ["images: { registry: registry.example/mine }", ["images.registry registry.example/mine"]],
    ["kernel: { source: 'path:../linux' }", ["kernel.source path:../linux <../linux>"]],
    [
      "kernel: { source: 'git:/srv/linux#v6.12' }",
      ["kernel.source git:/srv/linux#v6.12 </srv/linux>"],
    ],
    ["kernel: { source: 'git:https://git.example/linux#v6.12' }", []],
    ["matrix: { kernels: ['../linux', '6.1'] }", ["matrix.kernels ../linux <../linux>"]],
    ["matrix: { kernels: [..] }", ["matrix.kernels .. <..>"]],
    [
      "kernel: { source: 'git:/srv/linux#main' }\nmatrix: { kernels: ['6.1', '6.1.20'] }",
      ["kernel.source git:/srv/linux#main </srv/linux>", "matrix.kernels 6.1 </srv/linux>"],
    ],
    [
      "matrix: { presets: [tiny, 'file:/home/ada/.netrc'] }",
      ["matrix.presets /home/ada/.netrc </home/ada/.netrc>"],
    ],
    ["kernel: { preset: 'file:../c' }", ["kernel.preset ../c <../c>"]],
    [
      "kernel: { fragments: [a], patches: [b], keys: [c], moduleKey: d }",
      [
        "kernel.fragments a <a>",
        "kernel.patches b <b>",
        "kernel.keys c <c>",
        "kernel.moduleKey d <d>",
      ],
    ],
    ["busybox: { fragments: [a], keys: [c] }", ["busybox.fragments a <a>", "busybox.keys c <c>"]],
    [
      "rootfs: { overlay: ../o, init: [/x.sh] }",
      ["rootfs.overlay ../o <../o>", "rootfs.init /x.sh </x.sh>"],
    ],
    [
      "vms: { a: { shares: [/srv], disks: [/d], qemu: [-S], ports: ['0.0.0.0:1:1'], net: { mode: host }, gdb: '0.0.0.0:9' } }",
      [
        "vms.a.shares /srv:/mnt/srv </srv>",
        "vms.a.disks /d </d>",
        "vms.a.ports 0.0.0.0:1:1/tcp",
        "vms.a.gdb 0.0.0.0:9",
        "vms.a.qemu -S",
        "vms.a.net.mode host",
      ],
    ],
  ])("of %s", (yaml, expected) => {
    expect(asked(yaml)).toEqual(expected);
  });

  it("has a request for every key that takes a path of this machine", () => {
    const names = configKeys()
      .filter(({ form }) => /\bpaths?\b|PATH|FOLDER|FILE|\bsources\b|\bpresets\b/.test(form))
      .map(({ name }) => name);
    const yaml = `
      kernel: { source: 'path:/x', preset: 'file:/x', keys: [/x], fragments: [/x], patches: [/x], moduleKey: /x }
      busybox: { keys: [/x], fragments: [/x] }
      rootfs: { overlay: /x, init: [/x] }
      vm: { disks: [/x], shares: [/x] }
      gdb: { scripts: [/x] }
      matrix: { kernels: [/x], presets: ['file:/x'] }`;
    const keys = outsideRequests(config(yaml)).map(({ key }) => key);
    expect([...keys].sort()).toEqual([...names].sort());
  });

  it("is what the files of a repository name besides, also of a tree whose history is searched", () => {
    const leading = (yaml: string, history: boolean) =>
      outsideRequests(config(yaml), { history }).map(({ leadsTo }) => leadsTo);
    expect(leading("kernel: { source: 'git:./repo#main' }", false)).toEqual(["repository"]);
    expect(leading("matrix: { kernels: ['git:./repo#main', ./linux] }", false)).toEqual([
      ...["repository", undefined],
    ]);
    expect(leading("kernel: { source: 'path:./linux' }", false)).toEqual([undefined]);
    expect(leading("kernel: { source: 'path:./linux' }", true)).toEqual(["repository"]);
  });

  it("is what the file says, as far as nothing that was typed takes its place", () => {
    const file = outsideRequests(config("vm: { shares: [/home], qemu: [-S] }"));
    const used = outsideRequests(config("vm: { shares: [/srv], qemu: [-S] }"));
    expect(alsoIn(file, used).map(({ key }) => key)).toEqual(["vm.qemu"]);
  });
});

describe("the state folder", () => {
  const ADA = { uid: 1000, sudoUid: undefined };
  const folder: Owned = { kind: "directory", uid: 1000, gid: 1000, mode: 0o755, target: "" };
  const problem = (change: Partial<Owned>, person = ADA as Parameters<typeof stateProblem>[2]) =>
    stateProblem(".kdock", { ...folder, ...change }, person)?.message;

  it.each<[string, Partial<Owned>, Parameters<typeof stateProblem>[2]?]>([
    ["one's own", {}],
    ["one's own group's, as some systems have it", { mode: 0o775 }],
    ["root's", { uid: 0 }],
    ["that of who called sudo", { uid: 1000 }, { uid: 0, sudoUid: 1000 }],
    [
      "on a system without such numbers",
      { uid: 7, mode: 0o777 },
      { uid: undefined, sudoUid: undefined },
    ],
  ])("may be %s", (_what, change, person) => {
    expect(problem(change, person)).toBeUndefined();
    expect(stateProblem(".kdock", undefined, ADA)).toBeUndefined();
  });

  it.each<[string, Partial<Owned>, RegExp, Parameters<typeof stateProblem>[2]?]>([
    ["a link", { kind: "symlink", target: "/etc" }, /is a link to \/etc/],
    ["a file", { kind: "file" }, /is no folder/],
    ["another user's", { uid: 1001 }, /belongs to another user \(uid 1001; kdock runs as 1000\)/],
    ["a user's, for root", {}, /belongs to another user/, { uid: 0, sudoUid: undefined }],
    ["another user's, with sudo", { uid: 1001 }, /another user/, { uid: 0, sudoUid: 1000 }],
    ["everybody's", { mode: 0o777 }, /others may write to \.kdock \(mode 777/],
    ["a group's", { mode: 0o775, gid: 100 }, /others may write/],
  ])("must not be %s", (_what, change, expected, person) => {
    expect(problem(change, person)).toMatch(expected);
  });

  it("counts root's files as one's own, and sudo's only for root", () => {
    expect([0, 1000, 1001].map((uid) => isOwn(uid, ADA))).toEqual([true, true, false]);
  });
});
