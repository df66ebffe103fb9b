#!/bin/sh
# bisect.sh start URL GOOD BAD NAME | good | bad | skip | where — git's own bisect in /src, which becomes a repository with the
# history between two commits and the tree of the one that is to be tried. build.sh "compile" builds what is there.
#
#   URL    an address of git's; "/repo.git" is a repository of the user's, mounted read-only
#   NAME   what the user calls it
#
# Lines that begin with "@bisect" are for kdock; the others are git's, for people:
#
#   @bisect version X.Y.Z        what the good commit's Makefile says (start)
#   @bisect try COMMIT SUBJECT   the commit that /src holds now
#   @bisect left N STEPS         how many may be bad besides, and the steps that takes, about
#   @bisect first COMMIT         the search has ended: this is the first bad one ...
#   @bisect author|date|subject TEXT
#   @bisect maybe COMMIT SUBJECT ... or, because of those that were skipped, it is one of these
#   @bisect log LINE             of a log that `git bisect replay` reads
#
# Exit codes: 64 what is asked for is refused; 69 the repository cannot be reached; 1 anything else.
set -eu
umask 022
export LC_ALL=C
# shellcheck source=images/kernel/git.sh
. "$(dirname "$0")/git.sh"
git_home /tmp/bisect
marker=/src/.kdock-source
cd /src

refuse() { echo "error: $*" >&2; exit 64; }
commit_of() { git rev-parse --verify --quiet --end-of-options "$1^{commit}"; }
line_of() { git show -s --format='%h ("%s", %cs)' "$1"; }

# One commit by the name that it has there. Without blobs where the server can do that: they come with each checkout.
fetch_one() { # name there, name here
  git fetch $filter --quiet --no-tags origin "+$1:refs/kdock/$2"
}

fetch_all() {
  git fetch $filter --quiet --tags --force origin '+HEAD:refs/remotes/origin/HEAD' '+refs/heads/*:refs/remotes/origin/*'
}

# As it is called here: of a branch there is only what was fetched.
find_here() { # word, good or bad
  for name in "refs/remotes/origin/$1" "refs/tags/$1" "$1" "origin/$1"; do
    commit_of "$name" && return
  done
  echo "error: $shown has no branch, tag or commit $1 (--$2)" >&2
  near=$(git for-each-ref --format='%(refname:lstrip=2)' refs/tags refs/remotes |
    sed 's,^origin/,,' | grep -F -- "$(echo "$1" | sed 's/[-.~^][^-.]*$//')" | sort -uV | tail -n 8 | paste -sd ' ')
  [ -z "$near" ] || echo "error: the nearest that it has: $near" >&2
  exit 64
}

