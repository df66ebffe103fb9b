# shellcheck shell=sh disable=SC2034,SC2154,SC2164 # words of build.sh, which has set -e
# config.sh — sourced by build.sh: the commands behind `kdock config`. They run in a container whose /build is its own, so
# that nothing of them stays but what is in /out.
#
#   ask    answers /in/question.json (kconfig.py ask): the .config, and what of it follows from what
#   menu   menuconfig or nconfig on a terminal, and the fewest requests that make what was saved
#
#   /in/final.config, /in/final.demands   a configuration that is known already, and what was asked for
#   /in/others.config                     the requests without those of the fragment that the menu is to write
#   KDOCK_MENU   menuconfig | nconfig     KDOCK_TERM   the terminal's type

# What make gives Kconfig in its environment, by way of a Kconfig file that prints it. Nothing is configured by that.
# Before 4.18 Kconfig has no macros, and reads four variables.
kconfig_environment() {
  if grep -qs 'option env="KERNELVERSION"' /src/init/Kconfig; then
    printf '%s\0' srctree=/src ARCH="$KDOCK_MAKE_ARCH" SRCARCH="$KDOCK_SOURCE_ARCH" KERNELVERSION="$(kmake -s kernelversion)" > .kdock/kconfig.env
    return
  fi
  # shellcheck disable=SC2016 # Kconfig's macro
  printf '$(shell,env -0 > /build/.kdock/kconfig.env)\n' > .kdock/Kconfig.env
  KCONFIG_CONFIG=/build/.kdock/none.config kmake -s KBUILD_KCONFIG=/build/.kdock/Kconfig.env listnewconfig > /dev/null 2>&1 || true
  [ -s .kdock/kconfig.env ] || { echo "error: make does not tell what it gives Kconfig" >&2; return 1; }
}

# Of a configuration that is done: all that was asked for is in it. The tree is read only where it is not, for saying why.
check_demands() {
  set -- check --demands .kdock/demands.config --config .config --initramfs "$initramfs"
  python3 "$lib/kconfig.py" "$@" 2> /dev/null && return
  if kconfig_environment; then set -- "$@" --environment .kdock/kconfig.env; fi
  python3 "$lib/kconfig.py" "$@"
}

# Without the check: what was asked for in vain is to be told, too.
configure_for_questions() {
  pin_environment
  if [ -s /in/final.config ]; then
    cd /build
    mkdir -p .kdock
    cp /in/final.config .config
    cp /in/final.demands .kdock/demands.config
  else
    unchecked=1
    configure
  fi
}

ask() {
  configure_for_questions
  kconfig_environment
  python3 "$lib/kconfig.py" ask --request /in/question.json --demands .kdock/demands.config --config .config \
    --initramfs "$initramfs" --environment .kdock/kconfig.env --output /out/answer.json
  cp .config /out/config
  cp .kdock/demands.config /out/demands.config
}

menu() {
  # The menu's own keys come first; a terminal that the image does not know gets a plain one.
  export TERM="${KDOCK_TERM:-xterm}"
  infocmp "$TERM" > /dev/null 2>&1 || TERM=xterm-256color
  phase() { :; }
  configure_for_questions
  kconfig_environment
  cp .config .kdock/before.config
  # menuconfig asks what to do at Ctrl-C, if its parents do not end; nconfig ends, and leaves the screen as it is.
  case "$KDOCK_MENU" in
    menuconfig) trap '' INT ;;
    *) trap : INT ;;
  esac
  status=0
  kmake -s "$KDOCK_MENU" || status=$?
  if [ "$KDOCK_MENU" = nconfig ] && [ "$status" != 0 ]; then
    tput rmcup; tput cnorm; tput sgr0
    stty sane
    return 130
  fi
  [ "$status" = 0 ] || return "$status"
  if cmp -s .config .kdock/before.config; then echo "nothing was changed"; return; fi
  echo "working out what follows from what ..."
  trap - INT
  cp .config .kdock/wanted.config
  reduce
}

# /out/fragment.config: the requests which, put over all others, give the configuration that was saved.
reduce() {
  python3 "$lib/kconfig.py" pin --demands .kdock/demands.config --config .kdock/wanted.config --initramfs "$initramfs"
  others=.kdock/others.config
  # shellcheck disable=SC2046,SC2086 # lists of words on purpose
  python3 "$lib/kconfig.py" merge --version "$version" --config-dir "$lib/config" --output "$others" $fragments \
    $([ ! -s /in/others.config ] || echo --user /in/others.config)
  complete_config "$others" /dev/null
  cp .config .kdock/made.config
  again=
  for _ in 1 2 3; do
    # shellcheck disable=SC2086 # nothing, or an option
    python3 "$lib/kconfig.py" minimal --start .kdock/start.config --demands "$others" --made .kdock/made.config \
      --wanted .kdock/wanted.config --environment .kdock/kconfig.env --fragment .kdock/fragment.config $again
    complete_config "$others" .kdock/fragment.config
    if cmp -s .config .kdock/wanted.config; then break; fi
    cp .config .kdock/made.config
    again=--again
  done
  diff .config .kdock/wanted.config | sed -n 's/^> //p' > /out/lost.config || true
  cp .kdock/fragment.config /out/fragment.config
  cp .config /out/config
}

# .config: the preset with these requests, as a build would have it; .kdock/start.config: that, before Kconfig completes it.
complete_config() { # requests, more requests
  cp .kdock/preset.config .config
  python3 "$lib/kconfig.py" apply --demands "$1" --config .config
  cp .config .kdock/start.config
  cat "$1" "$2" > .kdock/all.config
  python3 "$lib/kconfig.py" apply --demands "$2" --config .config
  kmake -s olddefconfig
  python3 "$lib/kconfig.py" pin --demands .kdock/all.config --config .config --initramfs "$initramfs"
}
