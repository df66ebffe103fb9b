import { describe, expect, it } from "vitest";
import {
  kernelSize,
  requireGuestMemory,
  type MemoryRequest,
} from "../../../../src/build/plan/guest-memory.js";

const MIB = 2 ** 20;
const DEBUG_KERNEL = 0x1218000;

/** A root with `files` files of `bytes` bytes each, in addition to kdock's. */
function request(
  memoryMiB: number,
  files: number,
  bytes: number,
  change: Partial<MemoryRequest> = {},
): MemoryRequest {
  const own = 1.25 * MIB;
  return {
    memoryMiB,
    sizes: {
      packed: own + files * (bytes + 120),
      unpacked: own + files * Math.ceil(bytes / 4096) * 4096,
      entries: 450 + files,
      modules: 0,
    },
    kernelBytes: DEBUG_KERNEL,
    config: "CONFIG_TMPFS=y\n",
    append: "",
    isX86: true,
    ...change,
  };
}

function least(of: MemoryRequest): number {
  try {
    requireGuestMemory({ ...of, memoryMiB: 1 });
  } catch (error) {
    return Number(/--memory (\d+)M/.exec((error as { hint: string }).hint)?.[1]);
  }
  return 1;
}

describe("requireGuestMemory", () => {
  // Measured by booting the debug preset's 6.12: the first memory size was too small, the second was enough.
  it.each([
    ["one file of 20 MiB", 1, 20 * MIB, 80, 96],
    ["one file of 100 MiB", 1, 100 * MIB, 328, 340],
    ["one file of 300 MiB", 1, 300 * MIB, 928, 944],
    ["60000 files of 100 bytes", 60_000, 100, 512, 560],
    ["70000 empty files", 70_000, 0, 512, 608],
  ])("calculates the memory for %s", (_what, files, bytes, small, enough) => {
    const needed = least(request(1, files, bytes));
    expect(needed).toBeGreaterThan(small);
    // Allows some spare memory for the guest's programs.
    expect(needed).toBeLessThanOrEqual(enough + 16);
    expect(() => {
      requireGuestMemory(request(needed, files, bytes));
    }).not.toThrow();
  });

  it("reports the size of the root, and the least memory", () => {
    expect(() => {
      requireGuestMemory(request(512, 1, 300 * MIB));
    }).toThrow(
      expect.objectContaining({
        code: "config",
        message: expect.stringMatching(
          /^the guest's root \(302 MiB\) does not fit into .*512M/,
        ) as unknown,
        hint: expect.stringMatching(/at least --memory 9\d\dM \(vm\.memory\)/) as unknown,
      }) as Error,
    );
  });

  it("reports the modules if they are the larger part", () => {
    const { sizes } = request(512, 1, 300 * MIB);
    expect(() => {
      requireGuestMemory({
        ...request(512, 1, 300 * MIB),
        sizes: { ...sizes, modules: 290 * MIB },
      });
    }).toThrow("the kernel's modules (290 MiB)");
  });

  it.each<[string, Partial<MemoryRequest>]>([
    ["without tmpfs", { config: "" }],
    ["with root=", { append: "root=/dev/vda" }],
  ])("does not limit a root %s", (_what, change) => {
    const all = request(720, 1, 300 * MIB, change);
    expect(() => {
      requireGuestMemory(all);
    }).not.toThrow();
    expect(() => {
      requireGuestMemory({ ...all, memoryMiB: 640 });
    }).toThrow("does not fit");
  });

  it("includes the memory of KASAN, an eighth", () => {
    const config = "CONFIG_TMPFS=y\nCONFIG_KASAN_GENERIC=y\n";
    expect(least(request(1, 1, 300 * MIB, { config }))).toBeGreaterThan(
      least(request(1, 1, 300 * MIB)) + 100,
    );
  });

  it("rejects a root that QEMU cannot load for a PC, independent of memory", () => {
    const big = request(16_384, 1, 2000 * MIB);
    expect(() => {
      requireGuestMemory(big);
    }).toThrow("cannot be an initramfs");
    expect(() => {
      requireGuestMemory({ ...big, isX86: false });
    }).not.toThrow();
  });
});

it("kernelSize is the distance of the symbols _text and _end", () => {
  const map = "ffffffff81000000 T _text\nffffffff81000000 T startup_64\nffffffff82218000 B _end\n";
  expect(kernelSize(map)).toBe(0x1218000);
  expect(kernelSize("")).toBeUndefined();
});
