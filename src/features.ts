import type { Feature } from "./app/feature.js";

/** A command: its line in kdock's --help, of at most 60 characters, and its file. */
export interface FeatureRow {
  readonly summary: string;
  readonly load: () => Promise<Feature>;
}

/** By the headings of kdock's --help, then by name, in the order of --help. Each is loaded when it is called. */
export const FEATURE_GROUPS: Readonly<Record<string, Readonly<Record<string, FeatureRow>>>> = {
  Start: {
    init: { summary: "write a commented kdock.yaml", load: () => import("./app/commands/init.js") },
    doctor: {
      summary: "check this machine, and say how to fix what is missing",
      load: () => import("./app/commands/doctor.js"),
    },
    completion: {
      summary: "print a completion script for bash, zsh or fish",
      load: () => import("./completion/commands/completion.js"),
    },
    compose: {
      summary: "print a compose.yaml that does the same without Node.js",
      load: () => import("./vm/commands/compose.js"),
    },
    clean: {
      summary: "remove kdock's containers, volumes, images and artifacts",
      load: () => import("./app/commands/clean.js"),
    },
  },
  Build: {
    build: {
      summary: "build the kernel, busybox and the initramfs",
      load: () => import("./build/commands/build.js"),
    },
    plan: {
      summary: "print what build and run would do",
      load: () => import("./vm/commands/plan.js"),
    },
    lock: {
      summary: "pin packages, images and sources in kdock.lock",
      load: () => import("./build/commands/lock.js"),
    },
    config: {
      summary: "show, explain and change the kernel's configuration",
      load: () => import("./kconfig/commands/config.js"),
    },
    kernels: {
      summary: "list the kernels that are built",
      load: () => import("./vm/commands/kernels.js"),
    },
    source: {
      summary: "export the source and generated headers for an editor",
      load: () => import("./editor/commands/source.js"),
    },
  },
  Run: {
    run: {
      summary: "boot a VM: console attached, gdbserver published",
      load: () => import("./vm/commands/run.js"),
    },
    up: {
      summary: "boot the VMs of kdock.yaml in the background",
      load: () => import("./vm/commands/up.js"),
    },
    down: { summary: "stop all VMs of the project", load: () => import("./vm/commands/down.js") },
    ps: { summary: "list the project's VMs", load: () => import("./vm/commands/ps.js") },
    logs: { summary: "print a VM's console", load: () => import("./vm/commands/logs.js") },
    console: {
      summary: "attach to a VM's console; Ctrl-] detaches",
      load: () => import("./vm/commands/console.js"),
    },
    stop: { summary: "stop a VM", load: () => import("./vm/commands/stop.js") },
  },
  Guest: {
    exec: {
      summary: "run a command or a shell in the guest",
      load: () => import("./guest/commands/exec.js"),
    },
    cp: {
      summary: "copy files between this machine and the guest",
      load: () => import("./guest/commands/cp.js"),
    },
    module: {
      summary: "build and load modules outside of the kernel's tree",
      load: () => import("./modules/commands/module.js"),
    },
  },
  Network: {
    net: {
      summary: "check a VM's network, or add delay and loss",
      load: () => import("./network/commands/net.js"),
    },
    capture: {
      summary: "tcpdump of the guest's network, live or to a pcap file",
      load: () => import("./network/commands/capture.js"),
    },
  },
  Debug: {
    trap: {
      summary: "stop at functions or lines, print, and continue",
      load: () => import("./debug/commands/trap.js"),
    },
    debug: {
      summary: "stop at functions or lines, with gdb's prompt",
      load: () => import("./debug/commands/debug.js"),
    },
    gdb: {
      summary: "gdb with symbols, sources and lx- commands",
      load: () => import("./debug/commands/gdb.js"),
    },
    dap: {
      summary: "gdb's Debug Adapter Protocol server on stdio",
      load: () => import("./debug/commands/dap.js"),
    },
    ide: {
      summary: "write the settings of an editor",
      load: () => import("./editor/commands/ide.js"),
    },
    decode: {
      summary: "add source lines to a kernel's log",
      load: () => import("./debug/commands/decode.js"),
    },
    dump: {
      summary: "write the guest's memory to a file",
      load: () => import("./memory/commands/dump.js"),
    },
    drgn: {
      summary: "drgn on the guest's memory or on a dump",
      load: () => import("./memory/commands/drgn.js"),
    },
    crash: {
      summary: "crash on the guest's memory or on a dump",
      load: () => import("./memory/commands/crash.js"),
    },
  },
  "Share and verify": {
    verify: {
      summary: "build again under hostile conditions, and compare",
      load: () => import("./repro/commands/verify.js"),
    },
    diff: {
      summary: "tell in what two builds differ",
      load: () => import("./repro/commands/diff.js"),
    },
    sbom: {
      summary: "print a CycloneDX bill of materials",
      load: () => import("./repro/commands/sbom.js"),
    },
  },
  "Many kernels": {
    matrix: {
      summary: "run a command on several kernels; one table",
      load: () => import("./fleet/commands/matrix.js"),
    },
    bisect: {
      summary: "git bisect: build, boot and test each step",
      load: () => import("./fleet/commands/bisect.js"),
    },
  },
};

/** By name. */
export const FEATURES: Readonly<Record<string, FeatureRow>> = Object.assign(
  {},
  ...Object.values(FEATURE_GROUPS),
) as Readonly<Record<string, FeatureRow>>;

export const COMMAND_NAMES: readonly string[] = Object.keys(FEATURES);
