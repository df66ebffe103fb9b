import { describe, expect, it } from "vitest";
import { holdsPassword, redactUrls } from "../../../src/core/redact.js";

describe("redactUrls", () => {
  it.each([
    ["https://ada:s3cret@git.example/l.git", "https://***@git.example/l.git"],
    ["https://s3cret@git.example/l.git", "https://***@git.example/l.git"],
    ["git:https://ada:s3cret@git.example/l.git#v6.12", "git:https://***@git.example/l.git#v6.12"],
    ["HTTPS://ada:s3cret@git.example", "HTTPS://***@git.example"],
    ["a https://ada:s3@cret@git.example, b", "a https://***@git.example, b"],
    ["http_proxy=http://ada:s3cret@proxy:3128/", "http_proxy=http://***@proxy:3128/"],
    ["ssh://ada:s3cret@engine", "ssh://***@engine"],
    ["tcp://ada:s3cret@[::1]:2375", "tcp://***@[::1]:2375"],
    ["socks5h://:s3cret@proxy", "socks5h://***@proxy"],
    ["https://h/l.git?ref=1&access_token=s3cret&x=2", "https://h/l.git?ref=1&access_token=***&x=2"],
    ["two: http://a:s3cret@x http://b:s3cret@y", "two: http://***@x http://***@y"],
  ])("removes the password from %s", (text, shown) => {
    expect(redactUrls(text)).toBe(shown);
    expect(holdsPassword(text)).toBe(true);
    // Idempotent.
    expect(redactUrls(shown)).toBe(shown);
  });

  it.each([
    "https://git.example/l.git#v6.12",
    "ssh://git@git.example/l.git",
    "git@git.example:l.git",
    "unix:///run/docker.sock",
    "https://snapshot.example/debian/@SNAPSHOTID@/dists",
    "http://10.0.3.1:9090/a@b",
    "mail ada@example.com about https://git.example",
    "see <https://git.example>, ada@example.com",
  ])("keeps %s", (text) => {
    expect(redactUrls(text)).toBe(text);
    expect(holdsPassword(text)).toBe(false);
  });
});
