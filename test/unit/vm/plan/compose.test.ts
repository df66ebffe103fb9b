import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { createNodeHost } from "../../../../src/host/node-host.js";
import { composeFile } from "../../../../src/vm/plan/compose.js";
import { makePlan } from "../../../../src/build/plan/plan.js";
import { VERIFIED_CCACHE_VOLUME } from "../../../../src/core/plan/names.js";
import { readAssets } from "../../../../src/app/project.js";
import { ROOT } from "../../../support/kdock.js";
import { config, NO_FILES, plan, overlayFile } from "../../fixtures.js";

interface Compose {
  services: Record<
    "kernel" | "busybox" | "vm" | "gdb",
    {
      image: string;
      command: string[];
      environment: Record<string, string>;
      volumes: unknown[];
      ports: string[];
      configs?: { source: string; target: string }[];
      privileged: string;
      cap_add: string[];
      security_opt?: string[];
      devices: string[];
    }
  >;
  configs?: Record<string, { content: string }>;
  volumes: Record<string, unknown>;
}

const compose = (yaml: string, user = {}) =>
  parse(composeFile(config(yaml), plan(yaml, { user }), ".")) as Compose;

describe("compose.yaml", () => {
  it("is what `kdock compose` prints (npm run compose writes it)", async () => {
    const assets = await readAssets(createNodeHost({ env: {} }).files);
    const defaults = config();
    const made = makePlan({
      engine: "x86_64",
      folder: "/x",
      config: defaults,
      assets,
      user: NO_FILES,
    });
    expect(await readFile(`${ROOT}compose.yaml`, "utf8")).toBe(composeFile(defaults, made, "."));
  });

  it("uses the images that kdock builds", () => {
    const { services } = compose("");
    expect(services.kernel.image).toBe(plan().kernel.image.tag);
    expect(services.vm.image).toBe(plan().vmImage.tag);
  });

  it("lets a variable take the bridge's place, and has no mode that needs kdock itself", () => {
    const { devices, environment } = compose("").services.vm;
    expect(devices).toEqual(["/dev/net/tun:/dev/net/tun"]);
    expect(environment["KDOCK_NET_MODE"]).toBe("${KDOCK_VM_NET_MODE:-bridge}");
    expect(environment["KDOCK_USER_NETDEV"]).toMatch(/^user,id=net0,/);
    expect(environment["KDOCK_NONE_WORDS"]).toBe("kdock.ip=none");
    const none = compose("vm: { net: { mode: none } }").services.vm;
    expect([none.devices, none.environment["KDOCK_NET_MODE"]]).toEqual([[], "none"]);
    expect(() => compose("vm: { net: { mode: host } }")).toThrow(/nobody to clean the host up/);
  });

  it("gives the kernel kdock's words and a variable's, with every dollar doubled", () => {
    const { environment } = compose("vm: { append: 'a=$b' }").services.vm;
    expect(environment["KDOCK_COMMAND_LINE"]).toMatch(
      /^console=ttyS0 .* a=\$\$b \$\{KDOCK_VM_APPEND:-\}$/,
    );
  });

  it("publishes gdbserver where kdock does", () => {
    expect(compose("gdb: { listen: '127.0.0.1:4321' }").services.vm.ports).toEqual([
      "${KDOCK_GDB_LISTEN:-127.0.0.1:4321}:1234",
    ]);
  });

  it("publishes ports on IPv6 addresses, too", () => {
    expect(compose("vm: { ports: ['[::1]:9090:90'] }").services.vm.ports).toContain(
      "[::1]:9090:90/tcp",
    );
    expect(compose("gdb: { listen: '[::1]:4321' }").services.vm.ports).toEqual([
      "${KDOCK_GDB_LISTEN:-[::1]:4321}:1234",
    ]);
  });

  it("always lists what least privilege needs, so that one variable is enough", () => {
    const { vm } = compose("").services;
    expect(vm.privileged).toBe("${KDOCK_PRIVILEGED:-true}");
    expect(vm.cap_add).toContain("NET_ADMIN");
    expect(vm.devices).toEqual(["/dev/net/tun:/dev/net/tun"]);
  });

  it("mounts host folders, which are there already, in a VM that is not privileged", () => {
    const { vm } = compose("vm: { shares: ['$data:rw'] }").services;
    expect(vm.volumes).toContainEqual({
      type: "bind",
      source: "./$$data",
      target: "/shares/share0",
      read_only: false,
      bind: { create_host_path: false },
    });
    expect(vm.privileged).toBe("${KDOCK_PRIVILEGED:-false}");
    expect(vm.environment["KDOCK_SHARES"]).toBe(
      "share0,9p,rw,/mnt/%24data,/shares/share0,/run/kdock/share0.sock",
    );
    expect(vm.command.join(" ")).toContain("virtio-9p-pci,fsdev=share0,mount_tag=share0");
  });

  it("gives code of the project's volumes and a compiler cache of its own", () => {
    const made = compose("kernel: { set: { LOCALVERSION: -lab } }");
    expect(made.volumes["ccache"]).toEqual({});
    expect(made.services.kernel.volumes).toContain("kernel-build:/build");
    const verified = compose("");
    expect(verified.volumes["ccache"]).toEqual({
      name: VERIFIED_CCACHE_VOLUME,
      labels: { "io.kdock.role": "ccache" },
    });
    const both = Object.keys(verified.volumes).filter((name) => name in made.volumes);
    expect(both.filter((name) => name.startsWith("kernel"))).toEqual(["kernel-out"]);
    expect(verified.services.gdb.volumes).toContain("kernel-verified-build:/build:ro");
  });

  it("carries kernel options and overlay of kdock.yaml", () => {
    const yaml = "kernel: { set: { LOCALVERSION: '-$lab' } }\nrootfs: { overlay: guest }";
    const made = compose(yaml, {
      kernelFragments: [{ name: "a.config", text: "CONFIG_A=y" }],
      overlay: [overlayFile("x", "")],
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
    // What is missing is not to be made, as a folder and root's.
    const bound = (source: string, target: string, isReadOnly: boolean) => ({
      ...{ type: "bind", source, target, read_only: isReadOnly },
      bind: { create_host_path: false },
    });
    expect(busybox.volumes).toContainEqual(bound("./net/up.sh", "/init/001-up.sh", true));
    expect(busybox.volumes).toContainEqual(bound("/opt/b.sh", "/init/002-b.sh", true));
    expect(busybox.environment["KDOCK_STRICT"]).toBe("true");
    expect(vm.volumes).toContainEqual(bound("./a.img", "/disks/0", false));
    expect(vm.volumes).toContainEqual(bound("./b.img", "/disks/2", true));
    expect(vm.security_opt).toContain("label=disable");
    expect(vm.environment["KDOCK_DISKS"]).toContain("21 1073741824 /disks/1");
    // Nodes have all that there is, so no variable can change it.
    expect(vm.command).toContain("2,sockets=2");
  });
});
