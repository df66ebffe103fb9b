import { expect, it } from "vitest";
import { loadConfig } from "../../../src/config/layers.js";
import { inFile, problemsOf } from "./problems-of.js";

it.each([
  ["an empty file", ""],
  ["comments only", "# nothing\n"],
  ["sections whose keys are all commented out", "vm:\n  net:\n# cpus: 2\nkernel:\n"],
])("takes %s as the defaults", (_what, text) => {
  expect(loadConfig(inFile(text))).toEqual(loadConfig({}));
});

it("keeps the spelling of numbers in options", () => {
  const text = "kernel:\n  set: {A: 0x1000, B: 16, C: y, D: true, E: 1.50, F: some text, G: -1}\n";
  expect(loadConfig(inFile(text)).kernel.set).toEqual({
    CONFIG_A: "0x1000",
    CONFIG_B: "16",
    CONFIG_C: "y",
    CONFIG_D: "y",
    CONFIG_E: '"1.50"',
    CONFIG_F: '"some text"',
    CONFIG_G: "-1",
  });
});

it.each([
  ["vm: [", "kdock.yaml:1:6: Flow sequence in block collection"],
  ["vm:\n  cpus: 1\n  cpus: 2", "kdock.yaml:3:3: Map keys must be unique"],
  ["a: 1\n---\nb: 2", "kdock.yaml:2:1: more than one document"],
  ["- vm", "kdock.yaml: expected a map of keys at the top"],
  ["vm: !odd {}", "kdock.yaml:1:5: Unresolved tag: !odd"],
  ["vm: *x", "kdock.yaml: Unresolved alias"],
  ["vm: 3", "kdock.yaml:1:1: vm: expected a map of keys (cpus, memory, append,"],
  ["vm: []", "kdock.yaml:1:1: vm: expected a map of keys"],
  ["kernel:\n  presett: tiny", "kdock.yaml:2:3: kernel.presett: unknown key; did you mean preset?"],
  ["vn: {}", "kdock.yaml:1:1: vn: unknown key"],
  ["memory: 1G", "kdock.yaml:1:1: memory: unknown key; did you mean vm.memory?"],
  ["vm: {accel: kwm}", 'expected auto, kvm or tcg, got "kwm"; did you mean kvm?'],
  ["kernel: {preset: tinny}", 'file:PATH, got "tinny"; did you mean tiny?'],
  ["kernel: {preset: 'file:'}", 'expected debug, defconfig, tiny or file:PATH, got "file:"'],
  ["kernel: {source: 'git:x'}", "a branch, tag or commit has to follow git:x"],
  ["kernel: {source: 'debian:6'}", 'expected debian:X.Y, for example debian:6.12, got "debian:6"'],
  ["kernel: {source: debain:6.1}", 'got "debain:6.1"; did you mean debian:?'],
  ["kernel: {source: [6.1]}", "release:X.Y[.Z], git:URL#REF or path:FOLDER, got a list"],
  ["kernel: {mirrors: [mirror.example]}", "kernel.mirrors[0]: expected a http or https URL"],
  ["kernel: {jobs: 0}", "expected auto or a whole number from 1, got 0"],
  ["kernel: {ccache: yes}", 'expected true or false, got "yes"'],
  ["kernel: {fragments: a}", 'expected a list of paths, got "a"'],
  ["kernel: {fragments: [a, 3]}", "kdock.yaml:1:25: kernel.fragments[1]: expected a text, got 3"],
  ["kernel: {deoptimize: [/src/net/x.c]}", "expected a C file of the kernel's source, for example"],
  ["kernel: {deoptimize: [../x.c]}", "kernel.deoptimize[0]: expected a C file"],
  ["kernel: {deoptimize: ['a.c b.c']}", "kernel.deoptimize[0]: expected a C file"],
  ["kernel: {deoptimize: [net/x.h]}", "kernel.deoptimize[0]: expected a C file"],
  ["kernel: {deoptimize: net/x.c}", "expected a list of C files of the source"],
  ["kernel: {toolchain: gcc}", "expected auto, gcc-N or clang-N"],
  ["kernel: {set: {NET: }}", "kernel.set.NET: has no value; give it one or remove the key"],
  ["kernel: {set: {NET: [y]}}", "expected y, m, n, a text or a number, got a list"],
  ["kernel: {set: {NET: y, CONFIG_NET: n}}", "kernel.set.CONFIG_NET: CONFIG_NET is given twice"],
  ["kernel: {set: {A-B: y}}", "letters, digits and _ only"],
  ["busybox: {sha256: abc}", "expected 64 hexadecimal digits"],
  ["busybox: {mirrors: ['ftp://mirror.example']}", "expected a http or https URL"],
  ["rootfs: {overlay: }", "kdock.yaml:1:10: rootfs.overlay: has no value"],
  ["vm: {memory: 512}", "expected a size such as 512M or 2G, got 512"],
  ["vm: {memory: 32M}", "a kernel needs at least 64M, got 32M"],
  ['vm: {append: "a\\nb"}', "must be one line"],
  ["vm: {ports: ['1:1', '127.0.0.1:1:2']}", "127.0.0.1:1/tcp is given twice"],
])("refuses %j", (text, problem) => {
  const problems = problemsOf(inFile(text));
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(problem);
});

it("refuses aliases that grow without end", () => {
  const bomb = ["a: &a0 [x,x,x,x,x,x,x,x,x,x]"];
  for (let n = 1; n < 9; n++) bomb.push(`b${n}: &a${n} [${`*a${n - 1},`.repeat(10)}]`);
  expect(problemsOf(inFile(bomb.join("\n")))[0]).toContain("Excessive alias count");
});
