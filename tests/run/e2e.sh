#!/usr/bin/env bash
# Whole runs, most of them in lock-step, as a technician types them.
#
#   e2e.sh BIN SOURCE defects stove-guard|fall-watch   no planted defect may ever end as PASS
#   e2e.sh BIN SOURCE repeat                           same seed, same numbers; score says what the run said
#   e2e.sh BIN SOURCE live                             one run in real time passes
#   e2e.sh BIN SOURCE cleanup                          carried out on every end, said when it fails, changing no verdict
#   e2e.sh BIN SOURCE confined                         the same with nothing but the bench in the product's network
#   e2e.sh BIN SOURCE replay                           of one recording: lock-step, rates, loops, steps, perturbations
#   e2e.sh BIN SOURCE perturbed                        a scenario's perturbations: seeds, truth, replay, deadline
#   e2e.sh BIN SOURCE hand                            an axis moves a hand: PASS, FAIL, and INVALID when the e-stop cuts it
#   e2e.sh BIN SOURCE hand-live                       the same in real time, by the release firmware
#   e2e.sh BIN SOURCE broken                           one line, the right exit code, nothing left behind
set -u
bin=$1 source=$2 what=$3 product=${4:-}
work=$(mktemp -d)
export TMPDIR=$work/tmp
mkdir "$TMPDIR"
trap 'rm -rf "$work"' EXIT
failed=0

fail() { echo "FAILED: $*" >&2; failed=1; }

# run PRODUCT_FILE KIND [OPTIONS]: exit code in $code, result in $work/out.json
run() {
	local file=$1 kind=$2
	shift 2
	local scenario=stove-guard/pan-overheat rig=kitchen-virtual
	[ "$kind" = fall-watch ] && scenario=fall-watch/chair-fall rig=living-room-virtual
	timeout 100 "$bin/anzen" run "$source/scenarios/$scenario.yaml" --rig "$source/rigs/$rig.yaml" --product "$file" \
		-o "$work/runs" --yes --lock-step --json "$@" </dev/null >"$work/out.json" 2>"$work/err"
	code=$?
}

field() { grep -o "\"$1\" *: *[^,}]*" "$work/out.json" | head -1 | sed 's/.*: *//; s/"//g'; }

# variant KIND DEFECT: the product with one planted defect, beside nothing else of its folder
variant() {
	sed -e "s/^id: .*/id: $1-$2/" -e "s/\(process: \[.*\)\]\(, ready\)/\1, --defect, $2]\2/" \
		"$source/products/$1/product.yaml" >"$work/$1-$2.yaml"
	grep -q -- "--defect, $2\]" "$work/$1-$2.yaml" || fail "the variant $2 was not made"
	echo "$work/$1-$2.yaml"
}

defects() {
	run "$source/products/$product/product.yaml" "$product"
	[ "$code" = 0 ] && [ "$(field verdict)" = PASS ] || fail "the good product: exit $code: $(cat "$work/err")"
	for defect in late blind stuck-alarm backdates silent-crash garbage flood; do
		run "$(variant "$product" "$defect")" "$product"
		# a defect of the product is the product's FAIL, never PASS and never the bench's INVALID
		[ "$code" = 1 ] && [ "$(field verdict)" = FAIL ] ||
			fail "$product with $defect: exit $code, $(field verdict): $(tail -1 "$work/err")"
	done
}

repeat() {
	local first
	run "$source/products/stove-guard/product.yaml" stove-guard
	first="$(field verdict) $(field measured)"
	local folder
	folder=$(field folder)
	run "$source/products/stove-guard/product.yaml" stove-guard
	[ "$first" = "$(field verdict) $(field measured)" ] || fail "seed 1 gave $first, then $(field measured)"
	"$bin/anzen" score "$folder" --json >"$work/out.json" || fail "score: exit $?"
	[ "$first" = "$(field verdict) $(field measured)" ] || fail "the run said $first, score $(field measured)"
	[ "$(field standing)" = "$(field recorded)" ] || fail "standing and recorded differ"
	"$bin/anzen" session verify "$folder/session.mcap" >/dev/null || fail "the session does not verify"
	"$bin/anzen" report "$folder" --lang ja >/dev/null || fail "no report"
	grep -q '>適合<' "$folder/report.html" || fail "the Japanese report does not say 適合"
	grep -q '仮想試験' "$folder/report.html" || fail "the Japanese report does not say 仮想試験"
	run "$source/products/stove-guard/product-late.yaml" stove-guard
	[ "$code" = 1 ] || fail "late: exit $code"
	run "$source/products/stove-guard/product-borderline.yaml" stove-guard
	[ "$code" = 3 ] || fail "borderline: exit $code"
	run "$source/products/stove-guard/product.yaml" stove-guard --fault "io:silent@3 s"
	[ "$code" = 4 ] && [ "$(field verdict)" = INVALID ] || fail "silent unit: exit $code"
	# What product.yaml does not declare is said.
	run "$source/products/fall-watch/product.yaml" fall-watch
	grep -q product.undeclared "$(field folder)/run.json" && fail "the reference product says something undeclared"
	sed 's/equals: card/equals: cart/' "$source/products/fall-watch/product.yaml" >"$work/undeclared.yaml"
	run "$work/undeclared.yaml" fall-watch
	grep -q '"product.undeclared":"[0-9]* messages, the first: .*card' "$(field folder)/run.json" ||
		fail "run.json does not say what was undeclared: $(field why)"
	run "$source/products/fall-watch/product.yaml" fall-watch --fault "cam:freeze@3 s"
	[ "$code" = 4 ] && [ "$(field verdict)" = INVALID ] || fail "frozen camera: exit $code"
}

