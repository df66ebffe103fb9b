import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { manPages } from "../../scripts/man-pages.js";
import { COMMAND_NAMES } from "../../src/features.js";
import { ROOT } from "../support/kdock.js";

describe("manPages", async () => {
  const pages = await manPages("1.2.3");
  const page = (name: string) => pages.get(name) ?? "";

  it("has a page for kdock, for each command and for each subcommand", () => {
    const commands = COMMAND_NAMES.map((name) => `kdock-${name}.1`);
    expect([...pages.keys()]).toEqual(
      expect.arrayContaining(["kdock.1", ...commands, "kdock-config-set.1", "kdock-net-check.1"]),
    );
  });

  it("is listed in package.json, which npm installs it by (npm run docs writes the list)", async () => {
    const manifest = JSON.parse(await readFile(`${ROOT}package.json`, "utf8")) as { man: string[] };
    expect(manifest.man).toEqual([...pages.keys()].sort().map((name) => `./man/${name}`));
  });

  it("has what --help prints: usage, description, arguments, options, examples", () => {
    expect(page("kdock-trap.1")).toContain(
      [
        '.TH KDOCK\\-TRAP 1 "" "kdock 1.2.3" "kdock manual"',
        ".SH NAME",
        "kdock\\-trap \\- stop at functions or lines, print, and continue",
        ".SH SYNOPSIS",
        ".B kdock trap",
        "[options] <place...>",
      ].join("\n"),
    );
    const text = page("kdock-trap.1");
    expect(text).toContain(".SH ARGUMENTS\n.TP\n.B place\nfunction, FILE:LINE or *ADDRESS\n");
    expect(text).toContain("\n.TP\n.B \\-\\-bt\nprint the backtrace\n");
    expect(text).toMatch(/\n\.nf\n(?:.*\n)*Examples:\n {2}kdock trap tcp_v4_rcv \\-\\-exec/);
  });

  it("names the pages of subcommands, and the way back", () => {
    expect(page("kdock-net.1")).toContain(".B kdock\\-net\\-check(1)\n");
    expect(page("kdock-net-check.1")).toContain(".SH SEE ALSO\n.BR kdock\\-net (1)\n");
  });

  it("leaves troff no request in a text, and no character of its own", () => {
    for (const text of pages.values()) {
      const requests = text.split("\n").filter((line) => /^[.']/.test(line));
      const known = /^\.(?:TH|SH|TP|B|BR|nf|fi|sp)(?: |$)/;
      expect(requests.filter((line) => !known.test(line))).toEqual([]);
      expect(text).not.toMatch(/\\(?![-e&])/);
    }
  });
});
