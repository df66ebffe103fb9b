import { describe, expect, it } from "vitest";
import { placeFiles } from "../../../../src/memory/plan/placed-files.js";

describe("placeFiles", () => {
  it("replaces every argument that is a host file by its path in the container", () => {
    const files = new Map([
      ["tasks.py", "/home/ada/tasks.py"],
      ["../My Data.txt", "/home/My Data.txt"],
    ]);
    expect(placeFiles(["-q", "tasks.py", "../My Data.txt", "tasks.py", "-x"], files)).toEqual({
      args: ["-q", "/in/1-tasks.py", "/in/2-my-data.txt", "/in/1-tasks.py", "-x"],
      placed: [
        { path: "/home/ada/tasks.py", name: "1-tasks.py" },
        { path: "/home/My Data.txt", name: "2-my-data.txt" },
      ],
    });
  });

  it("leaves other arguments unchanged", () => {
    expect(placeFiles(["-e", "print(1)"], new Map()).args).toEqual(["-e", "print(1)"]);
  });
});
