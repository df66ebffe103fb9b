import { expect, it } from "vitest";
import { vmPlan } from "../../../../src/vm/plan/vm-plan.js";
import { config, plan } from "../../fixtures.js";

const MODE = { paused: false, command: false };
const planned = (yaml: string, name = "vm") =>
  vmPlan(config(yaml), plan(yaml), MODE, { name, index: 0 }).attempts[0]?.container;
const args = (yaml: string) => (planned(yaml)?.command ?? []).join(" ");

it("nodes share processors and memory, each a socket", () => {
  const line = args("vm: { cpus: 4, numa: 2, memory: 1G }");
  expect(line).toContain("-smp 4,sockets=2 -m 1024M");
  expect(line).toContain("-object memory-backend-ram,id=node0,size=512M");
  expect(line).toContain("-numa node,nodeid=0,cpus=0-1,memdev=node0");
  expect(line).toContain("-numa node,nodeid=1,cpus=2-3,memdev=node1");
  expect(args("vm: { cpus: 4 }")).not.toMatch(/numa|sockets/);
});

it.each([
  ["vm: { numa: 2 }", /1 processors cannot be shared among 2/],
  ["vm: { cpus: 3, numa: 3 }", /512M cannot be shared among 3/],
  ["vm: { cpus: 2, numa: 2, append: 'numa=off' }", /numa=off contradicts/],
  ["vm: { append: kaslr }", /kaslr contradicts the rest: gdb is on/],
  ["vm: { cpus: 2, append: 'a nosmp' }", /nosmp contradicts/],
  ["vm: { append: 'dyndbg=\"file x' }", /has no end/],
  [`vm: { append: ${"x".repeat(2100)} }`, /the kernel takes 2047/],
  ["vm: { accel: tcg, cpu: 'host,+x2apic' }", /host needs KVM/],
])("%s is refused", (yaml, message) => {
  expect(() => planned(yaml)).toThrow(message);
});

it.each([
  "gdb: { enable: false }\nvm: { append: kaslr }",
  "vm: { append: nosmp }",
  "vm: { append: 'dyndbg=\"file tcp.c kaslr +p\"' }",
  "vm: { append: '   ' }",
  "vm: { cpu: host }",
])("%s is fine", (yaml) => {
  expect(planned(yaml)).toBeDefined();
});

it("checks a VM with what is special about it", () => {
  const yaml = "vm: { numa: 2, cpus: 2 }\nvms: { a: { cpus: 1 }, b: {} }";
  expect(() => planned(yaml, "a")).toThrow(/1 processors/);
  expect(planned(yaml, "b")).toBeDefined();
});

it("start.sh hears of processor and disks, and of files only what is mounted", () => {
  const made = planned("vm: { cpu: Nehalem, disks: ['./a.qcow2:ro', 1G] }");
  expect(made?.env).toMatchObject({
    KDOCK_CPU: "Nehalem",
    KDOCK_DISKS: "20 ro /disks/0 /home/ada/lab/a.qcow2\n21 1073741824 /disks/1 a scratch disk",
  });
  expect(made?.hostPaths).toEqual([
    { path: "/home/ada/lab/a.qcow2", target: "/disks/0", readOnly: true },
  ]);
  expect(made?.command.join(" ")).toContain("driver=qcow2,node-name=disk0");
});
