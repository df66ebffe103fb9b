import { type Architecture, USUAL_ARCHITECTURE } from "../../config/config.js";
import { KdockError } from "../errors.js";

/** By QEMU's names: that of the ISA bus, with drivers since Linux 3.10, and that of PCI, since 5.13. */
export type PanicDevice = "pvpanic" | "pvpanic-pci";

/** What reads a dump of memory. */
export type MemoryTool = "drgn" | "crash";

/** One architecture that a kernel can be built for and booted on. */
export interface ArchitectureRow {
  /** What `make` calls it (ARCH=). */
  readonly makeArch: string;
  /** Its folder below arch/ in the source. */
  readonly sourceArch: string;
  /** Debian's name for it: of packages for cross compiling (libc6-dev-NAME-cross). */
  readonly debianArch: string;
  /** GNU's name: of the cross compiler and of the packages that hold it. */
  readonly triplet: string;
  /** What is booted: the make target, and where make leaves it. */
  readonly image: { readonly target: string; readonly path: string };
  /** `uname -m` of the guest, and of a machine where KVM can run it. */
  readonly machine: string;
  readonly qemu: {
    readonly program: string;
    /** Of the VM's image, in Debian trixie. */
    readonly packages: readonly string[];
    /** -M. */
    readonly board: string;
    /** Such a board without QEMU's own devices, for asking about processors. */
    readonly plainBoard: string;
    /** -cpu where it is emulated, unless vm.cpu names one. */
    readonly cpu: string;
    /** A property that only 64-bit processors have, true; undefined where QEMU has no others. */
    readonly has64Bit: string | undefined;
    /** Those that the board takes. */
    readonly panicDevices: readonly PanicDevice[];
  };
  /** The serial line that QEMU gives the board, as the kernel names it. */
  readonly console: string;
  /** What else the kernel is told on such a board. */
  readonly commandLine: readonly string[];
  /** As gdb names it. */
  readonly gdbArch: string;
  /** For editors: the processor that the C/C++ extension takes it for, and what the compiler defines besides. */
  readonly intelliSense: { readonly cpu: "x64" | "arm64"; readonly defines: readonly string[] };
  /** What NUMA takes (vm.numa) beside CONFIG_SMP and CONFIG_NUMA. */
  readonly numa: readonly string[];
}

/**
 * Everything that differs from architecture to architecture, and is known before a build. A new one is a row here, a name
 * in src/config/values.ts, its fragments (images/kernel/config/*.ARCH.config), and a line in test/matrix;
 * test/unit/core/plan/architectures.test.ts says what is missing.
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
      // What a guest without keyboard, disk controller and graphics does not need costs a second of boot under emulation.
      // Without the old interval timer the guest measures its processor's clock against HPET: under emulation on a busy
      // machine the other one was seen to be off thirty times, and seconds in the guest with it.
      board: "q35,i8042=off,sata=off,smbus=off,vmport=off,pit=off",
      plainBoard: "q35",
      cpu: "max",
      has64Bit: "lm",
      panicDevices: ["pvpanic", "pvpanic-pci"],
    },
    console: "ttyS0",
    // An emulated timer that comes late on a busy machine is no broken one.
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
      // QEMU's own way of pointer authentication: the one that Arm describes takes long where it is emulated.
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
    // The extension knows no RISC-V: this one's types have the same sizes, and its char is unsigned as well.
    intelliSense: { cpu: "arm64", defines: ["__riscv", "__riscv_xlen=64"] },
    numa: [],
  },
};

/** What kdock's containers run on: Debian has its cross compilers for these. */
export const ENGINE_ARCHITECTURES = ["x86_64", "arm64"] as const satisfies readonly Architecture[];

export type EngineArchitecture = (typeof ENGINE_ARCHITECTURES)[number];

/** Whether a machine (`uname -m`) runs code of an architecture natively. */
export function runsNatively(machine: string, arch: Architecture): boolean {
  return ARCHITECTURES[arch].machine === machine;
}

/** By `uname -m`; undefined where kdock has no images for it. */
export function architectureByMachine(machine: string): EngineArchitecture | undefined {
  return ENGINE_ARCHITECTURES.find((arch) => runsNatively(machine, arch));
}

/** Of the engine's machine. Throws an `environment` error where kdock has no images for it. */
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

/** Debian's gdb that knows an architecture, on a machine (`uname -m`): the plain one knows the machine's own only. */
export function debuggerOn(machine: string, arch: Architecture): string {
  return runsNatively(machine, arch) ? "gdb" : "gdb-multiarch";
}

/** Of `images/gdb` on such an engine: those that can read a dump. Debian's crash reads those of its own machine. */
export function memoryTools(arch: Architecture, engine: EngineArchitecture): MemoryTool[] {
  return arch === engine ? ["drgn", "crash"] : ["drgn"];
}

/** Of an artifact, by its manifest's inputs, which say nothing about the usual one. */
export function architectureFrom(inputs: Readonly<Record<string, unknown>>): Architecture {
  return (inputs["arch"] as Architecture | undefined) ?? USUAL_ARCHITECTURE;
}

/** " arm64" behind the names of things that there are of each architecture; nothing for the usual one. */
export function suffixOf(arch: Architecture, separator = " "): string {
  return isUsual(arch) ? "" : `${separator}${arch}`;
}
