#!/bin/sh
# Appends one line to effects/NAME for every time that it is run: tests count the lines. `--set` replaces the line
# of the same operation; `--probe` exits 0 when the operation left its line, else 1.
set -eu
mkdir -p effects
case "$1" in
--probe) grep -qsx "$SALVOR_OPERATION" "effects/$2" || exit 1 ;;
--set) echo "$SALVOR_OPERATION" >"effects/$2" ;;
*) echo "$SALVOR_OPERATION" >>"effects/$1" ;;
esac
