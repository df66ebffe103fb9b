import { type Architecture, USUAL_ARCHITECTURE } from "../../config/config.js";
import { KdockError } from "../errors.js";

/** QEMU's names of the devices on the ISA bus (driver since Linux 3.10) and on PCI (since 5.13). */
export type PanicDevice = "pvpanic" | "pvpanic-pci";

/** Programs that read a dump. */
export type MemoryTool = "drgn" | "crash";

/** One architecture that a kernel can be built for and booted on. */
export interface ArchitectureRow {
  /** Make's name (ARCH=). */
  readonly makeArch: string;
  /** Its folder below arch/ in the source. */
  readonly sourceArch: string;
  /** Debian's name, as in packages for cross compiling (libc6-dev-NAME-cross). */
  readonly debianArch: string;
  /** GNU's name: of the cross compiler and its packages. */
  readonly triplet: string;
  /** The boot image: its make target, and its path after make. */
  readonly image: { readonly target: string; readonly path: string };
  /** `uname -m` of the guest, and of a machine where KVM can run it. */
  readonly machine: string;
  readonly qemu: {
    readonly program: string;
    /** Packages of the VM's image, in Debian trixie. */
    readonly packages: readonly string[];
    /** -M. */
    readonly board: string;
    /** A board without options, for queries about processor models. */
    readonly plainBoard: string;
    /** -cpu under emulation, unless vm.cpu is set. */
    readonly cpu: string;
    /** A property that is true for 64-bit processors only; undefined if QEMU has only such models. */
    readonly has64Bit: string | undefined;
    /** Those that the board supports. */
    readonly panicDevices: readonly PanicDevice[];
  };
  /** The kernel's name of the board's serial port. */
  readonly console: string;
  /** More kernel parameters for the board. */
  readonly commandLine: readonly string[];
  /** gdb's name. */
  readonly gdbArch: string;
  /** For editors: the processor setting of the C/C++ extension, and predefined macros in addition to it. */
  readonly intelliSense: { readonly cpu: "x64" | "arm64"; readonly defines: readonly string[] };
  /** Options that NUMA (vm.numa) needs in addition to CONFIG_SMP and CONFIG_NUMA. */
  readonly numa: readonly string[];
}

/**
 * All differences between architectures. A new one is a row here, a name in src/config/values.ts, its fragments
 * (images/kernel/config/*.ARCH.config), and a line in test/matrix; test/unit/core/plan/architectures.test.ts fails for what is
 * missing.
 */
export const ARCHITECTURES: Readonly<Record<Architecture, ArchitectureRow>> = {
  x86_64: {
    makeArch: "x86_64",
    sourceArch: "x86",
    debianArch: "amd64",
    triplet: "x86_64-linux-gnu",
    image: { target: "bzImage", path: "arch/x86/boot/bzImage" },
    machine: "x86_64",
    qemu: {
      program: "qemu-system-x86_64",
      packages: ["qemu-system-x86", "seabios"],
      // Probing for keyboard, disk controller and SMBus takes a second of boot under emulation. Without the PIT the guest
      // calibrates the TSC against HPET: under emulation on a busy machine a calibration against the PIT was wrong by a
      // factor of 30, and seconds in the guest with it.
      board: "q35,i8042=off,sata=off,smbus=off,vmport=off,pit=off",
      plainBoard: "q35",
      cpu: "max",
      has64Bit: "lm",
      panicDevices: ["pvpanic", "pvpanic-pci"],
    },
    console: "ttyS0",
    // The kernel's timer check fails if an emulated timer is late on a busy machine.
    commandLine: ["no_timer_check"],
    gdbArch: "i386:x86-64",
    intelliSense: { cpu: "x64", defines: [] },
    numa: ["CONFIG_X86_64_ACPI_NUMA"],
  },
  arm64: {
    makeArch: "arm64",
    sourceArch: "arm64",
    debianArch: "arm64",
    triplet: "aarch64-linux-gnu",
    image: { target: "Image", path: "arch/arm64/boot/Image" },
    machine: "aarch64",
    qemu: {
      program: "qemu-system-aarch64",
      packages: ["qemu-system-arm"],
      board: "virt,gic-version=max",
      plainBoard: "virt",
      // QEMU's own algorithm for pointer authentication: emulation of the architected one is slow.
      cpu: "max,pauth-impdef=on",
      has64Bit: "aarch64",
      panicDevices: ["pvpanic-pci"],
    },
    console: "ttyAMA0",
    commandLine: [],
    gdbArch: "aarch64",
    intelliSense: { cpu: "arm64", defines: [] },
    numa: [],
  },
  riscv64: {
    makeArch: "riscv",
    sourceArch: "riscv",
    debianArch: "riscv64",
    triplet: "riscv64-linux-gnu",
    image: { target: "Image", path: "arch/riscv/boot/Image" },
    machine: "riscv64",
    qemu: {
      program: "qemu-system-riscv64",
      packages: ["qemu-system-riscv", "opensbi"],
      board: "virt",
      plainBoard: "virt",
      cpu: "rv64",
      has64Bit: undefined,
      panicDevices: ["pvpanic-pci"],
    },
    console: "ttyS0",
    commandLine: [],
    gdbArch: "riscv:rv64",
    // The extension has no RISC-V: arm64 has the same type sizes, and also an unsigned char.
    intelliSense: { cpu: "arm64", defines: ["__riscv", "__riscv_xlen=64"] },
    numa: [],
  },
};

