# shellcheck shell=sh disable=SC2164 # source.sh has set -e
# source-git.sh — git:URL#REF: a commit of a git repository, for source.sh.
#   @kdock source kernel git VERSION COMMIT
#
#   KDOCK_SOURCE_COMMIT   exactly this commit
#   KDOCK_SOURCE_HEAD     what HEAD is, where that is not the repository's: of a worktree
#
# What was fetched stays in a bare repository in the source's volume, without history: the next commit costs what differs.
# A tree that is there becomes another commit's file by file, so that make compiles what differs, too. A repository of this
# machine is mounted at /repo.git, whatever the URL says.
# shellcheck disable=SC2154 # the caller's words
bare=/src/.kdock-git
address=${spec#git:}
ref=${address##*#}
address=${address%#*}
[ "$ref" != HEAD ] || ref=${KDOCK_SOURCE_HEAD:-HEAD}
there=$address
[ ! -e /repo.git ] || address=/repo.git
commit=${KDOCK_SOURCE_COMMIT:-}

# shellcheck source=images/kernel/git.sh
. "$here/git.sh"
git() { command git --git-dir="$bare" "$@"; }

begin() {
  home=$(mktemp -d)
  git_home "$home"
  [ -e "$bare/HEAD" ] || git init -q --bare "$bare"
  # Left by one that was killed: kdock lets one builder at a time into a volume.
  rm -f "$bare"/*.lock
}

has() { git cat-file -e "$1^{commit}" 2> /dev/null && git cat-file -e "$1:Makefile" 2> /dev/null; }

unreachable() {
  echo "error: no git repository answers at ${spec#git:}:" >&2
  sed -n 's/^\(fatal\|error\|ssh\): /  /p' "$home/log" | head -n 3 >&2
  exit 69
}

# Sets commit to what the ref is today. A tag is the commit that it names.
look_up() {
  case "$ref" in
    *[!0-9a-f]*) ;;
    ????????????????????????????????????????) commit=$ref; return ;;
  esac
  git ls-remote "$address" > "$home/refs" 2> "$home/log" || unreachable
  for name in "refs/tags/$ref^{}" "refs/heads/$ref" "refs/tags/$ref" "$ref" "refs/$ref"; do
    commit=$(awk -v name="$name" '$2 == name { print $1; exit }' "$home/refs")
    [ -z "$commit" ] || return 0
  done
  # A short id can be looked up only where the whole repository is.
  if [ "$address" = /repo.git ]; then
    commit=$(command git --git-dir=/repo.git rev-parse --verify -q "$ref^{commit}" || true)
    [ -z "$commit" ] || return 0
  fi
  echo "error: ${spec#git:}: there is no branch, tag or commit $ref. The nearest names:" >&2
  sed -n 's,^[0-9a-f]*\trefs/\(heads\|tags\)/,,p' "$home/refs" | grep -v '\^{}$' > "$home/names"
  python3 - "$ref" "$home/names" >&2 << 'EOF'
import difflib, sys
names = open(sys.argv[2], encoding="utf-8", errors="replace").read().split()
near = difflib.get_close_matches(sys.argv[1], names, 5, 0.5)
print("\n".join("  " + name for name in (near or names[-5:])) or "  (there are none)")
EOF
  case "$ref" in
    *[!0-9a-f]*) ;;
    *) echo "  (of a commit the whole id is needed: 40 digits)" >&2 ;;
  esac
  exit 64
}

get() {
  has "$commit" && return
  say_fetch
  # What is there already need not come again; without a tip that the server knows it would.
  tips=$(git for-each-ref --format='%(refname)' refs/kdock | sed 's/^/--negotiation-tip=/')
  # shellcheck disable=SC2086 # a list of words on purpose
  git fetch --progress --no-tags --depth=1 $tips "$address" "$commit" 2> "$home/log" || missing
  git update-ref "refs/kdock/$commit" "$commit"
}

say_fetch() { echo "==> source: fetching $commit of ${spec#git:}"; }

missing() {
  git ls-remote "$address" HEAD > /dev/null 2>&1 || unreachable
  [ -n "${KDOCK_SOURCE_COMMIT:-}" ] && [ "$KDOCK_SOURCE_COMMIT" != "$ref" ] || {
    echo "error: ${spec#git:}: the server does not give out the commit $commit" >&2
    sed -n 's/^\(fatal\|error\): /  /p' "$home/log" | head -n 3 >&2
    exit 64
  }
  gone=$commit
  look_up
  drift "$ref" "$gone" "$commit" "the commit $gone, which the lock names, is not in $there any more; $ref is $commit there"
}

version() { git show "$commit:Makefile" 2> /dev/null | makefile_version; }

resolve() {
  begin
  look_up
  get
  found=$(version)
  case "$found" in
    [0-9]*.[0-9]*) ;;
    *) echo "error: ${spec#git:} holds no kernel: its Makefile names no version" >&2; exit 64 ;;
  esac
  echo "@kdock source kernel git $found $commit"
}

# Not by the marker's spec alone: a volume serves all commits of a repository.
already_there() {
  [ -n "$commit" ] && [ "$(marked commit)" = "$commit" ]
}

# Without source.sh's way, which puts a new tree in the place of the old one.
check_out() {
  begin
  [ -n "$commit" ] || look_up
  get
  rm -f "$marker"
  # Patched files are the repository's again, and what patches added goes.
  rm -rf /src/.kdock-patches
  cd /src
  git -c core.bare=false -c core.fileMode=true --work-tree=/src checkout -f -q --detach "$commit"
  git -c core.bare=false --work-tree=/src clean -ffdxq -e '/.kdock*' -e '/.fetch.*'
  {
    echo "spec git:${spec#git:}"
    echo "origin ${spec#git:}, commit $(echo "$commit" | cut -c1-12), Linux $(version)"
    echo "version $(version)"
    echo "commit $commit"
    # What the configuration is made from: see build.sh.
    echo "kconfig $(kconfig_digest "$commit")"
    echo "epoch $(git show -s --format=%ct "$commit")"
  } > "$marker.new"
  mv "$marker.new" "$marker"
  rm -rf "$home"
  echo "==> source: $(marked origin)"
}

if [ -z "$resolving" ]; then
  if already_there; then
    echo "==> source: $(marked origin) (already there)"
  else
    echo "@kdock phase fetch"
    check_out
  fi
  exit 0
fi
