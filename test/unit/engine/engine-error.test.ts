import { describe, expect, it } from "vitest";
import { KdockError } from "../../../src/core/errors.js";
import {
  EngineRefusal,
  isStatus,
  translate,
  UploadFailure,
} from "../../../src/engine/engine-error.js";

const failure = (fields: object) => Object.assign(new Error("some text"), fields);

describe("what the engine or the connection throws", () => {
  it.each<[string, object, object]>([
    ["nobody listens", { code: "ECONNREFUSED" }, { code: "environment", hint: /Start the engine/ }],
    ["no socket", { code: "ENOENT" }, { code: "environment", hint: /Install Docker/ }],
    ["not allowed", { code: "EACCES" }, { code: "environment", hint: /group docker/ }],
    [
      "cut",
      { code: "ECONNRESET" },
      { code: "engine", message: /connection to the engine was lost/ },
    ],
  ])("%s", (_name, fields, expected) => {
    const error = translate(failure(fields), "do");
    expect(error).toBeInstanceOf(KdockError);
    for (const [key, value] of Object.entries(expected)) {
      const actual = (error as Record<string, string>)[key];
      if (value instanceof RegExp) expect(actual).toMatch(value);
      else expect(actual).toBe(value);
    }
  });

  it.each([
    ["the engine's own words", '{"message":"name in use"}', "cannot do: name in use"],
    ["whatever text it is", "<h1>Bad gateway</h1>\n", "cannot do: <h1>Bad gateway</h1>"],
    ["the status when there is none", "", "cannot do: HTTP status 409"],
  ])("says of a refusal %s", (_what, body, message) => {
    const error = translate(new EngineRefusal(409, body), "do");
    expect(error).toMatchObject({ code: "engine", message });
  });

  it("is the source's own when an upload failed", () => {
    const cause = failure({ code: "EACCES" });
    expect(translate(new UploadFailure(cause), "do")).toBe(cause);
  });

  it("keeps its status for whoever wants to know", () => {
    const error = translate(new EngineRefusal(409, ""), "do");
    expect([isStatus(error, 409), isStatus(error, 404)]).toEqual([true, false]);
  });

  it("gives way to the reason of an aborted signal", () => {
    const reason = new KdockError("interrupted", "interrupted");
    expect(translate(failure({ code: "ECONNRESET" }), "do", AbortSignal.abort(reason))).toBe(
      reason,
    );
  });

  it("is left alone when it is a bug of ours", () => {
    const bug = new TypeError("x is not a function");
    expect(translate(bug, "do")).toBe(bug);
  });
});