/** Architectures of an engine: Debian has its cross compilers for these. */
export const ENGINE_ARCHITECTURES = ["x86_64", "arm64"] as const satisfies readonly Architecture[];

export type EngineArchitecture = (typeof ENGINE_ARCHITECTURES)[number];

/** Whether a machine (`uname -m`) runs code of an architecture natively. */
export function runsNatively(machine: string, arch: Architecture): boolean {
  return ARCHITECTURES[arch].machine === machine;
}

/** By `uname -m`; undefined if kdock has no images for it. */
export function architectureByMachine(machine: string): EngineArchitecture | undefined {
  return ENGINE_ARCHITECTURES.find((arch) => runsNatively(machine, arch));
}

/** Of the engine's machine (`uname -m`). Throws an `environment` error if kdock has no images for it. */
export function engineArchitecture(machine: string): EngineArchitecture {
  const found = architectureByMachine(machine);
  if (found !== undefined) return found;
  throw new KdockError("environment", `the engine's machine is ${machine}`, {
    hint: "kdock's containers run on x86_64 and aarch64: name an engine on such a machine (DOCKER_HOST, `docker context use`).",
  });
}

export function architectureOf({
  kernel,
}: {
  readonly kernel: { readonly arch: Architecture };
}): ArchitectureRow {
  return ARCHITECTURES[kernel.arch];
}

export function isUsual(arch: Architecture): boolean {
  return arch === USUAL_ARCHITECTURE;
}

/** Debian's gdb for an architecture, on a machine (`uname -m`): the package gdb supports the machine's architecture only. */
export function debuggerOn(machine: string, arch: Architecture): string {
  return runsNatively(machine, arch) ? "gdb" : "gdb-multiarch";
}

/** Programs of `images/gdb` on such an engine that can read a dump. Debian's crash reads dumps of its own architecture only. */
export function memoryTools(arch: Architecture, engine: EngineArchitecture): MemoryTool[] {
  return arch === engine ? ["drgn", "crash"] : ["drgn"];
}

/** Of an artifact, by its manifest's inputs: these have no `arch` for the default one. */
export function architectureFrom(inputs: Readonly<Record<string, unknown>>): Architecture {
  return (inputs["arch"] as Architecture | undefined) ?? USUAL_ARCHITECTURE;
}

/** A suffix for names that exist once per architecture: " arm64"; "" for the default one. */
export function suffixOf(arch: Architecture, separator = " "): string {
  return isUsual(arch) ? "" : `${separator}${arch}`;
}
