#!/bin/sh
# collect.sh [compile-commands] — leaves in /out what an editor needs besides the source tree: generated sources and
# headers, as they lie in /build, and how each file was compiled.
#
#   /src    the kernel source, patched      (volume, read-only)
#   /build  the objects; may be missing     (volume, read-only)
#
# Prints "@kdock tree SHA256" and "@kdock generated SHA256", which change when the files do, "@kdock origin NAME", and
# "@kdock compiled" when the kernel has been. Exit codes: 66 there is no source yet; 67 nothing has been compiled.
set -eu
umask 022
export LC_ALL=C
[ -e /src/.kdock-source ] || exit 66

generated() {
  [ -d /build/include/generated ] || return 0
  cd /build
  find . \( -path ./.kdock -o -name '.tmp*' -o -name '.vmlinux*' \) -prune -o -type f \
    \( -name '*.[chS]' -o -path './include/generated/*' -o -path './include/config/auto.conf' -o -path ./.config \) \
    ! -name '*.mod.c' -print | sort
}

generated > /tmp/generated
tar -cf - -C /build --no-recursion -T /tmp/generated --mtime=@0 --owner=0 --group=0 --numeric-owner > /tmp/generated.tar
tar -xf /tmp/generated.tar -C /out --no-same-owner
if [ "${1-}" = compile-commands ]; then
  [ -e /build/vmlinux ] || exit 67
  # Before 5.9 it was one folder higher.
  for script in /src/scripts/clang-tools/gen_compile_commands.py /src/scripts/gen_compile_commands.py; do
    [ -e "$script" ] || continue
    PYTHONDONTWRITEBYTECODE=1 python3 "$script" -d /build -o /out/compile_commands.json
    break
  done
  [ -e /out/compile_commands.json ] || { echo "error: this kernel has no gen_compile_commands.py" >&2; exit 1; }
fi

echo "@kdock origin $(sed -n 's/^origin //p' /src/.kdock-source)"
echo "@kdock tree $({ cat /src/.kdock-source; cat /src/.kdock-patches/series 2> /dev/null || true; } | sha256sum | cut -d' ' -f1)"
echo "@kdock generated $(sha256sum < /tmp/generated.tar | cut -d' ' -f1)"
[ ! -e /build/vmlinux ] || echo "@kdock compiled"
