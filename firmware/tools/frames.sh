#!/bin/sh
# usage: frames.sh BUDGET CONTEXTS FOLDER
# An upper bound of the deepest stack from gcc's *.su files: in each of CONTEXTS nested contexts every function's frame once, with
# what an exception saves (32 bytes, and 8 of alignment). A frame of unknown size, or a bound above BUDGET, is an error.
set -u
budget=$1 contexts=$2 folder=$3
set -- "$folder"/*.su
[ -e "$1" ] || { echo "frames.sh: no stack usage in $folder"; exit 1; }
if grep -H 'dynamic' "$@" | grep -v 'bounded'; then
	echo "frames.sh: a frame of unknown size"
	exit 1
fi
sum=$(awk -F'\t' '{sum += $2} END {print sum + 0}' "$@")
bound=$((contexts * (sum + 40)))
echo "stm32f405: deepest stack at most $bound of $budget bytes ($contexts contexts of $sum bytes in all frames)"
[ "$sum" -gt 0 ] && [ "$bound" -le "$budget" ] && exit 0
echo "stm32f405: over its budget of stack by $((bound - budget)) bytes: $bound of $budget"
exit 1
