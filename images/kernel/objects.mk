# objects.mk — what a folder's Makefile names with a configuration, for objects.py.
#
#   folder    the folder, relative to the source, which is where make runs
#   makefile  its Kbuild or Makefile
#   config    the final .config: its lines are assignments that make understands
#
# Prints "kdock-y WORD..." and "kdock-m WORD...": objects in the kernel and in modules, folders with a "/" at their end.
srctree := .
objtree := /build
src := $(folder)
obj := $(folder)
SRCARCH := $(or $(KDOCK_SOURCE_ARCH),x86)
ARCH := $(SRCARCH)
BITS := 64
include $(config)
include $(makefile)

# What a composite object consists of: kernel's words for "foo.o is made of a.o and b.o".
parts = $(foreach name,$(1:.o=),$($(name)-objs) $($(name)-y) $($(name)-m))
whole = $(1) $(call parts,$(filter %.o,$(1)))

$(info kdock-y $(call whole,$(obj-y) $(lib-y) $(extra-y) $(core-y) $(drivers-y)))
$(info kdock-m $(call whole,$(obj-m) $(lib-m)))
.PHONY: kdock-nothing
.DEFAULT_GOAL := kdock-nothing
kdock-nothing: ;