# play CODE VERDICT [OPTIONS]: a replay of $session ends so; result in $work/out.json
play() {
	local want=$1 verdict=$2
	shift 2
	timeout 60 "$bin/anzen" replay "$session" -o "$work/replays" --json "$@" </dev/null >"$work/out.json" 2>"$work/err"
	code=$?
	[ "$code" = "$want" ] && { [ -z "$verdict" ] || [ "$(field verdict)" = "$verdict" ]; } ||
		fail "replay $*: exit $code, $(field verdict) instead of $want, $verdict: $(tail -1 "$work/err") $(field why)"
}

says() { grep -q "$1" "$work/out.json" || fail "the replay does not say '$1': $(cat "$work/out.json")"; }

# given NAME: what the product was given as pan.temperature, without the times of the day
given() {
	"$bin/anzen" session export "$(field folder)/session.mcap" --signal perturbed.pan.temperature -o "$work/$1.csv" ||
		fail "export of $1"
}

# stopped SIGNAL: while it waits for a step, with the keyboard there but silent; it ends as after q, its session kept whole
stopped() {
	rm -rf "$work/stopped"
	mkfifo "$work/keys" "$work/said"
	exec 5<>"$work/keys"
	"$bin/anzen" replay "$session" --product "$good" --step -o "$work/stopped" --json <&5 >"$work/out.json" 2>"$work/said" &
	local pid=$! line
	exec 6<"$work/said"
	read -r -t 60 -d '>' -u 6 line || fail "$1: no step was asked for"
	kill -"$1" $pid
	wait $pid
	code=$?
	exec 5>&- 6<&-
	rm "$work/keys" "$work/said"
	[ "$code" = 4 ] && [ "$(field verdict)" = INVALID ] || fail "a step ended by SIG$1: exit $code, $(field verdict)"
	"$bin/anzen" session verify "$work"/stopped/*/session.mcap >/dev/null || fail "SIG$1: the session does not verify"
	grep -q "stopped by the operator" "$work"/stopped/*/run.json || fail "SIG$1: run.json does not say who stopped it"
	[ -z "$(ls "$TMPDIR")" ] || fail "SIG$1 left behind: $(ls "$TMPDIR")"
}

# delay VERDICT PRODUCT [OPTIONS]: so a lock-step replay of $session judges the delay; the session's two judges agree
delay() {
	timeout 60 "$bin/anzen" replay "$session" --product "$2" --rate answer -o "$work/replays" --json "${@:3}" </dev/null >"$work/out.json" 2>"$work/err"
	local got
	got=$(grep -A1 '"id" : "living/stove-guard/shut-off-delay"' "$work/out.json" | sed -n 's/.*"verdict" : "\(.*\)".*/\1/p')
	[ "$got" = "$1" ] || fail "replay to $2 ${*:3}: the delay is $got instead of $1: $(tail -1 "$work/err") $(cat "$work/out.json")"
	"$bin/anzen-verdict-check" "$(field folder)" >/dev/null || fail "the second judge does not agree: $2 ${*:3}"
}

