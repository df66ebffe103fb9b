import { describe, expect, it } from "vitest";
import { KdockError } from "../../../src/core/errors.js";
import { isStatus, translate } from "../../../src/engine/engine-error.js";

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
    [
      "an answer with a message",
      { statusCode: 409, json: { message: "name in use" } },
      { code: "engine", message: /^cannot do: name in use$/ },
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

  it("of a stream comes without docker-modem's words in front", () => {
    const error = new Error("(HTTP code 404) no such container - No such thing ");
    Object.assign(error, { statusCode: 404, reason: "no such container", json: null });
    expect(translate(error, "do")).toMatchObject({ message: "cannot do: No such thing" });
  });

  it("keeps its status for whoever wants to know", () => {
    const error = translate(failure({ statusCode: 409 }), "do");
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
