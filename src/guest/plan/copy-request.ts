import { KdockError } from "../../core/errors.js";

/** One end of a copy, as typed. */
export interface CopyEnd {
  readonly place: "host" | "guest";
  /** A VM's name; undefined means the one that runs, and for paths of the host. */
  readonly vm: string | undefined;
  readonly path: string;
}

export interface CopyRequest {
  readonly from: CopyEnd;
  readonly to: CopyEnd;
}

/** `VM:PATH`, `:PATH`, or a path of the host; a name in front of a colon has no slash in it. */
const GUEST = /^([\w.-]*):(.*)$/s;

/** Throws a `usage` error unless exactly one end is the guest's. */
export function copyRequest(from: string, to: string): CopyRequest {
  const request = { from: copyEnd(from), to: copyEnd(to) };
  if (request.from.place === request.to.place) {
    const both = request.from.place === "host" ? "neither is" : "both are";
    throw new KdockError("usage", `one of the two is to be a path of the guest, and ${both}`, {
      hint: "A path of the guest begins with a colon: `kdock cp FILE :/root/`.",
    });
  }
  return request;
}

function copyEnd(typed: string): CopyEnd {
  if (typed === "-") {
    throw new KdockError("usage", "- is no file: cp copies files and folders by name", {
      hint: "For a stream: `kdock exec -i -- tar -C /DST -x < X.tar`, or `kdock exec -- tar -c /SRC > X.tar`.",
    });
  }
  const [, name = "", path] = GUEST.exec(typed) ?? [];
  if (path === undefined) {
    if (typed === "") throw new KdockError("usage", "a path is empty");
    return { place: "host", vm: undefined, path: typed };
  }
  if (!path.startsWith("/") || path.includes("\0")) {
    throw new KdockError("usage", `${typed}: a path of the guest begins with /, like :/root`);
  }
  return { place: "guest", vm: name === "" ? undefined : name, path };
}
