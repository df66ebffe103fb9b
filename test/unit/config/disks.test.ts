import { expect, it } from "vitest";
import { diskFrom, parseDisk } from "../../../src/config/disks.js";
import { inFile, problemsOf } from "./problems-of.js";
import { config } from "../fixtures.js";
import { configFor } from "../../../src/vm/plan/vm-plan.js";

it.each([
  ["1G", { kind: "scratch", bytes: 2 ** 30 }],
  ["512m", { kind: "scratch", bytes: 2 ** 29 }],
  ["1M", { kind: "scratch", bytes: 2 ** 20 }],
  ["./1G", { kind: "file", path: "./1G", readOnly: false }],
  ["data.img", { kind: "file", path: "data.img", readOnly: false }],
  ["/a b/x.qcow2:ro", { kind: "file", path: "/a b/x.qcow2", readOnly: true }],
  ["x:y:rw", { kind: "file", path: "x:y", readOnly: false }],
])("%s", (text, value) => {
  expect(parseDisk(text)).toEqual({ value });
});

it.each(["", ":ro", "1G:ro", "5", "1.5G", "10X", "10GB", "1K", "9T", "0G", "a\nb"])(
  "%j is refused",
  (text) => {
    expect(parseDisk(text)).toHaveProperty("problem");
  },
);

it.each([
  ["x.img", "/here/x.img:rw"],
  ["x.img:ro", "/here/x.img:ro"],
  ["1G", "1G"],
  ["10X", "10X"],
])("%s typed in a folder is %s", (text, absolute) => {
  expect(diskFrom(text, (path) => `/here/${path}`)).toBe(absolute);
});

it("each VM has its own, or those of all", () => {
  const made = config("vm: { disks: [1G] }\nvms: { a: { disks: [a.img, 2G] }, b: {} }");
  const of = (name: string) => configFor(made, { name, index: 0 }).vm.disks;
  expect(of("a")).toEqual([
    { kind: "file", path: "a.img", readOnly: false },
    { kind: "scratch", bytes: 2 ** 31 },
  ]);
  expect(of("b")).toEqual([{ kind: "scratch", bytes: 2 ** 30 }]);
});

it("a problem names its place", () => {
  expect(problemsOf(inFile("vms: { a: { disks: [1G, 10X] } }")).join("\n")).toMatch(
    /vms\.a\.disks\[1\]: .*10X/,
  );
});

it("a number of processors is no model", () => {
  expect(problemsOf({ file: { name: "kdock.yaml", text: "vm: { cpu: 2 }" } }).join()).toMatch(
    /kdock\.yaml:1:7: vm\.cpu: a processor.s model has a name.*--cpus 2/,
  );
  expect(problemsOf({ flags: { vm: { cpu: "4" } } }).join()).toMatch(/vm\.cpus, --cpus 4/);
  expect(problemsOf({ flags: { vm: { cpu: "a b" } } }).join()).toMatch(/expected MODEL.*"a b"/);
});