# What the recording's product did to the pan is held against nobody.
open_loop() {
	local good=$source/products/stove-guard/product.yaml measured early=$work/early.yaml
	sed 's/"\$modbus"\]/"$modbus", --limit, "212"]/' "$good" >"$early"
	run "$early" stove-guard
	session=$(field folder)/session.mcap
	# the same product: what it answered to was nobody's doing; what it does afterwards nobody knows
	delay PASS "$early"
	# a later one would have been right in a pan that went on heating; one that does nothing would have been wrong
	delay INVALID "$good"
	says "open loop: pan.temperature follows the recording's product, whose product.shut had moved stove.valve.* closed loop (at [0-9.]* s)"
	delay INVALID "$(variant stove-guard blind)"
	# nobody shaped this recording: its product saw nothing
	run "$(variant stove-guard blind)" stove-guard
	session=$(field folder)/session.mcap
	delay PASS "$early"
	delay PASS "$good"
	measured=$(field measured)
	delay PASS "$good"
	[ "$measured" = "$(field measured)" ] || fail "lock-step gave $measured, then $(field measured)"
	says "open loop: pan.temperature does not follow the product, whose product.shut would have moved stove.valve"
	for defect in late blind silent-crash; do
		delay FAIL "$(variant stove-guard "$defect")"
	done
	play 1 FAIL --product "$(variant stove-guard stuck-alarm)" --rate answer
}

replays() {
	local good=$source/products/stove-guard/product.yaml session
	open_loop
	# time that is not the recording's, a world that jumps, an operator's stop
	play 4 INVALID --product "$good" --rate 20
	says "not played at recorded speed"
	play 4 INVALID --product "$good" --rate max
	play 4 INVALID --product "$good" --to '1 s' --deadline '0.001 us'
	says "the replay was late"
	play 4 INVALID --product "$good" --rate answer --loop 2
	grep -q "the recording begins again" "$(field folder)/run.json" || fail "the jump between two loops is not said"
	printf '5\n\nq\n' | timeout 60 "$bin/anzen" replay "$session" --product "$good" --step -o "$work/replays" --json >"$work/out.json" 2>"$work/err"
	[ "$(field verdict)" = INVALID ] || fail "a replay that was stopped: $(field verdict)"
	[ "$(grep -o 'q: stop' "$work/err" | wc -l)" = 3 ] || fail "three steps were asked for: $(cat "$work/err")"
	for signal in INT TERM; do stopped $signal; done
	# a part of the criteria, said as such
	play 4 INVALID --product "$good" --rate answer --criterion no-false-shut-off
	grep -q '"left_out".*shut-off-delay' "$(field folder)/run.json" || fail "run.json does not say what was left out"
	# what it is judged with is not left out, and the second judge knows
	delay PASS "$good" --criterion shut-off-delay
	play 2 "" --product "$good" --rate answer --criterion no-such-one
	# perturbed: the same seed the same input, and everything says so
	delay PASS "$good" --perturb noise:2 --seed 7
	says '"chain" *: *"noise:2"'
	says '"labels" *: *"checked'
	grep -q 'noise:2' "$(field folder)/report.html" || fail "the report does not say what was perturbed"
	given first
	delay PASS "$good" --perturb noise:2 --seed 7
	given second
	cmp -s "$work/first.csv" "$work/second.csv" || fail "seed 7 gave two different inputs"
	delay PASS "$good" --perturb noise:2 --seed 8
	given third
	cmp -s "$work/first.csv" "$work/third.csv" && fail "seeds 7 and 8 gave the same input"
	local perturbed
	perturbed=$(field folder)
	"$bin/anzen" score "$perturbed" --json >"$work/out.json"
	says '"chain" *: *"noise:2"'
	timeout 20 "$bin/anzen" replay "$perturbed/session.mcap" --product "$good" --rate answer 2>"$work/err" && fail "a perturbed replay was played again"
	grep -q "play what it was made from, session.mcap" "$work/err" || fail "a perturbed replay: $(cat "$work/err")"
	delay INVALID "$good" --perturb time-skew:5
	says '"labels" *: *"moved: .* 1.000 s late'
	delay FAIL "$good" --perturb spoof:5
	says '"labels" *: *"unverified: spoof'
	play 2 "" --product "$good" --perturb fog:3 --rate answer # it has no camera
	play 2 "" --product "$good" --perturb fogg:3
	play 2 "" --product "$good" --rate 21
	play 2 "" --product "$good" --rate fast
	play 2 "" --product "$good" --loop 0
	play 2 "" --product "$good" --deadline '0 s'
	# a product without lock-step is no product that failed
	sed 's/process: \[.*\], ready/process: [sleep, "60"], ready/' "$good" >"$work/mute.yaml"
	play 2 "" --product "$work/mute.yaml" --rate answer
	grep -q "no answer in lock-step" "$work/err" || fail "a product without lock-step: $(cat "$work/err")"
}

