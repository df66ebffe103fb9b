import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * As much of a kernel's tree as build.sh asks for, built in seconds: two C files that become a "vmlinux". What it is built
 * with is real: the builder's container, its make and its compiler.
 */
export async function makeToyTree(folder: string): Promise<void> {
  await mkdir(join(folder, "net"), { recursive: true });
  await mkdir(join(folder, "init"), { recursive: true });
  await writeFile(join(folder, "Makefile"), MAKEFILE);
  await writeFile(join(folder, "Kconfig"), 'config NET\n\tbool "net"\n');
  await writeFile(join(folder, "init/main.c"), 'const char *where = "main";\n');
  await writeFile(join(folder, "net/one.c"), "int one(void)\n{\n\treturn 1;\n}\n");
  await writeFile(join(folder, "net/net.h"), '#define WORD "first"\n');
  await writeFile(
    join(folder, "net/two.c"),
    '#include "net.h"\nconst char *two(void)\n{\n\treturn WORD;\n}\n',
  );
}

/** Beside a tree of this kind, in kdock.yaml: `preset: file:toy.config`. */
export const TOY_CONFIG = "CONFIG_NET=y\n";

const MAKEFILE = `VERSION = 6
PATCHLEVEL = 12
SUBLEVEL = 3
EXTRAVERSION =
NAME = Toy
OBJECTS = $(addprefix $(O)/,init/main.o net/one.o net/two.o)

kernelversion:
\t@echo $(VERSION).$(PATCHLEVEL).$(SUBLEVEL)
kernelrelease:
\t@echo $(VERSION).$(PATCHLEVEL).$(SUBLEVEL)$(LOCALVERSION)$$(git rev-parse --short HEAD 2> /dev/null)
tinyconfig:
\t@echo CONFIG_NET=y > $(O)/.config
olddefconfig:
\t@true
bzImage: $(O)/vmlinux
\t@mkdir -p $(O)/arch/x86/boot
\t@cp $< $(O)/arch/x86/boot/bzImage
\t@touch $(O)/System.map
$(O)/vmlinux: $(OBJECTS)
\t@echo "  LD      vmlinux"
\t@$(LD) -r -o $@ $^
$(O)/net/two.o: net/net.h
$(O)/%.o: %.c
\t@mkdir -p $(@D)
\t@echo "  CC      $*.o"
\t@$(CC) -c -o $@ $<
.PHONY: kernelversion kernelrelease tinyconfig olddefconfig bzImage
`;
