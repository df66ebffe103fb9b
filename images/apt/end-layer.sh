#!/bin/sh
# end-layer.sh — last command of a RUN that called begin-layer.sh: takes out of the layer what would tell the hour of
# the build. Nothing in it may be newer than SOURCE_DATE_EPOCH, and nothing may be dated by this machine's clock, even
# where that is behind.
set -eu
work=${TMPDIR:-/tmp}/kdock-work

# A deleted file of the base leaves a mark in the layer that is dated by the build: so it is emptied.
while read -r file; do
  if grep -qxF "$file" "$work/inherited"; then : > "$file"; else rm -f "$file"; fi
done < "$work/volatile"

[ "${SOURCE_DATE_EPOCH:-0}" -gt 0 ] || exit 0

# Compiled Python holds its source's date, which may change below, and before 3.11 sets in the order of a random number.
if command -v python3 > /dev/null; then
  find /usr -xdev -newercm "$work/begin" -name '*.pyc' | sed 's|__pycache__/\(.*\)\.cpython-[0-9]*\.pyc$|\1.py|' |
    LC_ALL=C sort > "$work/sources"
  PYTHONHASHSEED=0 python3 -B -m compileall -q -f --invalidation-mode unchecked-hash -i "$work/sources"
fi

# -newercm: what this RUN wrote, and nothing of the base, which a new date would copy into the layer.
find / -xdev -newercm "$work/begin" \( -newermt "@$SOURCE_DATE_EPOCH" -o -newer "$work/begin" \) \
  \( -type f -o -type d -o -type l \) -not -path '/proc/*' -not -path '/sys/*' -not -path '/dev/*' \
  -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
