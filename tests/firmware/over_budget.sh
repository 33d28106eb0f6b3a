#!/bin/sh
# usage: over_budget.sh NODE-BUDGET OBJDUMP ELF-DIR
# The budgets that the build checks are kept with the real figures and refused with smaller ones, naming which and by how much.
set -u
budget=$1 objdump=$2 elf=$3/node-atmega328p.elf

check() { "$budget" "$elf" "$objdump" "$@" 2>&1; }
fail() { echo "$1"; exit 1; }

said=$(check 30720 0x800100 2048 2) || fail "the real budgets are refused: $said"
flash=$(echo "$said" | sed -n 's/.*flash \([0-9]*\) of.*/\1/p')
memory=$(echo "$said" | sed -n 's/.*memory \([0-9]*\) of.*/\1/p')
[ "$flash" -gt 8000 ] && [ "$memory" -gt 1000 ] || fail "no figures in: $said"

check "$flash" 0x800100 "$memory" 2 >/dev/null || fail "exactly full is refused"
said=$(check $((flash - 7)) 0x800100 2048 2) && fail "7 bytes too much flash are accepted"
echo "$said" | grep -q 'budget of flash by 7 bytes' || fail "not named: $said"
said=$(check 30720 0x800100 $((memory - 9)) 2) && fail "9 bytes too much memory are accepted"
echo "$said" | grep -q 'budget of memory (variables and the deepest stack) by 9 bytes' || fail "not named: $said"

# The figure of the sections is the linker's: .data and .text in flash (avr-objdump -h, another way to read the same file).
is=$("$objdump" -h "$elf" | awk '$2 == ".text" || $2 == ".data" {print $3}' |
	while read -r n; do echo $((0x$n)); done | paste -sd+ | sed 's/.*/echo $((&))/' | sh)
[ "$is" -eq "$flash" ] || fail "flash is $is, not $flash"
