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
  ])("names what keeps a guest from booting: preset %j, requests %j", (preset, user, option) => {
    const check = () => {
      checkBootRequests({ preset, user }, OURS);
    };
    expect(check).toThrow(option);
    expect(check).toThrow(expect.objectContaining({ code: "config" }) as Error);
  });

  it.each<[string, string]>([
    ["CONFIG_CMDLINE_OVERRIDE=y\n", "# CONFIG_CMDLINE_OVERRIDE is not set\n"],
    // kdock's own options go on top of a preset's.
    ["# CONFIG_BINFMT_ELF is not set\n", ""],
    ["", 'CONFIG_CMDLINE_BOOL=y\nCONFIG_CMDLINE="quiet"\nCONFIG_CMDLINE_EXTEND=y\n'],
  ])("lets others pass: preset %j, requests %j", (preset, user) => {
    expect(() => {
      checkBootRequests({ preset, user }, OURS);
    }).not.toThrow();
  });

  it("does not ask for scripts where the init is the user's", () => {
    const user = "# CONFIG_BINFMT_SCRIPT is not set\n";
    expect(() => {
      checkBootRequests({ preset: "", user }, OWN);
    }).not.toThrow();
  });
});

describe("bootGaps", () => {
  it("finds none in a kernel that has all", () => {
    expect(gaps(WHOLE)).toEqual({ silent: undefined, mute: undefined });
  });

  it.each(["BLK_DEV_INITRD", "BINFMT_ELF", "BINFMT_SCRIPT"])("refuses one without %s", (name) => {
    expect(() => gaps(without(name))).toThrow(`CONFIG_${name}=y`);
    expect(() => gaps(without(name))).toThrow(
      expect.objectContaining({
        hint: expect.stringContaining(`--set CONFIG_${name}=y`) as unknown,
      }) as Error,
    );
  });

  it.each(["CMDLINE_OVERRIDE", "CMDLINE_FORCE"])(
    "refuses one with %s, and quotes its words",
    (name) => {
      const config = `${WHOLE}\nCONFIG_CMDLINE="console=tty0 \\"a b\\""\nCONFIG_${name}=y\n`;
      expect(() => gaps(config)).toThrow(
        `CONFIG_${name}=y: such a kernel takes its own "console=tty0 "a b""`,
      );
    },
  );

  it.each(["PCI", "VIRTIO_PCI", "VIRTIO_CONSOLE", "SYSFS", "DEVTMPFS", "SIGNALFD"])(
    "says that a guest without %s runs no commands",
    (name) => {
      expect(gaps(without(name)).mute).toContain(`CONFIG_${name}`);
      expect(gaps(without(name)).silent).toBeUndefined();
    },
  );

  it.each(["TTY", "PRINTK", "SERIAL_8250_CONSOLE"])(
    "says that one without %s is silent",
    (name) => {
      expect(gaps(without(name)).silent).toMatch(`ttyS0: it is built without CONFIG_${name};`);
    },
  );

  it("asks for the serial line of the architecture", () => {
    const { silent } = bootGaps(WHOLE, ARCHITECTURES.arm64, OURS);
    expect(silent).toContain("CONFIG_SERIAL_AMBA_PL011_CONSOLE");
  });
});