# planned SED CODE VERDICT [OPTIONS]: a run of pan-overheat with these lines added
planned() {
	local change=$1 want=$2 verdict=$3
	sed "s/^criteria:/$change\ncriteria:/" "$source/scenarios/stove-guard/pan-overheat.yaml" >"$work/planned.yaml"
	timeout 60 "$bin/anzen" run "$work/planned.yaml" --rig "$source/rigs/kitchen-virtual.yaml" \
		--product "$source/products/stove-guard/product.yaml" -o "$work/runs" --yes --lock-step --json "${@:4}" \
		</dev/null >"$work/out.json" 2>"$work/err"
	code=$?
	[ "$code" = "$want" ] && { [ -z "$verdict" ] || [ "$(field verdict)" = "$verdict" ]; } ||
		fail "planned $change ${*:4}: exit $code, $(field verdict) instead of $want, $verdict: $(tail -1 "$work/err") $(field why)"
}

# from t = 0 on, what the product was given
given_since_start() { given all; awk -F, 'NR > 1 && $1 >= 0' "$work/all.csv" >"$work/$1.csv"; }

# the recorded pan, until the product has answered
truth() {
	"$bin/anzen" session export "$(field folder)/session.mcap" --signal pan.temperature -o "$work/all.csv"
	awk -F, 'NR > 1 && $1 >= 0 && $1 < 2' "$work/all.csv" >"$work/$1.csv"
	[ "$(wc -l <"$work/$1.csv")" -gt 50 ] || fail "little was recorded: $(cat "$work/$1.csv")"
}

# What a scenario does to its product's input, live and replayed alike.
perturbed() {
	local good=$source/products/stove-guard/product.yaml session
	local noise='perturb:\n  - {signal: pan.temperature, kind: noise, severity: 2, from: 500 ms}\ndeadline: 40 ms'
	cp -r "$source/criteria" "$work/"
	planned "$noise" 0 PASS --seed 7
	says '"chain" *: *"noise:2@pan.temperature+500ms.."'
	says '"labels" *: *"checked'
	session=$(field folder)/session.mcap
	given_since_start first
	[ "$(wc -l <"$work/first.csv")" -gt 100 ] || fail "little was given: $(cat "$work/first.csv")"
	grep -q 'noise:2@pan.temperature' "$(field folder)/report.html" || fail "the report does not say what was perturbed"
	"$bin/anzen-verdict-check" "$(field folder)" >/dev/null || fail "the second judge does not agree on a perturbed run"
	truth true
	planned "$noise" 0 PASS --seed 7
	given_since_start second
	cmp -s "$work/first.csv" "$work/second.csv" || fail "seed 7 gave two different inputs"
	planned "$noise" 0 PASS --seed 8
	given_since_start third
	cmp -s "$work/first.csv" "$work/third.csv" && fail "seeds 7 and 8 gave the same input"
	# what the bench records of the pan is the undisturbed signal, whatever was done to the input
	planned "" 0 PASS --seed 7
	truth plain
	cmp -s "$work/true.csv" "$work/plain.csv" || fail "the recorded truth was disturbed: $(diff "$work/true.csv" "$work/plain.csv" | head -4)"
	# a replay shows the product the same again, and only "none" does not; the plan's deadline can be cut, not stretched
	delay PASS "$good"
	says '"chain" *: *"noise:2@pan.temperature+500ms.."'
	says '"seed" *: *"7"'
	given_since_start replayed
	cut -d, -f2- "$work/first.csv" | head -1000 >"$work/a"
	cut -d, -f2- "$work/replayed.csv" | head -1000 >"$work/b"
	cmp -s "$work/a" "$work/b" || fail "live and replayed differ: $(diff "$work/a" "$work/b" | head -4)"
	# (undisturbed it need not pass: the pan stays as cool as the first product's early answer left it)
	timeout 60 "$bin/anzen" replay "$session" --product "$good" --rate answer --perturb none -o "$work/replays" --json >"$work/out.json" 2>"$work/err"
	grep -q perturb "$work/out.json" && fail "--perturb none: $(cat "$work/out.json")"
	grep -q verdict "$work/out.json" || fail "--perturb none: $(cat "$work/err")"
	grep -q 'NOT given this perturbed input: noise:2@pan.temperature+500ms..' "$(field folder)/report.html" || fail "--perturb none is not said"
	play 2 "" --product "$good" --deadline '41 ms'
	grep -q "more than the scenario of the recording allows: 40 ms" "$work/err" || fail "a longer deadline: $(cat "$work/err")"
	planned "" 3 INCONCLUSIVE --perturb time-skew:5
	says '"labels" *: *"moved: .* 1.000 s late'
	planned 'perturb:\n  - {signal: pan.temperature, kind: noise, severity: 0}' 0 PASS
	grep -q 'NOT given this perturbed input: noise:0@pan.temperature' "$(field folder)/report.html" || fail "severity 0 is not said"
	planned 'deadline: 0.001 us' 0 PASS
	session=$(field folder)/session.mcap
	play 4 INVALID --product "$good" --to '1 s'
	says "the replay was late"
	planned "$noise" 0 "" --perturb bias:1
	says '"chain" *: *"noise:2@pan.temperature+500ms..,bias:1"'
	planned "$noise" 2 "" --perturb fog:3
	grep -q "reads nothing that this could be done to" "$work/err" || fail "fog without a camera: $(cat "$work/err")"
	planned 'perturb:\n  - {signal: room.temperature, kind: fog, severity: 2}' 2 ""
	grep -q "planned.yaml:[0-9]*:[0-9]*: error: fog is for pictures" "$work/err" || fail "fog on a signal: $(cat "$work/err")"
}

