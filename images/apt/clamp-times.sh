#!/bin/sh
# clamp-times.sh — last command of a RUN: nothing in the layer may be younger than SOURCE_DATE_EPOCH, or the layer's
# digest would tell the hour of the build.
set -eu
[ "${SOURCE_DATE_EPOCH:-0}" -gt 0 ] || exit 0
find / -xdev -newermt "@$SOURCE_DATE_EPOCH" \( -type f -o -type d -o -type l \) \
  -not -path '/proc/*' -not -path '/sys/*' -not -path '/dev/*' \
  -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
