import { describe, expect, it } from "vitest";
import { inFile, problemsOf } from "./problems-of.js";

const HOSTS = ["ada:s3cret@git.example", "s3cret@git.example", ":s3cret@git.example"];

describe("an address with a password", () => {
  it.each([
    ...HOSTS.map((host) => `kernel: { source: "git:https://${host}/linux.git#v6.12" }`),
    'kernel: { source: "git:ssh://ada:s3cret@git.example/linux.git#v6.12" }',
    // Nor where it is no source at all.
    ...HOSTS.map((host) => `kernel: { source: "https://${host}/linux.git" }`),
    'kernel: { source: "giit:https://ada:s3cret@git.example/linux.git#v6.12" }',
    'kernel: { source: "git:https://ada:s3cret@git.example/linux.git" }',
    'kernel: { mirrors: ["https://ada:s3cret@mirror.example"] }',
    'kernel: { mirrors: ["https://mirror.example/?token=s3cret"] }',
    'busybox: { mirrors: ["https://s3cret@mirror.example"] }',
    'images: { mirror: "http://ada:s3cret@mirror.example/debian" }',
    'images: { snapshot: "http://ada:s3cret@mirror.example/@SNAPSHOTID@" }',
    'images: { registry: "ada:s3cret@registry.example/library" }',
    'images: { registry: "https://ada:s3cret@registry.example/library" }',
  ])("is refused, and not repeated: %s", (yaml) => {
    const problems = problemsOf(inFile(yaml));
    expect(problems).toHaveLength(1);
    expect(problems.join()).toMatch(/password/);
    expect(problems.join()).not.toContain("s3cret");
  });

  it.each([
    'kernel: { source: "git:ssh://git@git.example/linux.git#v6.12" }',
    'kernel: { source: "git:git@git.example:linux.git#v6.12" }',
    'kernel: { source: "git:https://git.example/linux.git#v6.12" }',
    'images: { snapshot: "https://mirror.example/@SNAPSHOTID@" }',
    'images: { registry: "registry.example:5000/library" }',
  ])("is not %s", (yaml) => {
    expect(problemsOf(inFile(yaml))).toEqual([]);
  });
});
