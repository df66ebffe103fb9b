import { expect, it } from "vitest";
import { execRequest, type TypedExec } from "../../../../src/guest/plan/exec-request.js";

const typed: TypedExec = {
  ...{ command: ["true"], input: false, tty: false, cwd: "", env: [] },
};
const caller = { isTty: true, env: { TERM: "xterm", HOME: "/home/ada" } };

it("is a login shell without a command, with a terminal's own variables", () => {
  const request = execRequest({ ...typed, command: [], input: true, tty: true }, caller);
  expect(request).toMatchObject({ argv: ["sh", "-l"], env: { TERM: "xterm" } });
});

it("takes variables with values, and those that the caller has by name", () => {
  const { env } = execRequest({ ...typed, env: ["A=b=c", "HOME", "NONE", "E="] }, caller);
  expect(env).toEqual({ A: "b=c", HOME: "/home/ada", E: "" });
});

it.each([
  ["no command", { command: [] }, /there is no command/],
  ["a terminal that is none", { input: true, tty: true }, /-it needs a terminal/],
  ["a folder that hangs in the air", { cwd: "tmp" }, /--cwd: tmp is not an absolute path/],
  ["a variable without a name", { env: ["=x"] }, /has no name/],
])("refuses %s", (_what, change, message) => {
  expect(() => execRequest({ ...typed, ...change }, { ...caller, isTty: false })).toThrow(message);
});
