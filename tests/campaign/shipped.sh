#!/bin/sh
# campaign.shipped: scenarios/fall-watch/pre-field.yaml is played, all its claims PASS, again it plays nothing, and claims made
# from the folder without one of its runs stay open.
set -eu
bin=$1 source=$2
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$bin/anzen" campaign run "$source/scenarios/fall-watch/pre-field.yaml" -o "$out" >"$out/first"
"$bin/anzen" campaign run "$source/scenarios/fall-watch/pre-field.yaml" -o "$out" >"$out/second" 2>"$out/progress"
cmp "$out/first" "$out/second"
if [ -s "$out/progress" ]; then
	echo "it played again:" && cat "$out/progress"
	exit 1
fi
campaign=$out/fall-watch-pre-field
[ "$(find "$campaign/runs" -name run.json | wc -l)" -ge 29 ]
rm -r "$(find "$campaign/runs" -mindepth 1 -maxdepth 1 | sort | sed -n 5p)"
code=0
"$bin/anzen" claim "$campaign" >"$out/third" || code=$?
[ "$code" -eq 3 ] || { cat "$out/third"; exit 1; }
grep -q "left out" "$out/third"
