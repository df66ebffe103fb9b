# shellcheck shell=sh
# fetch.sh — sourced by those who fetch tarballs from mirrors, for the kernel and for busybox: how a file is downloaded,
# and who has signed it. $work is the caller's folder for notes; what went wrong with an address is added to $work/tried, a
# line each.
# shellcheck disable=SC2034,SC2154 # the caller's words

note() { echo "  $*" >> "$work/tried"; }

# What every request is held to. A mirror may redirect, though never from https to http; one that stops sending is left.
quick_curl() { # url, curl's options ...
  case "$1" in
    https://*) from='=https' ;;
    *) from='=http,https' ;;
  esac
  url=$1
  shift
  curl --silent --show-error --fail --location --max-redirs 5 --proto "$from" --connect-timeout 10 \
    --speed-limit 1000 --speed-time "${KDOCK_PATIENCE:-20}" "$@" "$url"
}

# In curl's words, without its name and number.
why() { sed 's/^curl: ([0-9]*) //' "$work/curl.err" | tail -n 1; }

# A small file, whole or not at all. Returns 0; 4 when the server has no such file; 1 otherwise, and then it is noted.
small() { # url, file
  rm -f "$2"
  status=$(quick_curl "$1" --max-time 60 --output "$2" --write-out '%{http_code}' 2> "$work/curl.err") && return 0
  rm -f "$2"
  case "$status" in
    404 | 410) return 4 ;;
    *) note "$1: $(why)"; return 1 ;;
  esac
}

# Whether there is such a file, without fetching it.
offered() { quick_curl "$1" --max-time 60 --head --output /dev/null 2> /dev/null; }

# Says how far a download is, while process $1 runs: "@kdock bytes DONE TOTAL".
follow() { # process, file, headers, bytes that were there
  said='' pause=0.1
  while kill -0 "$1" 2> /dev/null; do
    sleep "$pause"
    [ "$said" = '' ] || pause=1
    done_bytes=$(stat -c %s "$2" 2> /dev/null || echo 0)
    rest=$(tr -d '\r' < "$3" 2> /dev/null | sed -n 's/^[Cc]ontent-[Ll]ength: //p' | tail -n 1)
    [ "$done_bytes" = "$said" ] || [ -z "$rest" ] || echo "@kdock bytes $done_bytes $((rest + $4))"
    said=$done_bytes
  done
}

# Downloads into FILE.part and makes it FILE when it is whole. What is there of it is continued, also across runs; then
# $continued is set, and a file that turns out to be wrong deserves to be fetched anew. Returns like `small`.
download() { # url, file
  continued=
  begun=$(stat -c %s "$2.part" 2> /dev/null || echo 0)
  if [ "$begun" -gt 0 ]; then
    continued=1
    echo "==> source: continuing $(basename "$2") at $((begun / 1024)) KiB"
    attempt "$1" "$2" "$begun" --continue-at -
    # 416: nothing is left to continue, so that it may be whole.
    if [ "$status" = 416 ]; then mv "$2.part" "$2"; return 0; fi
    # 33: this server does not continue.
    if [ "$code" = 33 ]; then rm -f "$2.part"; continued=; attempt "$1" "$2" 0; fi
  else
    attempt "$1" "$2" 0
  fi
  if [ "$code" = 0 ]; then mv "$2.part" "$2"; return 0; fi
  case "$status" in
    404 | 410) return 4 ;;
  esac
  note "$1: $(why)"
  return 1
}

attempt() { # url, file, bytes that are there, curl's options ...
  from_url=$1 to=$2 there=$3
  shift 3
  : > "$work/headers"
  quick_curl "$from_url" --output "$to.part" --dump-header "$work/headers" --write-out '%{http_code}' "$@" \
    > "$work/status" 2> "$work/curl.err" &
  curl_process=$!
  follow "$curl_process" "$to.part" "$work/headers" "$there"
  wait "$curl_process" && code=0 || code=$?
  status=$(cat "$work/status")
}

# Armored keys as the binary keyring that gpgv reads; each file may hold several blocks.
keyring() { # files ...
  for armored in "$@"; do
    [ -e "$armored" ] || continue
    if ! grep -q '^-----BEGIN PGP PUBLIC KEY BLOCK-----' "$armored"; then
      echo "error: $(basename "$armored") holds no armored PGP key: write it with gpg --armor --export" >&2
      exit 64
    fi
    tr -d '\r' < "$armored" | awk '
      /^-----BEGIN/ { head = 1; next }
      /^-----END/ { close("base64 -d"); head = 0; body = 0; next }
      head && /^[ \t]*$/ { head = 0; body = 1; next }
      body && !/^=/ { print | "base64 -d" }'
  done > "$work/keyring.gpg"
}

# Who has signed what comes on stdin: sets $signer to the primary key's fingerprint and returns 0; to the unknown key's
# and returns 2; or returns 1: the signature is of something else, or is none.
signed() { # signature
  signer=
  gpgv --keyring "$work/keyring.gpg" --status-fd 1 "$1" - > "$work/gpgv" 2> "$work/gpgv.err" && sound=1 || sound=
  field() { sed -n "s/^\[GNUPG:\] $1 //p" "$work/gpgv" | head -n 1; }
  if [ -n "$sound" ] && ! grep -q -e '^\[GNUPG:\] REVKEYSIG' -e '^\[GNUPG:\] EXPSIG' "$work/gpgv"; then
    signer=$(field VALIDSIG | awk '{ print $NF }')
    [ -z "$signer" ] || return 0
  fi
  ! grep -q '^\[GNUPG:\] BADSIG' "$work/gpgv" || return 1
  # The long form where the signature has it, else the key's id.
  signer=$(field ERRSIG | awk '{ print ($NF ~ /^[0-9A-F]+$/ && length($NF) == 40) ? $NF : $1 }')
  if [ -n "$signer" ]; then return 2; fi
  return 1
}

