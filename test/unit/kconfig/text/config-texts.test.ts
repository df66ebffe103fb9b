import { describe, expect, it } from "vitest";
import { optionChanges } from "../../../../src/kconfig/plan/config-diff.js";
import { newFragment } from "../../../../src/kconfig/plan/config-fragment.js";
import {
  configBuild,
  menuContainer,
  unmetLines,
} from "../../../../src/kconfig/plan/config-question.js";
import {
  requestOrigins,
  requestRows,
  unavailableRequests,
} from "../../../../src/kconfig/plan/config-requests.js";
import {
  configDiffText,
  menuText,
  requestsText,
  unavailableText,
} from "../../../../src/kconfig/text/config-text.js";
import { plan } from "../../fixtures.js";

describe("optionChanges", () => {
  it("treats an option that is off and a missing one as equal, and sorts", () => {
    const from = "CONFIG_B=y\n# CONFIG_C is not set\nCONFIG_D=m\n";
    const to = "CONFIG_D=y\nCONFIG_A=1\nCONFIG_B=y\n";
    const changes = optionChanges(from, to);
    expect(changes).toEqual([
      { name: "CONFIG_A", from: "n", to: "1" },
      { name: "CONFIG_D", from: "m", to: "y" },
    ]);
    expect(configDiffText({ from: "one", to: "two", equal: false, changes })).toEqual([
      "one → two: 2 options",
      "-CONFIG_A=n  +CONFIG_A=1",
      "-CONFIG_D=m  +CONFIG_D=y",
    ]);
  });
});

describe("newFragment", () => {
  const made = newFragment(undefined, { CONFIG_A: "y", CONFIG_B: "n" }, "");

  it("has the requests, after a header", () => {
    expect(made).toMatch(/^# Written by .*\nCONFIG_A=y\n# CONFIG_B is not set\n$/);
  });

  it("replaces a fragment that kdock wrote", () => {
    const again = newFragment(made, { CONFIG_C: "m" }, "CONFIG_A=y\nCONFIG_C=m\n");
    expect(again).not.toContain("CONFIG_A");
    expect(again).toContain("CONFIG_C=m");
  });

  it("keeps comments and valid requests of the user's fragment", () => {
    const theirs = "# ours\nCONFIG_A=y\n\nCONFIG_B=y\nCONFIG_C=y\n";
    const config = "CONFIG_A=y\nCONFIG_B=m\nCONFIG_D=y\n";
    expect(newFragment(theirs, { CONFIG_B: "m", CONFIG_D: "y" }, config)).toBe(
      "# ours\nCONFIG_A=y\n\nCONFIG_B=m\nCONFIG_D=y\n",
    );
  });
});

describe("requests", () => {
  const fragments = [
    { name: "a.config", text: "CONFIG_A=y\nCONFIG_B=y\n" },
    { name: "b.config", text: "# CONFIG_B is not set\n" },
  ];
  const origins = requestOrigins(
    fragments,
    { CONFIG_C: "m", CONFIG_D: "y" },
    { CONFIG_C: "m", CONFIG_D: "n" },
  );

  it("have the origin with precedence", () => {
    expect(origins).toEqual({
      CONFIG_A: "fragment a.config",
      CONFIG_B: "fragment b.config",
      CONFIG_C: "kernel.set",
      CONFIG_D: "--set or KDOCK_KERNEL_SET",
    });
  });

  it("are listed with their results, the user's first", () => {
    const demands = "CONFIG_NET=y\nCONFIG_A=y\n# CONFIG_B is not set\n";
    const rows = requestRows(demands, "CONFIG_NET=y\nCONFIG_B=y\n", origins, "debug");
    expect(requestsText(rows)).toEqual([
      "OPTION      ASKED        BY",
      "CONFIG_A    y      is n  fragment a.config",
      "CONFIG_B    n      is y  fragment b.config",
      "CONFIG_NET  y            preset debug",
    ]);
  });

  it("of the preset are marked if they are not available", () => {
    const limited = "CONFIG_NET=y\n# unavailable: CONFIG_PVH=y\n";
    expect(requestsText(requestRows(limited, "CONFIG_NET=y\n", {}, "debug"))).toEqual([
      "OPTION      ASKED                 BY",
      "CONFIG_NET  y                     preset debug",
      "CONFIG_PVH  y      not available  preset debug",
    ]);
    expect(unavailableText(unavailableRequests(limited), "debug")).toEqual([
      "# not available in this kernel: CONFIG_PVH=y of the debug preset",
    ]);
  });
});

describe("a build that only configures", () => {
  const { kernel, names } = plan();
  const build = configBuild(kernel, ["source", "ask"], { "question.json": "{}" });

  it("has the source, and separate objects", () => {
    expect(build.container.mounts.map(({ target }) => target)).toEqual(["/src"]);
    expect(Object.keys(build.volumes)).toEqual(build.container.mounts.map(({ volume }) => volume));
    expect(build.files).toMatchObject({ "question.json": "{}" });
  });

  it("has a terminal and another name for a menu", () => {
    const menu = menuContainer(build, names, { tool: "nconfig", term: "xterm" });
    expect(menu).toMatchObject({ tty: true, command: ["menu"], env: { KDOCK_MENU: "nconfig" } });
    expect(menu.name).not.toBe(kernel.container.name);
  });
});

it("unmetLines has the reasons of an unmet request", () => {
  const unmet = { name: "CONFIG_A", wanted: "n", got: "y", known: true, lines: ["selected by B"] };
  expect(unmetLines([unmet])).toEqual(["  # CONFIG_A is not set  (is y)", "    selected by B"]);
});

it("menuText names the place of each option", () => {
  const result = {
    saved: true,
    requests: { CONFIG_A: "y", CONFIG_B: "n" },
    set: ["CONFIG_B"],
    lost: [],
    madeConfig: false,
  };
  expect(menuText(result, "kernel.config", "kdock.yaml")).toEqual([
    "kernel.config: 1 option",
    "  CONFIG_A=y",
    "  CONFIG_B=n  (kernel.set of kdock.yaml)",
    "kernel.fragments of kdock.yaml has it",
  ]);
});
