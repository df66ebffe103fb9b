import { describe, expect, it } from "vitest";
import {
  functionNames,
  optionNames,
  optionSettings,
} from "../../../../src/completion/plan/kernel-names.js";

const CONFIG =
  '# Linux/x86\nCONFIG_NET=y\nCONFIG_CC_VERSION_TEXT="gcc"\n# CONFIG_NETLINK is not set\n';
const values = (found: readonly { value: string }[]) => found.map(({ value }) => value);

describe("optionNames", () => {
  it("has the options that are set and those that are not, with their values", () => {
    expect(optionNames(CONFIG, "NET")).toEqual([
      { value: "NET", about: "y" },
      { value: "NETLINK", about: "n" },
    ]);
  });

  it("has CONFIG_ where that is typed", () => {
    expect(values(optionNames(CONFIG, "CONFIG_NETL"))).toEqual(["CONFIG_NETLINK"]);
    expect(values(optionNames(CONFIG, "C"))).toEqual(["CC_VERSION_TEXT", "CONFIG_"]);
  });
});

describe("optionSettings", () => {
  it("asks for a value, and then offers the usual ones", () => {
    expect(values(optionSettings(CONFIG, "NETL"))).toEqual(["NETLINK="]);
    expect(values(optionSettings(CONFIG, "CO"))).toEqual(["CONFIG_"]);
    expect(values(optionSettings(CONFIG, "NETLINK="))).toEqual([
      ...["NETLINK=y", "NETLINK=m", "NETLINK=n"],
    ]);
  });
});

describe("functionNames", () => {
  const map = "00 T tcp_v4_rcv\n01 t tcp_v4_rcv\n02 D tcp_data\n03 W tcp_weak\n04 T ip_rcv\n";

  it("has functions, each once", () => {
    expect(values(functionNames(map, "tcp_"))).toEqual(["tcp_v4_rcv", "tcp_weak"]);
  });

  it("has none for less than two letters, and for what is no name", () => {
    expect(functionNames(map, "t")).toEqual([]);
    expect(functionNames(map, "net/ipv4/.*")).toEqual([]);
  });
});
