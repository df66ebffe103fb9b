import { afterEach, expect, it } from "vitest";
import { CLI, docker, kdock } from "../support/kdock.js";
import { LAB, LAB_NAMES } from "../support/lab.js";
import { screen } from "../support/screen.js";

const { open, type, shows, close } = screen("console");

afterEach(async () => {
  await close();
  await kdock(["stop"], { cwd: LAB });
});

it("attaches a raw console with the terminal's size; Ctrl-] detaches and restores the terminal", async () => {
  await open(LAB);
  await type(`stty -a | grep -c ' icanon '; node ${CLI} run --gdb 0`, "Enter");
  await shows(/gdbserver on 127\.0\.0\.1:\d+/);
  await shows(/Boot took [\d.]+ seconds/);
  // The kernel may print on the prompt's line: it switches its clock source a second later.
  await shows(/^~ # /m);
  // The agent sets the size of the guest's tty shortly afterwards.
  await type(
    "until stty size | grep -q '40 120'; do usleep 100000; done; echo size-$((40+2))",
    "Enter",
  );
  await shows(/^size-42/m);
  // Ctrl-C ends the command in the guest, not kdock. The command must be running: else the shell's line editor gets the key.
  await type("echo sleeps-$((40+2)); sleep 1000", "Enter");
  await shows(/^sleeps-42/m);
  await type("C-c");
  await type("echo alive-$((40+2))", "Enter");
  await shows(/^alive-42/m);
  await type("C-]");
  await shows(/detached; the VM keeps running/);
  await type(
    "clear; stty -a | grep -o -w -e '-\\?icanon' -e '-\\?echo' | sort | tr '\\n' '+'; echo done",
    "Enter",
  );
  await shows(/^echo\+icanon\+done/m);
  expect(await docker("ps", "-q", "--filter", `name=${LAB_NAMES.vmContainer}`)).not.toBe("");

  // `kdock logs` escapes the guest's control characters on a terminal, and prints them unchanged to a pipe.
  const forge = "printf 'a\\033[2Jb\\n' > /dev/console";
  await type(
    `clear; node ${CLI} exec -- sh -c "${forge}"; node ${CLI} logs | grep -c a.*2Jb`,
    "Enter",
  );
  await shows(/^1$/m);
  await type(`clear; node ${CLI} logs`, "Enter");
  await shows(/a\\x1b\[2Jb$/m);

  // Attach again, and power off.
  await type(`clear; node ${CLI} console`, "Enter");
  await shows(/attached to the console/);
  await type("echo again-$((40+2))", "Enter");
  await shows(/^again-42/m);
  await type("poweroff -f", "Enter");
  await shows(/the VM ended/);
});
