# shellcheck shell=bash
# machine.sh — sourced by quickstart.sh and test.sh: makes a machine ready for kdock. Installs what is missing through
# apt, starts a Docker engine where none answers, builds kdock.

say() { printf '\n\033[1m==> %s\033[0m\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 3; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else die "this needs root: $* (run it as root, or install sudo)"
  fi
}

need_node() {
  command -v node >/dev/null || die "Node.js is missing: install version 20 or newer"
  node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' \
    || die "Node.js $(node --version) is too old: kdock needs version 20 or newer"
}

# install PROGRAM:PACKAGE... — packages whose program is not there yet.
install() {
  missing=
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
  done
  [ -n "$missing" ] || return 0
  command -v apt-get >/dev/null || die "this machine has no apt-get; install by hand:$missing"
  say "installing:$missing"
  as_root apt-get update -q
  # shellcheck disable=SC2086 # a list of packages on purpose
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends ca-certificates iptables $missing
}

# What the tests use. Podman's network programs are not on the PATH.
install_for_tests() {
  install dockerd:docker.io gdb:gdb python3:python3 mmdebstrap:mmdebstrap docker-registry:docker-registry tmux:tmux zsh:zsh fish:fish mandoc:mandoc groff:groff-base shellcheck:shellcheck gpg:gnupg openssl:openssl lowntfs-3g:ntfs-3g \
    "podman:podman netavark aardvark-dns" runc:runc
}

engine_answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

wait_for_engine() {
  for _ in $(seq 60); do engine_answers && return 0; sleep 1; done
  return 1
}

# A Docker engine: the one that answers, or Debian's, started by the init system or, where there is none, right here.
need_engine() {
  install docker:docker.io
  engine_answers && return 0
  install dockerd:docker.io
  if [ -d /run/systemd/system ]; then
    say "starting the Docker engine (systemctl start docker)"
    as_root systemctl start docker
  else
    say "starting the Docker engine (dockerd; there is no init system here)"
    as_root sh -c 'setsid dockerd >/var/log/dockerd.log 2>&1 </dev/null &'
  fi
  wait_for_engine || die "the Docker engine does not come up: see \`journalctl -u docker\` or /var/log/dockerd.log"
  if [ "$(id -u)" != 0 ] && ! docker info >/dev/null 2>&1; then
    die "your user may not use the engine: sudo usermod -aG docker $(id -un), then log in again"
  fi
}

build_kdock() {
  say "building kdock"
  [ -d node_modules ] && [ node_modules -nt package-lock.json ] || npm ci --ignore-scripts --no-audit --no-fund
  npm run --silent build
}
