import { expect, it } from "vitest";
import { loadConfig } from "../../../../src/config/layers.js";
import {
  bisectConfig,
  commitSource,
  markOf,
  readBisect,
  repositoryFolder,
  repositoryOf,
  startArguments,
} from "../../../../src/fleet/plan/bisect.js";
import { bisectCall } from "../../../../src/fleet/plan/bisect-order.js";

it("markOf follows the exit codes of git bisect run", () => {
  const marks = [0, 1, 124, 125, 126, 127, 128, 137].map(markOf);
  expect(marks).toEqual(["good", "bad", "bad", "skip", "bad", "bad", "abort", "abort"]);
});

it("readBisect separates bisect.sh's fields from git's messages", () => {
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
  expect(status.messages).toEqual([
    "Bisecting: 3 revisions left to test after this (roughly 2 steps)",
  ]);
  expect(status.log).toEqual(["# bad: [1] x"]);
  expect(status.version).toBe("6.12.1");
  const end = readBisect(["@bisect first abc", "@bisect author A <a@b>", "@bisect subject s: t"]);
  expect(end.next).toBeUndefined();
  expect(end.first).toMatchObject({ hash: "abc", author: "A <a@b>", subject: "s: t" });
});

it("repositoryOf strips the ref, and repositoryFolder finds local repositories", () => {
  expect(repositoryOf("git:https://example.org/linux.git#v6.1")).toBe(
    "git:https://example.org/linux.git",
  );
  expect(repositoryFolder("git:https://example.org/linux.git")).toBeUndefined();
  expect(repositoryFolder("path:../linux")).toBe("../linux");
  expect(repositoryFolder("git:file:///srv/linux")).toBe("/srv/linux");
  expect(() => repositoryOf("debian:6.12")).toThrow(/no history/);
});

it("startArguments has git's address and resolves a worktree's HEAD", () => {
  const remote = "git:https://example.org/linux.git";
  expect(startArguments(remote, undefined, { good: "v6.1", bad: "HEAD" })).toEqual([
    "start",
    remote.slice(4),
    "v6.1",
    "HEAD",
    remote.slice(4),
  ]);
  const order = { good: "HEAD~5", bad: "@" };
  const whole = { folder: "/srv/linux/.git", alternates: [] };
  expect(startArguments("path:../linux", whole, order)).toEqual([
    "start",
    "/repo.git",
    "HEAD~5",
    "@",
    "../linux",
  ]);
  const worktree = { ...whole, head: "refs/heads/wip/x" };
  expect(startArguments("path:../linux", worktree, order)).toEqual([
    "start",
    "/repo.git",
    "wip/x~5",
    "wip/x",
    "../linux",
  ]);
  expect(startArguments("path:../linux", worktree, { good: "HEADER", bad: "x" })[2]).toBe("HEADER");
});

it("commitSource is a valid kernel source", () => {
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

it("bisectCall starts or continues a search and rejects conflicting arguments", () => {
  const state = {
    ...{ repository: "git:/x", good: "v1", bad: "v2", bootTimeoutSeconds: 1, cwd: "/p" },
    ...{ skipBuildFailures: true, flags: {}, toolchain: "gcc-14" },
    command: ["true"] as [string],
    next: { hash: "abc", subject: "" },
  };
  const none = { command: [], good: undefined, bad: undefined, skipBuildFailures: true };
  const resume = { ...none, continue: true };
  const start = { ...none, continue: false };
  expect(bisectCall(resume, {}, "/p", state)).toEqual({ kind: "continue", state });
  expect(() => bisectCall(resume, { preset: "tiny" }, "/p", state)).toThrow(/--continue/);
  expect(() => bisectCall(resume, {}, "/q", state)).toThrow(/started in \/p/);
  expect(() => bisectCall(resume, {}, "/p", undefined)).toThrow(/no search/);
  expect(() => bisectCall(start, {}, "/p", state)).toThrow(/has not ended/);
  expect(() => bisectCall(start, {}, "/p", undefined)).toThrow(/--good REF, --bad REF, -- command/);
  const request = { ...start, good: "v1", bad: "v2", command: ["a", "b"] };
  expect(bisectCall(request, { kernel: "./x", jobs: "2" }, "/p", undefined)).toEqual({
    kind: "start",
    order: {
      ...{ good: "v1", bad: "v2", command: ["a", "b"], skipBuildFailures: true },
      ...{ cwd: "/p", flags: { jobs: "2" } },
    },
  });
  expect(() => bisectCall({ ...request, good: "--x" }, {}, "/p", undefined)).toThrow(/--x is no/);
});