# cleanup CODE STATE SED [OPTIONS]: a run of the edited scenario ends so, and run.json says that of its cleanup
cleanup() {
	local want=$1 state=$2 change=$3 events
	sed "$change" "$source/scenarios/stove-guard/pan-overheat.yaml" >"$work/cleanup.yaml"
	rm -rf "$work/runs"
	timeout 100 "$bin/anzen" run "$work/cleanup.yaml" --rig "$source/rigs/kitchen-virtual.yaml" \
		--product "$source/products/stove-guard/product${product:+-$product}.yaml" \
		-o "$work/runs" --yes --lock-step --json "${@:4}" </dev/null >"$work/out.json" 2>"$work/err"
	code=$?
	[ "$code" = "$want" ] || fail "cleanup, $change: exit $code instead of $want: $(tail -1 "$work/err")"
	grep -q "\"cleanup\":\"$state" "$work"/runs/*/run.json || fail "cleanup, $change: run.json does not say '$state', but $(grep -o '"cleanup":"[^"]*"' "$work"/runs/*/run.json)"
	events=$("$bin/anzen" session cat "$work"/runs/*/session.mcap | grep -A1000 cleanup.begin)
	[[ $events == *cleanup.begin*cleanup.end*state.* ]] || fail "cleanup, $change: $events"
	[ "$state" = "done" ] || grep -q "the cleanup did not succeed" "$work/err" || fail "cleanup, $change: not said"
	grep -q "effect.stove.valve" <<<"$events" || [ "${4:-}" ] || fail "cleanup, $change: the valve was not set: $events"
}

all_cleanup() {
	cp -r "$source/criteria" "$work/"
	local never='s/- set: {stove.valve: 0}/- set: {stove.valve: 0, room.lamp: 90 lx}\n    settle: {signal: room.illuminance, to: 9 lx, within: 5 %, for: 1 s, timeout: 2 s}/'
	cleanup 0 "done" 's/^cleanup:/cleanup:/'
	cleanup 0 "did not settle: room.illuminance" "$never" # PASS stays PASS
	product=late
	cleanup 1 "did not settle: room.illuminance" "$never" # and FAIL FAIL
	product=
	# a step may only wait
	cleanup 0 "did not settle: room.illuminance" 's/- set: {stove.valve: 0}/&\n  - settle: {signal: room.illuminance, to: 9 lx, within: 5 %, for: 1 s, timeout: 2 s}/'
	cleanup 4 "done" 's/< 430 degC/< 150 degC/'                         # a stop rule
	cleanup 4 "node-a\|stove.heater" 's/< 430 degC/< 150 degC/; s/set: {stove.valve: 0}$/set: {stove.heater: 0, stove.valve: 0}/'
}

# hand PRODUCT [OPTIONS]: the hand hides the pan; exit code in $code
hand() {
	timeout 60 "$bin/anzen" run "$source/scenarios/stove-guard/hand-over-pan.yaml" --rig "$source/rigs/kitchen-rail-virtual.yaml" \
		--product "$source/products/stove-guard/$1" -o "$work/runs" --yes --json "${@:2}" </dev/null >"$work/out.json" 2>"$work/err"
	code=$?
}

# hands CODE VERDICT PRODUCT [OPTIONS]
hands() {
	hand "$3" --lock-step "${@:4}"
	[ "$code" = "$1" ] && [ "$(field verdict)" = "$2" ] ||
		fail "hand, $3 ${*:4}: exit $code, $(field verdict): $(tail -1 "$work/err") $(field why)"
}

hand_was_cut() {
	grep -q 'the e-stop loop opened' "$(field folder)/run.json" && grep -q 'hand.rail.*stopped in motion' "$(field folder)/run.json"
}

all_hands() {
	hands 0 PASS product.yaml
	hands 1 FAIL product-late.yaml
	hands 4 INVALID product.yaml --fault "node-a:estop@11.5 s"
	hand_was_cut || fail "run.json does not say what cut the move"
	# every step was made, the carriage stood still: the draw wire knows
	hands 4 INVALID product.yaml --fault "rail:jam@11.5 s"
	grep -q 'hand.position > 0.57 m does not hold in \[12.7 s, 13.5 s\]' "$work/out.json" || fail "a jammed rail: $(field why)"
}

# The same through the release firmware, cycle by cycle, in real time. A machine that lost its processor makes a run INVALID,
# rightly, and then it is tried again. It must never end in anything else.
live_hands() {
	local try
	for try in 1 2 3; do
		hand product.yaml
		[ "$code" = 4 ] || break
	done
	[ "$code" = 0 ] && [ "$(field verdict)" = PASS ] || fail "exit $code after $try tries: $(field why)"
	for try in 1 2 3; do
		hand product.yaml --fault "node-a:estop@11.5 s"
		[ "$code" = 4 ] || fail "an e-stop in the move: exit $code: $(field why)"
		hand_was_cut && return
	done
	fail "run.json does not say what cut the move"
}

# broken CODE WORD COMMAND…: that exit code, and standard error says WORD
broken() {
	local want=$1 word=$2
	shift 2
	timeout 60 "$@" </dev/null >"$work/out" 2>"$work/err"
	local got=$?
	[ "$got" = "$want" ] || fail "exit $got instead of $want: $*: $(tail -1 "$work/err")"
	grep -q -- "$word" "$work/err" || fail "does not say '$word': $(tail -1 "$work/err")"
	# one line for what is wrong, two at most where two things are, and nothing twice
	[ "$(grep -c "error:" "$work/err")" -le 2 ] && [ -z "$(sort "$work/err" | uniq -d)" ] ||
		fail "too many lines: $*: $(cat "$work/err")"
}

edit() { sed "$1" "$source/$2" >"$work/$3"; echo "$work/$3"; }

# What a technician's own tree gets wrong: certificates, packs, worlds, cameras, programs. A copy of it, changed in one place
# for each run and mended afterwards.
broken_lab() {
	local lab=$work/lab line world port camera
	mkdir "$lab"
	cp -r "$source/rigs" "$source/calibration" "$source/criteria" "$source/scenarios" "$source/products" "$lab/"
	local s=$lab/scenarios/stove-guard/pan-overheat.yaml r=$lab/rigs/kitchen-virtual.yaml
	local p=$lab/products/stove-guard/product.yaml c=$lab/calibration/pyrometer-0002/2026-01-01.yaml
	local real=$source/calibration/pyrometer-0002/2026-01-01.yaml
	rm "$c"
	go 4 "pan.temperature: calibration of pyrometer-0002 is missing; put its certificate into" "$s" "$r" "$p"
	sed 's/^serial: .*/serial: pyrometer-0009/' "$real" >"$c"
	go 4 "pyrometer-0002 is missing" "$s" "$r" "$p" --lock-step
	sed 's/until: [-0-9]*/until: 2026-01-31/' "$real" >"$c"
	go 4 "pyrometer-0002 is expired" "$s" "$r" "$p"
	sed 's/^anzen:/anzne:/' "$real" >"$c"
	go 2 "2026-01-01.yaml:3:1: error" "$s" "$r" "$p"
	# Narrower than what happens: no error, but a run that is INVALID and says why.
	sed '/reference: \(180\|250\|320\|400\|440\)/d; s/range: \[.*\]/range: [0, 150]/' "$real" >"$c"
	timeout 60 "$bin/anzen" run "$s" --rig "$r" --product "$p" -o "$work/runs" --yes --lock-step </dev/null >"$work/out" 2>"$work/err"
	[ $? = 4 ] && grep -q "pan.temperature is outside its calibrated range" "$work/out" || fail "range: $(cat "$work/out")"
	cp "$real" "$c"

	sed -i '0,/levels:/s//levels: {/' "$lab/criteria/living/stove-guard.yaml"
	go 2 "criteria/living/stove-guard.yaml:[0-9]*:[0-9]*: error" "$s" "$r" "$p"
	cp "$source/criteria/living/stove-guard.yaml" "$lab/criteria/living/"
	mv "$lab/rigs/worlds/kitchen.yaml" "$lab/kitchen"
	go 2 "kitchen-virtual.yaml:[0-9]*:[0-9]*: error: no such file" "$s" "$r" "$p"
	mv "$lab/kitchen" "$lab/rigs/worlds/kitchen.yaml"

	echo "#!/bin/sh" >"$lab/program"
	sed "s#\[stove-guard,#[$lab/program,#" "$p" >"$lab/p.yaml"
	go 2 "chmod +x" "$s" "$r" "$lab/p.yaml"
	sed 's#process: \[.*\], ready.*#address: "http://127.0.0.1:9", ready: {http: /health, timeout: 1 s}}#' \
		"$source/products/fall-watch/product.yaml" >"$lab/p.yaml"

	# A promise that this kernel cannot keep, and one that nobody could.
	if unshare -Ur true 2>/dev/null; then
		sed 's/^confine: {/confine: {network: bench-only, /' "$p" >"$lab/q.yaml"
		broken 4 "confine.network cannot be kept here" unshare -Ur bash -c \
			'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"' - \
			"$bin/anzen" run "$s" --rig "$r" --product "$lab/q.yaml" -o "$work/runs" --yes --lock-step
	fi
	sed 's/^confine: {/confine: {network: offline, /' "$p" >"$lab/q.yaml"
	go 2 "take bench-only" "$s" "$r" "$lab/q.yaml"

	s=$lab/scenarios/fall-watch/chair-fall.yaml r=$lab/rigs/living-room-virtual.yaml
	p=$source/products/fall-watch/product.yaml
	go 4 "not ready within 1 s" "$s" "$r" "$lab/p.yaml"
	sed 's#link: "world:cam"#link: "rtsp://127.0.0.1:9/cam"#' "$r" >"$lab/rigs/cam.yaml"
	go 4 "rtsp://127.0.0.1:9/cam: no picture.*Is the camera on" "$s" "$lab/rigs/cam.yaml" "$p"
	# The ports of a world that runs already: one is taken, and its camera server refuses a picture that it does not have.
	coproc world { TMPDIR=$work exec "$bin/anzen-world" --file "$lab/rigs/worlds/living-room.yaml"; }
	read -r -t 30 -u "${world[0]}" line || fail "no world"
	camera=$(grep -o 'rtsp://[^"]*' <<<"$line") port=${camera#rtsp://*:} port=${port%%/*}
	sed "s#link: \"world:cam\"#link: \"${camera%/*}/nowhere\"#" "$r" >"$lab/rigs/cam.yaml"
	go 4 "/nowhere: no picture: Not found" "$s" "$lab/rigs/cam.yaml" "$p"
	sed "s/--port, \"\$port\"/--port, \"$port\"/" "$p" >"$lab/p.yaml"
	go 4 "before it was ready; it printed: .*in use" "$s" "$r" "$lab/p.yaml"
	eval "exec ${world[1]}>&-"
	wait
}

all_broken() {
	run "$source/products/stove-guard/product.yaml" stove-guard
	[ "$code" = 0 ] || fail "the positive control: exit $code: $(cat "$work/err")"
	local s=$source/scenarios/stove-guard/pan-overheat.yaml r=$source/rigs/kitchen-virtual.yaml
	local p=$source/products/stove-guard/product.yaml f
	go() { broken "$1" "$2" "$bin/anzen" run "$3" --rig "$4" --product "$5" -o "$work/runs" --yes "${@:6}"; }
	f=$(edit 's/^hazard:/hazrad:/' scenarios/stove-guard/pan-overheat.yaml s1.yaml) && cp -r "$source/criteria" "$work/"
	go 2 "hazrad" "$f" "$r" "$p" --lock-step
	f=$(edit 's/> 200 degC"/> 200 N"/' scenarios/stove-guard/pan-overheat.yaml s2.yaml)
	go 2 "N" "$f" "$r" "$p" --lock-step
	f=$(edit 's/pan.thermocouple/oven.probe/g' scenarios/stove-guard/pan-overheat.yaml s3.yaml)
	go 2 "oven.probe" "$f" "$r" "$p" --lock-step
	f=$(edit 's#living/stove-guard/shut-off-delay#living/stove-guard/nothing#' scenarios/stove-guard/pan-overheat.yaml s4.yaml)
	go 2 "nothing" "$f" "$r" "$p" --lock-step
	f=$(edit 's#living/stove-guard/shut-off-delay#living/nowhere/shut-off-delay#' scenarios/stove-guard/pan-overheat.yaml s5.yaml)
	go 2 "nowhere" "$f" "$r" "$p" --lock-step
	f=$(edit 's/^class: abnormal/class: abnormal\nclass: normal/' scenarios/stove-guard/pan-overheat.yaml s6.yaml)
	go 2 "class" "$f" "$r" "$p" --lock-step
	go 2 "no-rig" "$s" "$work/no-rig.yaml" "$p" --lock-step
	go 2 "no-product" "$s" "$r" "$work/no-product.yaml" --lock-step
	go 2 "no-scenario" "$work/no-scenario.yaml" "$r" "$p" --lock-step
	go 2 "kind" "$s" "$r" "$source/products/fall-watch/product.yaml" --lock-step
	go 2 "light" "$s" "$r" "$p" --lock-step --set light=9000lx
	go 2 "dark" "$s" "$r" "$p" --lock-step --set dark=1lx
	go 2 "fault" "$s" "$r" "$p" --lock-step --fault melt
	f=$(edit 's/\[stove-guard, --sensors/[no-such-program, --sensors/' products/stove-guard/product.yaml p1.yaml)
	go 2 "no-such-program" "$s" "$r" "$f"
	f=$(edit 's/process: \[.*\], ready/process: ["false"], ready/' products/stove-guard/product.yaml p2.yaml)
	go 4 "exited with 1" "$s" "$r" "$f"
	f=$(edit 's/process: \[.*\], ready/process: [sleep, "1000"], ready/; s/timeout: 10 s/timeout: 1 s/' products/stove-guard/product.yaml p3.yaml)
	go 4 "not ready within 1 s" "$s" "$r" "$f"
	f=$(edit 's/register: 0/register: 99999/' products/stove-guard/product.yaml p4.yaml)
	go 2 "99999" "$s" "$r" "$f" --lock-step
	go 2 "runs" "$s" "$r" "$p" --lock-step -o /proc/nowhere/runs
	broken_lab
	broken 2 "--rig and --product" "$bin/anzen" run "$s"
	broken 2 "anzen run" "$bin/anzen" rnu "$s"
	[ -z "$(ls -A "$TMPDIR")" ] || fail "left in the temporary folder: $(ls -A "$TMPDIR")"
	# everything that these runs started has this folder in its environment
	local pid
	for pid in /proc/[0-9]*; do
		[ "${pid#/proc/}" = $$ ] && continue
		if { tr '\0' '\n' <"$pid/environ"; } 2>/dev/null | grep -qx "TMPDIR=$TMPDIR" && [ -e "$pid/exe" ]; then
			case $(readlink "$pid/exe") in *anzen* | *stove-guard* | *fall-watch* | */sleep) fail "still running: $(tr '\0' ' ' <"$pid/cmdline")" ;; esac
		fi
	done
}

