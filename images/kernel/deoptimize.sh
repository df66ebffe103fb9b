# shellcheck shell=sh disable=SC2154 # lib and jobs are build.sh's
# deoptimize.sh — compiles the C files that KDOCK_DEOPTIMIZE names so that one can step through them. build.sh reads it in.
#
# Each is tried with -Og, then with -O1, then as the kernel's Makefiles have it: "normal". What decides is whether it
# compiles, whether objtool has nothing to say about it, and whether the kernel links: sources of the kernel rely on the
# optimiser to remove calls of functions that do not exist. Every build tries from the beginning, so that all come to the
# same end, whatever lay in /build before.
#
#   /build/.kdock/levels  "net/ipv4/tcp_ipv4.o -Og", a line for each; what is in there may not be as make believes it is
: "${KDOCK_DEOPTIMIZE:=}"
unset KDOCK_OPTIMIZE
levels=/build/.kdock/levels
# A compiler that was ended by others says nothing about the source.
not_the_source='Killed|terminated program|No space left|[Cc]annot allocate|[Oo]ut of memory|virtual memory exhausted'

# Names what cannot be compiled in another way, before anything is compiled.
check_deoptimize() {
  [ -n "$KDOCK_DEOPTIMIZE" ] || return 0
  if has LTO_CLANG; then
    echo "error: kernel.deoptimize does nothing with CONFIG_LTO_CLANG: there the linker optimises; set CONFIG_LTO_NONE" >&2
    exit 64
  fi
  # shellcheck disable=SC2086 # a list of paths on purpose
  python3 "$lib/objects.py" --source /src --config /build/.config $KDOCK_DEOPTIMIZE
}

level_of() { sed -n "s|^$1 ||p" "$levels"; }

# What cc.sh reads.
set_levels() {
  KDOCK_OPTIMIZE=$(awk '$2 != "normal" { printf "%s%s=%s", between, $1, $2; between = " " }' "$levels")
  export KDOCK_OPTIMIZE
}

# Make compares times and command lines, and levels are in neither: objects that have or had one are made anew.
begin_levels() {
  if [ -e "$levels" ]; then
    cut -d' ' -f1 "$levels" | xargs rm -f
    rm "$levels"
  fi
  [ -n "$KDOCK_DEOPTIMIZE" ] || return 0
  for file in $KDOCK_DEOPTIMIZE; do echo "${file%.c}.o -Og"; done > "$levels.new"
  mv "$levels.new" "$levels"
  cut -d' ' -f1 "$levels" | xargs rm -f
}

# The next level for an object, and a notice that says why; it is kept back until it is known that one of them will do.
lower() { # object, reason
  level=$(level_of "$1")
  case "$level" in
    -Og) next=-O1 words='compiled with -O1' ;;
    *) next=normal words='compiled as usual' ;;
  esac
  sed -i "s|^$1 .*|$1 $next|" "$levels"
  echo "@kdock notice ${1%.o}.c is $words: with $level $2" >> .kdock/notices
  rm -f "$1"
}

# What speaks against an object as it has been made, if anything does.
objection() { # object, log
  if [ ! -e "$1" ]; then
    echo "it does not compile ($({ grep -m 1 'error: ' "$2" || tail -n 1 "$2"; } | sed 's/^.*error: //'))"
  elif [ "$(level_of "$1")" != normal ]; then
    sed -n "s|^$1: warning: objtool: \(.*\)|objtool warns (\1)|p" "$2" | head -n 1
  fi
}

compile_alone() { # object
  while :; do
    set_levels
    rm -f "$1"
    kmake "$1" > .kdock/try.log 2>&1 || true
    reason=$(objection "$1" .kdock/try.log)
    [ -n "$reason" ] || break
    if [ "$(level_of "$1")" = normal ] || grep -qE "$not_the_source" .kdock/try.log; then
      cat .kdock/try.log
      exit 1
    fi
    lower "$1" "$reason"
  done
}

# All at once, which is nearly always all there is to do; then those that made trouble, one by one.
compile_deoptimized() {
  : > .kdock/notices
  objects=$(cut -d' ' -f1 "$levels")
  set_levels
  # Of what make says only what it is at: an error is none yet.
  # shellcheck disable=SC2086 # a list of make targets on purpose
  { kmake -k -j"$jobs" $objects 2>&1 || true; } | tee .kdock/all.log | grep --line-buffered '^  [A-Z]' || true
  for object in $objects; do
    [ -z "$(objection "$object" .kdock/all.log)" ] || compile_alone "$object"
  done
}

# Whose fault it is that the kernel does not link, or that the linker's helpers warn: of the objects that still have
# another level, those that ask for a symbol which nobody has, or have the function that is complained about. Leaves them
# in $lowered.
lower_culprits() { # log
  sed -n -e "s/.*undefined reference to [\`']\([^']*\)'.*/\1/p" -e 's/.*undefined symbol: \([^ ]*\).*/\1/p' \
    -e 's/.*ERROR: \(modpost: \)\{0,1\}"\([^"]*\)" \[.*\] undefined!.*/\2/p' "$1" | sort -u > .kdock/undefined
  sed -n -e 's/.*ection mismatch in reference: \([^ +]*\).*/\1/p' \
    -e 's/.*ection mismatch in reference from the [a-z]* \([^ +(]*\).*/\1/p' \
    -e 's/^[^ ]*\.o: warning: objtool: \([^ +(:]*\).*/\1/p' "$1" | sort -u > .kdock/suspects
  lowered=
  for object in $(awk '$2 != "normal" { print $1 }' "$levels"); do
    symbol=$(nm -u "$object" 2>/dev/null | awk '{ print $2 }' | grep -m 1 -xF -f .kdock/undefined || true)
    if [ -n "$symbol" ]; then
      lower "$object" "it asks for $symbol, which does not exist"
      lowered="$lowered $object"
      continue
    fi
    symbol=$(nm --defined-only "$object" 2>/dev/null | awk '{ print $3 }' | grep -m 1 -xF -f .kdock/suspects || true)
    [ -n "$symbol" ] || continue
    lower "$object" "it does not pass the checks of the link ($(grep -m 1 -F "$symbol" "$1" | sed 's/^.*warning: *//'))"
    lowered="$lowered $object"
  done
}

# The kernel with the levels that were found, or with lower ones.
link_deoptimized() { # make target...
  while :; do
    set_levels
    { kmake -j"$jobs" "$@" 2>&1 && echo 0 > .kdock/status || echo $? > .kdock/status; } | tee .kdock/link.log
    lower_culprits .kdock/link.log
    [ -n "$lowered" ] || break
    for object in $lowered; do compile_alone "$object"; done
  done
  [ "$(cat .kdock/status)" = 0 ] || exit 1
  cat .kdock/notices
  deoptimized | while read -r file level; do say "$file: $level"; done
}

# "net/ipv4/tcp_ipv4.c -Og", a line for each.
deoptimized() { sed 's/\.o /.c /' "$levels"; }
