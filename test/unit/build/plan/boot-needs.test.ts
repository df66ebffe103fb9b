import { describe, expect, it } from "vitest";
import { ARCHITECTURES } from "../../../../src/core/plan/architectures.js";
import { bootGaps, checkBootRequests } from "../../../../src/build/plan/boot-needs.js";

const OURS = { isOwn: false };
const OWN = { isOwn: true };
const WHOLE = [
  ...["BLK_DEV_INITRD", "BINFMT_ELF", "BINFMT_SCRIPT", "TTY", "PRINTK", "SERIAL_8250_CONSOLE"],
  ...["PCI", "VIRTIO_PCI", "VIRTIO_CONSOLE", "SYSFS", "DEVTMPFS", "SIGNALFD"],
]
  .map((name) => `CONFIG_${name}=y`)
  .join("\n");
const without = (name: string) => WHOLE.replace(`CONFIG_${name}=y`, `# CONFIG_${name} is not set`);
const gaps = (config: string, init = OURS) => bootGaps(config, ARCHITECTURES.x86_64, init);

describe("checkBootRequests", () => {
  it.each<[string, string, string]>([
    ["", "CONFIG_CMDLINE_OVERRIDE=y\n", "CONFIG_CMDLINE_OVERRIDE=y"],
    ["", "CONFIG_CMDLINE_FORCE=y\n", "CONFIG_CMDLINE_FORCE=y"],
    ["CONFIG_A=y\r\nCONFIG_CMDLINE_OVERRIDE=y\r\n", "", "CONFIG_CMDLINE_OVERRIDE=y"],
    ["", "CONFIG_BLK_DEV_INITRD=y\n# CONFIG_BLK_DEV_INITRD is not set\n", "CONFIG_BLK_DEV_INITRD"],
    ["", "# CONFIG_BINFMT_SCRIPT is not set\n", "CONFIG_BINFMT_SCRIPT"],
  ])(
    "rejects options that a guest cannot boot with: preset %j, requests %j",
    (preset, user, option) => {
      const check = () => {
        checkBootRequests({ preset, user }, OURS);
      };
      expect(check).toThrow(option);
      expect(check).toThrow(expect.objectContaining({ code: "config" }) as Error);
    },
  );

  it.each<[string, string]>([
    ["CONFIG_CMDLINE_OVERRIDE=y\n", "# CONFIG_CMDLINE_OVERRIDE is not set\n"],
    // kdock's options are added to a preset.
    ["# CONFIG_BINFMT_ELF is not set\n", ""],
    ["", 'CONFIG_CMDLINE_BOOL=y\nCONFIG_CMDLINE="quiet"\nCONFIG_CMDLINE_EXTEND=y\n'],
  ])("accepts others: preset %j, requests %j", (preset, user) => {
    expect(() => {
      checkBootRequests({ preset, user }, OURS);
    }).not.toThrow();
  });

  it("does not require scripts for the user's init", () => {
    const user = "# CONFIG_BINFMT_SCRIPT is not set\n";
    expect(() => {
      checkBootRequests({ preset: "", user }, OWN);
    }).not.toThrow();
  });
});

describe("bootGaps", () => {
  it("is empty for a complete kernel", () => {
    expect(gaps(WHOLE)).toEqual({ noConsole: undefined, noAgent: undefined });
  });

  it.each(["BLK_DEV_INITRD", "BINFMT_ELF", "BINFMT_SCRIPT"])(
    "rejects a kernel without %s",
    (name) => {
      expect(() => gaps(without(name))).toThrow(`CONFIG_${name}=y`);
      expect(() => gaps(without(name))).toThrow(
        expect.objectContaining({
          hint: expect.stringContaining(`--set CONFIG_${name}=y`) as unknown,
        }) as Error,
      );
    },
  );

  it.each(["CMDLINE_OVERRIDE", "CMDLINE_FORCE"])(
    "rejects a kernel with %s, and quotes its command line",
    (name) => {
      const config = `${WHOLE}\nCONFIG_CMDLINE="console=tty0 \\"a b\\""\nCONFIG_${name}=y\n`;
      expect(() => gaps(config)).toThrow(
        `CONFIG_${name}=y: the kernel uses its built-in "console=tty0 "a b""`,
      );
    },
  );

  it.each(["PCI", "VIRTIO_PCI", "VIRTIO_CONSOLE", "SYSFS", "DEVTMPFS", "SIGNALFD"])(
    "reports that a guest without %s runs no commands",
    (name) => {
      expect(gaps(without(name)).noAgent).toContain(`CONFIG_${name}`);
      expect(gaps(without(name)).noConsole).toBeUndefined();
    },
  );

  it.each(["TTY", "PRINTK", "SERIAL_8250_CONSOLE"])(
    "reports that one without %s has no console",
    (name) => {
      expect(gaps(without(name)).noConsole).toMatch(`ttyS0: it is built without CONFIG_${name};`);
    },
  );

  it("requires the serial console of the architecture", () => {
    const { noConsole } = bootGaps(WHOLE, ARCHITECTURES.arm64, OURS);
    expect(noConsole).toContain("CONFIG_SERIAL_AMBA_PL011_CONSOLE");
  });
});
