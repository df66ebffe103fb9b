# shellcheck shell=sh
# debian.sh — sourced by those who ask Debian's archives (archives.sh, resolve.sh, ../kernel/source.sh): how an archive is
# written down for apt, where its security updates are, what it was like at another time, and who vouches for it.
# $work is the caller's folder for notes.

# What limits a question whose answer may be that there is nothing.
quick="-o Acquire::Retries=0 -o Acquire::http::Timeout=10 -o Acquire::https::Timeout=10"

# Images whose keys lie elsewhere than in trusted.gpg.d name them in their sources: so must a source of ours.
archive_line() { # address, suite, apt's options
  options=${3:-}
  if [ -z "$(ls /etc/apt/trusted.gpg.d)" ]; then
    for keyring in /usr/share/keyrings/debian-archive-keyring.*; do options="$options signed-by=$keyring"; done
  fi
  echo "deb ${options:+[${options# }] }$1 $2 main"
}

# A suite and, where this archive has them, its updates and its security updates: the same packages as those see who use
# the sources that Debian itself writes down.
suite_lines() { # address, suite, apt's options
  archive_line "$@"
  if offers "$1" "$2-updates"; then archive_line "$1" "$2-updates" "${3:-}"; fi
  security=$(security_beside "$1")
  if [ -n "$security" ] && offers "$security" "$2-security"; then archive_line "$security" "$2-security" "${3:-}"; fi
}

# Mirrors have security updates in a folder beside the main archive.
security_beside() { # address
  case "$1" in
    */debian | */debian/*) echo "$1" | sed 's,/debian\(/\|$\),/debian-security\1,' ;;
  esac
}

offers() { # address, suite
  # shellcheck disable=SC2086,SC2154 # a list of options on purpose; the caller's folder
  /usr/lib/apt/apt-helper $quick download-file "${1%/}/dists/$2/InRelease" "$work/offered" > /dev/null 2>&1
}

# A snapshot is taken after the mirrors were pushed to, so that the right one may carry a later moment than the lock.
snapshot_ids() { # 20261123T033000Z
  spelt=$(echo "$1" | sed 's/^\(....\)\(..\)\(..\)T\(..\)\(..\)\(..\)Z$/\1-\2-\3 \4:\5:\6/')
  for hours in 0 12 24; do date -u -d "$spelt UTC + $hours hours" +%Y%m%dT%H%M%SZ; done
}

snapshot_address() { # address with @SNAPSHOTID@, moment
  echo "${1%%@SNAPSHOTID@*}$2${1#*@SNAPSHOTID@}"
}

# Whether this apt finds Debian's snapshot archive by itself.
knows_snapshots() { apt-config dump | grep -q '^Acquire::Snapshots::'; }

# The primary keys that vouch for an archive, one to a line, whichever of the two programs checks signatures for this apt.
signers() { # InRelease file
  if command -v sqv > /dev/null; then
    keyrings=
    for keyring in /etc/apt/trusted.gpg.d/*.* /usr/share/keyrings/debian-archive-keyring.*; do
      [ ! -e "$keyring" ] || keyrings="$keyrings --keyring $keyring"
    done
    rm -f "$work/authenticated"
    # apt's policy, as apt says it to sqv.
    # shellcheck disable=SC2086 # options on purpose
    SEQUOIA_CRYPTO_POLICY=/usr/share/apt/default-sequoia.config \
      sqv $keyrings --output "$work/authenticated" --cleartext "$1"
  else
    for keyring in /etc/apt/trusted.gpg.d/*.* /usr/share/keyrings/debian-archive-keyring.gpg; do
      case "$keyring" in
        # gpgv reads binary keyrings only.
        *.asc) awk '/^-----/ { body = 0 } body && !/^=/; /^$/ { body = 1 }' "$keyring" | base64 -d ;;
        *) [ ! -e "$keyring" ] || cat "$keyring" ;;
      esac
    done > "$work/keyring.gpg"
    # It fails when one of several keys is unknown; those that it knows are what counts.
    gpgv --keyring "$work/keyring.gpg" --status-fd 1 --output /dev/null "$1" 2> /dev/null | sed -n 's/^\[GNUPG:\] VALIDSIG .* //p'
  fi | sort -u
}