open_repository() {
  if [ ! -d .git ]; then
    find . -mindepth 1 -maxdepth 1 -exec rm -rf {} +
    git init --quiet
  fi
  rm -f .git/*.lock .git/shallow.lock
  git remote remove origin 2> /dev/null || true
  git remote add origin "$url"
  filter=
  case "$url" in
    /*) ;;
    *)
      filter=--filter=blob:none
      git config remote.origin.promisor true
      git config remote.origin.partialclonefilter blob:none
      ;;
  esac
}

reach() {
  git ls-remote --quiet origin HEAD > /dev/null 2> "$HOME/errors" && return
  sed 's/^/    /' "$HOME/errors" >&2
  case "$url" in
    /*)
      if [ ! -r "$url" ] || [ ! -x "$url" ]; then
        refuse "$shown cannot be read by the builder's user: it takes others' permission to read (chmod -R o+rX)"
      fi
      refuse "$shown is no repository of git's" ;;
  esac
  echo "error: $shown cannot be reached" >&2
  exit 69
}

start() {
  url=$1 shown=$4
  echo "@kdock phase fetch"
  open_repository
  reach
  # Whatever was being tried before is none of this one's business.
  git bisect reset > /dev/null 2>&1 || true
  git for-each-ref --format='%(refname)' refs/kdock refs/bisect | while read -r ref; do git update-ref -d "$ref"; done
  if fetch_one "$2" good 2> /dev/null && fetch_one "$3" bad 2> /dev/null; then
    good=$(commit_of refs/kdock/good) bad=$(commit_of refs/kdock/bad)
  else
    echo "==> not both are names there: fetching all branches and tags"
    fetch_all
    good=$(find_here "$2" good) || exit
    bad=$(find_here "$3" bad) || exit
  fi
  check_order "$2" "$3"
  echo "@bisect version $(git show "$good:Makefile" 2> /dev/null | makefile_version)"
  git checkout --quiet --force --detach "$bad"
  # By kdock's name for it, so that a build takes objects of one step for the next: only what changes is compiled again.
  {
    echo "spec bisect"
    echo "origin bisect of $shown"
    echo "version bisect"
    echo "sha256 bisect"
    echo "epoch $(git show -s --format=%ct "$bad")"
  } > "$marker"
  git bisect start "$bad" "$good" > "$HOME/said" 2>&1 || { cat "$HOME/said" >&2; exit 1; }
  tell
}

check_order() { # good's word, bad's word
  [ "$good" != "$bad" ] || refuse "good and bad are the same commit: $(line_of "$good")"
  git merge-base --is-ancestor "$good" "$bad" && return
  if git merge-base --is-ancestor "$bad" "$good"; then
    refuse "--bad $2 is older than --good $1: it is an ancestor of it. Are they swapped?"
  fi
  base=$(git merge-base "$good" "$bad") || refuse "--good $1 and --bad $2 have no history in common"
  refuse "--good $1 is no ancestor of --bad $2; the last commit that both have is $(line_of "$base"): try --good $base"
}

# What git says, for people and for kdock.
tell() {
  cat "$HOME/said"
  sed -n 's/^Bisecting: \([0-9]*\) revisions\{0,1\} left to test after this (roughly \([0-9]*\) steps\{0,1\})$/@bisect left \1 \2/p' "$HOME/said"
  first=$(sed -n 's/^\([0-9a-f]\{40,64\}\) is the first bad commit$/\1/p' "$HOME/said")
  if [ -n "$first" ]; then
    git show -s --format='@bisect first %H%n@bisect author %an <%ae>%n@bisect date %ad%n@bisect subject %s' "$first"
  elif grep -q "only 'skip'ped commits left" "$HOME/said"; then
    sed -n 's/^[0-9a-f]\{40,64\}$/&/p' "$HOME/said" | while read -r one; do git show -s --format='@bisect maybe %H %s' "$one"; done
  else
    # Each step's configuration is made from its own Kconfig.
    sed -i '/^kconfig /d' "$marker"
    echo "kconfig $(kconfig_digest HEAD)" >> "$marker"
    git show -s --format='@bisect try %H %s' HEAD
  fi
  tell_log
}

tell_log() { git bisect log | sed 's/^/@bisect log /'; }

# After whatever was broken off, and wherever that was.
where() {
  rm -f .git/index.lock
  git bisect log > "$HOME/log" || refuse "the search is gone from the volume that it was in"
  sed -n 's/^# first bad commit: \[\([0-9a-f]*\)\].*/\1 is the first bad commit/p' "$HOME/log" | tail -n 1 > "$HOME/said"
  if grep -q '^# only skipped commits left' "$HOME/log"; then
    echo "There are only 'skip'ped commits left to test." > "$HOME/said"
    sed -n 's/^# possible first bad commit: \[\([0-9a-f]*\)\].*/\1/p' "$HOME/log" >> "$HOME/said"
  fi
  git checkout --quiet --force HEAD
  tell
}

mark() {
  rm -f .git/index.lock
  # What a build or a patch left is not to stand in the way of the next tree.
  git checkout --quiet --force HEAD
  # Its exit code is that of "nothing is left but what was skipped", too.
  git bisect "$1" > "$HOME/said" 2>&1 || grep -q "only 'skip'ped" "$HOME/said" || { cat "$HOME/said" >&2; exit 1; }
  tell
}

case "${1:-}" in
  start) start "$2" "$3" "$4" "$5" ;;
  good | bad | skip) mark "$1" ;;
  where) where ;;
  *) echo "bisect.sh: what is '${1:-}'?" >&2; exit 64 ;;
esac
