import { expect, it } from "vitest";
import { copyRequest } from "../../../../src/guest/plan/copy-request.js";

it.each([
  [":/root/x", undefined, "/root/x"],
  ["vm:/root", "vm", "/root"],
  ["VM:/a:b", "VM", "/a:b"],
  ["kdock-lab-1-vm:/", "kdock-lab-1-vm", "/"],
])("takes %s for a path of the guest", (typed, vm, path) => {
  expect(copyRequest("here", typed).to).toEqual({ place: "guest", vm, path });
});

it.each(["./a:b", "/a:/b", "dir/vm:/x"])("takes %s for a path of the host", (typed) => {
  expect(copyRequest(typed, ":/x").from).toEqual({ place: "host", vm: undefined, path: typed });
});

it.each([
  ["a", "b", /neither is/],
  [":/a", "vm:/b", /both are/],
  [":a", "b", /begins with \//],
  ["", ":/b", /empty/],
  ["-", ":/b", /by name/],
])("refuses %j %j", (from, to, message) => {
  expect(() => copyRequest(from, to)).toThrow(message);
});
