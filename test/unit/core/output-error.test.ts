import { describe, expect, it } from "vitest";
import { exitCodeOf } from "../../../src/core/errors.js";
import { OutputError } from "../../../src/core/output-error.js";

const errno = (code: string) => Object.assign(new Error(`write ${code}`), { code });

describe("OutputError", () => {
  it.each([
    ["EPIPE", 141, "the reader of stdout has closed it"],
    ["ECONNRESET", 141, "the reader of stdout has closed it"],
    ["EIO", 141, "the reader of stdout has closed it"],
    ["ENOSPC", 3, "cannot write to stdout: no space left on its device"],
    ["EDQUOT", 3, "cannot write to stdout: no space left on its device"],
    ["EBADF", 3, "cannot write to stdout: write EBADF"],
  ])("has for %s exit code %i", (code, exitCode, message) => {
    const error = new OutputError("stdout", errno(code));
    expect({ exitCode: exitCodeOf(error), message: error.message }).toEqual({ exitCode, message });
  });
});
