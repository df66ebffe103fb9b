import { describe, expect, it } from "vitest";
import {
  kernelSize,
  requireRoom,
  type RoomRequest,
} from "../../../../src/build/plan/guest-room.js";

const MIB = 2 ** 20;
const DEBUG_KERNEL = 0x1218000;

/** A root of so many files of so many bytes each, on top of kdock's own. */
function request(
  memoryMiB: number,
  files: number,
  bytes: number,
  change: Partial<RoomRequest> = {},
): RoomRequest {
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

function least(of: RoomRequest): number {
  try {
    requireRoom({ ...of, memoryMiB: 1 });
  } catch (error) {
    return Number(/--memory (\d+)M/.exec((error as { hint: string }).hint)?.[1]);
  }
  return 1;
}

describe("requireRoom", () => {
  // Found by booting the debug preset's 6.12: the first figure was too small, the second was enough.
  it.each([
    ["one file of 20 MiB", 1, 20 * MIB, 80, 96],
    ["one file of 100 MiB", 1, 100 * MIB, 328, 340],
    ["one file of 300 MiB", 1, 300 * MIB, 928, 944],
    ["60000 files of 100 bytes", 60_000, 100, 512, 560],
    ["70000 empty files", 70_000, 0, 512, 608],
  ])("knows where %s fits", (_what, files, bytes, small, enough) => {
    const needed = least(request(1, files, bytes));
    expect(needed).toBeGreaterThan(small);
    // Some memory more than what was just enough is left to the guest's programs.
    expect(needed).toBeLessThanOrEqual(enough + 16);
    expect(() => {
      requireRoom(request(needed, files, bytes));
    }).not.toThrow();
  });

  it("names what does not fit, and the least memory", () => {
    expect(() => {
      requireRoom(request(512, 1, 300 * MIB));
    }).toThrow(
      expect.objectContaining({
        code: "config",
        message: expect.stringMatching(
          /^the guest's root \(302 MiB\) does not fit into .*512M/,
        ) as unknown,
        hint: expect.stringMatching(/--memory 9\d\dM \(vm\.memory\) is the least/) as unknown,
      }) as Error,
    );
  });

  it("speaks of the modules where they are most of it", () => {
    const { sizes } = request(512, 1, 300 * MIB);
    expect(() => {
      requireRoom({ ...request(512, 1, 300 * MIB), sizes: { ...sizes, modules: 290 * MIB } });
    }).toThrow("the kernel's modules (290 MiB)");
  });

  it.each<[string, Partial<RoomRequest>]>([
    ["without tmpfs", { config: "" }],
    ["with root=", { append: "root=/dev/vda" }],
  ])("leaves a root %s all that there is", (_what, change) => {
    const all = request(720, 1, 300 * MIB, change);
    expect(() => {
      requireRoom(all);
    }).not.toThrow();
    expect(() => {
      requireRoom({ ...all, memoryMiB: 640 });
    }).toThrow("does not fit");
  });

  it("reckons with KASAN, which takes an eighth", () => {
    const config = "CONFIG_TMPFS=y\nCONFIG_KASAN_GENERIC=y\n";
    expect(least(request(1, 1, 300 * MIB, { config }))).toBeGreaterThan(
      least(request(1, 1, 300 * MIB)) + 100,
    );
  });

  it("refuses what QEMU loads for no PC, whatever its memory", () => {
    const big = request(16_384, 1, 2000 * MIB);
    expect(() => {
      requireRoom(big);
    }).toThrow("cannot be an initramfs");
    expect(() => {
      requireRoom({ ...big, isX86: false });
    }).not.toThrow();
  });
});

it("a kernel's size in memory is what its symbols say", () => {
  const map = "ffffffff81000000 T _text\nffffffff81000000 T startup_64\nffffffff82218000 B _end\n";
  expect(kernelSize(map)).toBe(0x1218000);
  expect(kernelSize("")).toBeUndefined();
});