# One run in real time, over real RTSP, HTTP, ptys and sockets. A machine that lost its processor for too long makes a run
# INVALID, rightly; then it is tried once more. It must never end in anything else.
live() {
	local try file=${1:-$source/products/fall-watch/product.yaml}
	for try in 1 2; do
		timeout 100 "$bin/anzen" run "$source/scenarios/fall-watch/chair-fall.yaml" \
			--rig "$source/rigs/living-room-virtual.yaml" --product "$file" \
			-o "$work/runs" --yes --json </dev/null >"$work/out.json" 2>"$work/err"
		code=$?
		[ "$code" = 0 ] && [ "$(field verdict)" = PASS ] && return
		[ "$code" = 4 ] && [ "$(field verdict)" = INVALID ] || break
	done
	fail "exit $code after $try tries: $(field verdict) $(field why) $(tail -1 "$work/err")"
}

confine() { sed 's/^confine: {/confine: {network: bench-only, /' "$source/products/$1/product.yaml" >"$work/confined.yaml"; }

# Pictures and answers through the relay, in both directions; in lock-step there is no network to speak of.
confined() {
	if ! "$bin/anzen-launch" --isolate yes -- true; then
		[[ ,${ANZEN_NEED:-}, == *,namespaces,* ]] || exit 77
	fi
	confine fall-watch
	live "$work/confined.yaml"
	grep -q '"network":"bench-only"' "$work"/runs/*/run.json || fail "run.json does not say that it was confined"
	confine stove-guard
	run "$work/confined.yaml" stove-guard
	[ "$code" = 0 ] && [ "$(field verdict)" = PASS ] || fail "in lock-step: exit $code: $(cat "$work/err")"
}

case $what in
confined) confined ;;
live) live ;;
defects) defects ;;
repeat) repeat ;;
hand) all_hands ;;
hand-live) live_hands ;;
replay) replays ;;
perturbed) perturbed ;;
cleanup) all_cleanup ;;
broken) all_broken ;;
*) fail "unknown part '$what'" ;;
esac
exit $failed
