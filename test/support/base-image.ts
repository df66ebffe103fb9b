import { LABEL } from "../../src/core/plan/names.js";
import { docker } from "./kdock.js";

/** A Debian image to make containers from: KDOCK_TEST_BASE, or one that kdock has made. Throws when there is none. */
export async function debianImage(): Promise<string> {
  const named = process.env["KDOCK_TEST_BASE"];
  if (named !== undefined && named !== "") return named;
  const made = await docker("images", "-q", "--filter", `label=${LABEL.role}=base`);
  const [image = ""] = made.split("\n");
  if (image === "") {
    throw new Error("no base image: set KDOCK_TEST_BASE to a Debian image that the engine has");
  }
  return image;
}
