# shellcheck shell=sh
# git.sh — sourced by the scripts that read git repositories (source-git.sh, bisect.sh).

# A home folder whose .gitconfig makes git accept repositories of any owner, which are only read, and never prompt for a
# password. No configuration of the user's or of the repository's applies.
git_home() { # folder
  mkdir -p "$1"
  cat > "$1/.gitconfig" <<'CONFIG'
[safe]
	directory = *
[user]
	name = kdock
	email = kdock@localhost
[advice]
	detachedHead = false
[gc]
	auto = 0
[core]
	quotePath = false
CONFIG
  export HOME="$1" GIT_TERMINAL_PROMPT=0 GIT_ADVICE=0 GIT_CONFIG_NOSYSTEM=1 GIT_SSH_COMMAND='ssh -o BatchMode=yes'
}

# What the Makefile on stdin calls itself: 6.12.30, 7.1.0-rc3.
makefile_version() {
  awk '
    /^(VERSION|PATCHLEVEL|SUBLEVEL) *=/ { sub(/^[A-Z]+ *= */, ""); if ($0 != "") version = version (version == "" ? "" : ".") $0 }
    /^EXTRAVERSION *=/ { sub(/^[A-Z]+ *= */, ""); version = version $0; exit }
    END { print version }'
}

# Changes with what a commit's configuration is made from: see build.sh.
kconfig_digest() { # commit
  git ls-tree -r "$1" | grep -P '\t(.*/)?Kconfig[^/]*$|\tscripts/|\tarch/[^/]+/configs/|\tkernel/configs/|\tMakefile$' | sha256sum | cut -d' ' -f1
}
