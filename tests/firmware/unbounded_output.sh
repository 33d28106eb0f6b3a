#!/bin/sh
# usage: unbounded_output.sh FIRMWARE-DIR COMPILER
# A row of registers.def without a bound, or with SAFE outside its range, must not build; the untouched one must. The same of
# an axis without travel, ceilings or a place for its limit switch.
set -u
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cp -r "$1" "$dir/firmware"

build() {
	"$2" -std=gnu17 -fsyntax-only -I"$dir/firmware/protocol/include" -I"$dir/firmware/boards/native" \
		"$dir/firmware/core/outputs.c" "$dir/firmware/core/axes.c" 2>"$dir/$1"
}
refused() { # name, sed expression, word of the message
	sed "$2" "$dir/firmware/protocol/registers.def" >"$dir/changed"
	cmp -s "$dir/changed" "$dir/firmware/protocol/registers.def" && { echo "$1: nothing was changed"; exit 1; }
	cp "$dir/firmware/protocol/registers.def" "$dir/kept"
	cp "$dir/changed" "$dir/firmware/protocol/registers.def"
	build "$1" "$compiler" && { echo "$1: it built"; exit 1; }
	grep -q "$3" "$dir/$1" || { echo "$1: refused for another reason"; cat "$dir/$1"; exit 1; }
	cp "$dir/kept" "$dir/firmware/protocol/registers.def"
}

compiler=$2
build control "$compiler" || { cat "$dir/control"; exit 1; }
refused no-max-on '/"out.3"/s/500,/0,/' 'MAX_ON must be'
refused missing-max-on '/"out.3"/s/500,//' 'requires 9 arguments'
refused safe-out-of-range '/"out.3"/s/0, 1, 0,/0, 1, 2,/' 'SAFE must lie'
refused duty-not-safe '/"pwm.0"/s/1000, 0,/1000, 10,/' 'a duty is safe at 0'
refused no-velocity '/"axis.1"/s/ 20000,/ 0,/' 'MAX_V must be'
refused no-acceleration '/"axis.1"/s/20000, 100000,/20000, 0,/' 'MAX_A must be'
refused no-travel '/"axis.1"/s/0, 100000,/0, 0,/' 'travel must be'
refused missing-ceiling '/"axis.1"/s/20000, 100000,/20000,/' 'requires 12 arguments'
refused switch-in-travel '/"axis.1"/s/-100,/100,/' 'AT lies in the travel'
