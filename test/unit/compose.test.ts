import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { createNodeHost } from "../../src/host/node-host.js";
import { composeFile } from "../../src/plan/compose.js";
import { makePlan } from "../../src/plan/plan.js";
import { readAssets } from "../../src/project.js";
import { ROOT } from "../support/kdock.js";
import { config, NO_FILES, plan, text } from "./plan/fixtures.js";

interface Compose {
  services: Record<
    "kernel" | "busybox" | "vm",
    {
      image: string;
      command: string[];
      environment: Record<string, string>;
      volumes: string[];
      ports: string[];
      configs?: { source: string; target: string }[];
      privileged: string;
      cap_add: string[];
      devices: string[];
    }
  >;
  configs?: Record<string, { content: string }>;
}

const compose = (yaml: string, user = {}) =>
  parse(composeFile(config(yaml), plan(yaml, { user }), ".")) as Compose;

describe("compose.yaml", () => {
  it("is what `kdock compose` prints (npm run compose writes it)", async () => {
    const assets = await readAssets(createNodeHost({ env: {} }).files);
    const defaults = config();
    const made = makePlan({ folder: "/x", config: defaults, assets, user: NO_FILES });
    expect(await readFile(`${ROOT}compose.yaml`, "utf8")).toBe(composeFile(defaults, made, "."));
  });

  it("uses the images that kdock builds", () => {
    const { services } = compose("");
    expect(services.kernel.image).toBe(plan().kernel.image.tag);
    expect(services.vm.image).toBe(plan().vmImage.tag);
  });

  it("publishes gdbserver where kdock does", () => {
    expect(compose("gdb: { listen: '127.0.0.1:4321' }").services.vm.ports).toEqual([
      "${KDOCK_GDB_LISTEN:-127.0.0.1:4321}:1234",
    ]);
  });

  it("always lists what least privilege needs, so that one variable is enough", () => {
    const { vm } = compose("").services;
    expect(vm.privileged).toBe("${KDOCK_PRIVILEGED:-true}");
    expect(vm.cap_add).toContain("NET_ADMIN");
    expect(vm.devices).toEqual(["/dev/net/tun:/dev/net/tun"]);
  });

  it("carries kernel options and overlay of kdock.yaml", () => {
    const yaml = "kernel: { set: { LOCALVERSION: '-$lab' } }\nrootfs: { overlay: guest }";
    const made = compose(yaml, {
      kernelFragments: [{ name: "a.config", text: "CONFIG_A=y" }],
      overlay: [{ path: "x", kind: "file", executable: false, target: "", content: text("") }],
    });
    expect(made.services.kernel.configs).toEqual([
      { source: "kernel-fragments-config", target: "/in/fragments.config" },
    ]);
    // A dollar is doubled, or compose would expand it.
    expect(made.configs?.["kernel-fragments-config"]?.content).toContain("-$$lab");
    expect(made.services.busybox.volumes).toContain("./guest:/overlay:ro");
  });

  it("carries init scripts, disks and nodes", () => {
    const yaml =
      "rootfs: { init: [net/up.sh, /opt/b.sh], strict: true }\nvm: { cpus: 2, numa: 2, disks: [a.img, 1G, 'b.img:ro'] }";
    const { busybox, vm } = compose(yaml).services;
    expect(busybox.volumes).toContain("./net/up.sh:/init/001-up.sh:ro");
    expect(busybox.volumes).toContain("/opt/b.sh:/init/002-b.sh:ro");
    expect(busybox.environment["KDOCK_STRICT"]).toBe("true");
    expect(vm.volumes).toContain("./a.img:/disks/0");
    expect(vm.volumes).toContain("./b.img:/disks/2:ro");
    expect(vm.environment["KDOCK_DISKS"]).toContain("21 1073741824 /disks/1");
    // Nodes have all that there is, so no variable can change it.
    expect(vm.command).toContain("2,sockets=2");
  });
});
