import { expect, it } from "vitest";
import { loadConfig } from "../../../../src/config/layers.js";
import {
  bisectConfig,
  commitSource,
  markOf,
  readBisect,
  repositoryFolder,
  repositoryOf,
  startWords,
} from "../../../../src/fleet/plan/bisect.js";
import { bisectCall } from "../../../../src/fleet/plan/bisect-order.js";

it("takes exit codes as git bisect run does", () => {
  const marks = [0, 1, 124, 125, 126, 127, 128, 137].map(markOf);
  expect(marks).toEqual(["good", "bad", "bad", "skip", "bad", "bad", "abort", "abort"]);
});

it("reads what bisect.sh says, and leaves git's own words to people", () => {
  const status = readBisect([
    "@kdock phase fetch",
    "@bisect version 6.12.1",
    "Bisecting: 3 revisions left to test after this (roughly 2 steps)",
    "@bisect left 3 2",
    "@bisect try 0123abc net: a subject",
    "@bisect log # bad: [1] x",
  ]);
  expect(status.next).toEqual({ hash: "0123abc", subject: "net: a subject" });
  expect(status.left).toEqual({ commits: 3, steps: 2 });
  expect(status.said).toEqual(["Bisecting: 3 revisions left to test after this (roughly 2 steps)"]);
  expect(status.log).toEqual(["# bad: [1] x"]);
  expect(status.version).toBe("6.12.1");
  const end = readBisect(["@bisect first abc", "@bisect author A <a@b>", "@bisect subject s: t"]);
  expect(end.next).toBeUndefined();
  expect(end.first).toMatchObject({ hash: "abc", author: "A <a@b>", subject: "s: t" });
});

it("finds the repository of a source, and mounts one of this machine", () => {
  expect(repositoryOf("git:https://example.org/linux.git#v6.1")).toBe(
    "git:https://example.org/linux.git",
  );
  expect(repositoryFolder("git:https://example.org/linux.git")).toBeUndefined();
  expect(repositoryFolder("path:../linux")).toBe("../linux");
  expect(repositoryFolder("git:file:///srv/linux")).toBe("/srv/linux");
  expect(() => repositoryOf("debian:6.12")).toThrow(/no history/);
});

it("tells git where the history is, and which HEAD is meant", () => {
  const remote = "git:https://example.org/linux.git";
  expect(startWords(remote, undefined, { good: "v6.1", bad: "HEAD" })).toEqual([
    "start",
    remote.slice(4),
    "v6.1",
    "HEAD",
    remote.slice(4),
  ]);
  const order = { good: "HEAD~5", bad: "@" };
  const whole = { folder: "/srv/linux/.git", alternates: [] };
  expect(startWords("path:../linux", whole, order)).toEqual([
    "start",
    "/repo.git",
    "HEAD~5",
    "@",
    "../linux",
  ]);
  const worktree = { ...whole, head: "refs/heads/wip/x" };
  expect(startWords("path:../linux", worktree, order)).toEqual([
    "start",
    "/repo.git",
    "wip/x~5",
    "wip/x",
    "../linux",
  ]);
  expect(startWords("path:../linux", worktree, { good: "HEADER", bad: "x" })[2]).toBe("HEADER");
});

it("calls the kernel of a commit by a source that is one", () => {
  for (const repository of ["git:https://example.org/linux.git", "path:../linux", "path:linux"]) {
    const source = commitSource(repository, "0123abcd");
    const { kernel } = bisectConfig(
      loadConfig({}),
      { repository, toolchain: "gcc-12" },
      "0123abcd",
    );
    expect(kernel).toMatchObject({ source, toolchain: "gcc-12" });
    expect(loadConfig({ flags: { kernel: { source } } }).kernel.source).toBe(source);
  }
});

it("goes on with the words that a search was begun with, and with no others", () => {
  const state = {
    ...{ repository: "git:/x", good: "v1", bad: "v2", bootTimeoutSeconds: 1, cwd: "/p" },
    ...{ skipBuildFailures: true, flags: {}, toolchain: "gcc-14" },
    command: ["true"] as [string],
    next: { hash: "abc", subject: "" },
  };
  const none = { command: [], good: undefined, bad: undefined, skipBuildFailures: true };
  const goOn = { ...none, continue: true };
  const begin = { ...none, continue: false };
  expect(bisectCall(goOn, {}, "/p", state)).toEqual({ kind: "continue", state });
  expect(() => bisectCall(goOn, { preset: "tiny" }, "/p", state)).toThrow(/--continue/);
  expect(() => bisectCall(goOn, {}, "/q", state)).toThrow(/begun in \/p/);
  expect(() => bisectCall(goOn, {}, "/p", undefined)).toThrow(/no search/);
  expect(() => bisectCall(begin, {}, "/p", state)).toThrow(/has not ended/);
  expect(() => bisectCall(begin, {}, "/p", undefined)).toThrow(/--good REF, --bad REF, -- command/);
  const asked = { ...begin, good: "v1", bad: "v2", command: ["a", "b"] };
  expect(bisectCall(asked, { kernel: "./x", jobs: "2" }, "/p", undefined)).toEqual({
    kind: "start",
    order: {
      ...{ good: "v1", bad: "v2", command: ["a", "b"], skipBuildFailures: true },
      ...{ cwd: "/p", flags: { jobs: "2" } },
    },
  });
  expect(() => bisectCall({ ...asked, good: "--x" }, {}, "/p", undefined)).toThrow(/--x is no/);
});