# --- One tarball from a folder of a mirror, by its sum or by its signature. The caller sets, besides $work:
#
#   file, tarball    its name there, and where it is to lie; what is left of it after all is the right one
#   signature        the name of the signature beside it; it is kept as $tarball.sign
#   unpacked         the words of a command that prints what the signature is for, given the tarball: "xz -dc", or "cat"
#   wanted_sha256    exactly this one, and no signature is checked; empty for any with a signature of a known key
#   continued        not empty when $tarball may be there already and may be wrong
#   signer_name      a function that names $signer

# Before the first folder is asked: what went wrong so far.
begin_attempts() {
  missing='' unsigned='' stranger='' forged='' damaged='' misnamed='' other_sum=''
}

# Sets $sha256 and $signed_by and returns 0; 4 when the server answers and has not got both files; 1 otherwise. What was
# continued and turned out wrong is fetched anew, once.
from_folder() { # address
  url=$1/$file
  echo "==> source: $url"
  if [ -z "$wanted_sha256" ]; then
    small "$1/$signature" "$tarball.sign" && found=0 || found=$?
    if [ "$found" = 4 ]; then
      if offered "$url"; then unsigned=1; note "$1/$signature: no such file"; else missing=1; note "$url: no such file"; fi
    fi
    [ "$found" = 0 ] || return "$found"
  fi
  if [ ! -e "$tarball" ]; then fetch_tarball || return; fi
  ! verify "$url" || return 0
  [ -n "$continued" ] || return 1
  echo "==> source: what had been continued is wrong, once more from the beginning"
  if [ -z "$wanted_sha256" ]; then small "$1/$signature" "$tarball.sign" || return; fi
  fetch_tarball || return
  verify "$url"
}

fetch_tarball() {
  download "$url" "$tarball" && found=0 || found=$?
  if [ "$found" = 4 ]; then missing=1; note "$url: no such file"; fi
  return "$found"
}

# The tarball is there: is it the one? Returns 0, or says what is wrong and removes it.
verify() { # where it came from
  echo "@kdock phase verify"
  sha256=$(sha256sum "$tarball" | cut -d' ' -f1)
  if [ -n "$wanted_sha256" ]; then
    signed_by=
    [ "$sha256" != "$wanted_sha256" ] || return 0
    note "$1: sha256 $sha256, not $wanted_sha256"
    other_sum=$sha256
    rm -f "$tarball" "$tarball.signed-by"
    return 1
  fi
  rm -f "$work/damaged"
  # shellcheck disable=SC2086 # words on purpose
  { $unpacked "$tarball" 2> "$work/unpack.err" || : > "$work/damaged"; } | { signed "$tarball.sign" && verdict=0 || verdict=$?; echo "$verdict $signer" > "$work/verdict"; cat > /dev/null; }
  read -r verdict signer < "$work/verdict" || true
  if [ -e "$work/damaged" ]; then
    note "$1: the tarball is damaged ($(sed 's/.*: //' "$work/unpack.err" | tail -n 1))"
    damaged=1
  elif [ "$verdict" = 2 ]; then
    note "$1: signed with the unknown key $signer"
    stranger=$signer
  elif [ "$verdict" != 0 ]; then
    note "$1: the signature does not fit the tarball"
    forged=1
  elif top=$(tar -tf "$tarball" 2> /dev/null | head -n 1) && [ "${top%%/*}" != "${file%.tar.*}" ]; then
    # A signature does not say of which version: an old one, renamed, fits its own.
    misnamed=${top%%/*}
    misnamed=${misnamed:-something else}
    note "$1: holds $misnamed"
  else
    echo "==> source: signed by $(signer_name) ($signer)"
    signed_by=pgp:$signer
    return 0
  fi
  rm -f "$tarball" "$tarball.sign" "$tarball.signed-by"
  return 1
}

tried() { [ ! -s "$work/tried" ] || { echo "Tried:"; cat "$work/tried"; } >&2; }

# Ends with what is wrong with the signature, the gravest first; returns when nothing is.
refuse_signature() { # the key of kdock.yaml that names further signers
  if [ -n "$forged" ]; then
    echo "error: $file does not match its signature: it was changed on the way, or the mirror is damaged" >&2
    tried
    exit 1
  elif [ -n "$misnamed" ]; then
    echo "error: $file holds $misnamed: it was renamed on the way, or the mirror is damaged" >&2
    tried
    exit 1
  elif [ -n "$stranger" ]; then
    echo "error: $file is signed with an unknown key: $stranger" >&2
    echo "  If you trust its owner, get the key from them (not from the mirror), compare this fingerprint, and name its file" >&2
    echo "  in $1: gpg --armor --export $stranger > signer.asc" >&2
    tried
    exit 64
  fi
}
