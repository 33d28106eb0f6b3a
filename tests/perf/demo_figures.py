#!/usr/bin/env python3
"""demo_figures.py [--lock-step]: play `anzen demo` once and print what it cost and how exact it was.

Wall time, CPU time of each program, session size per minute, error of the node's actions (when the effect came, against
when the scenario asked for it), age of the pictures that the product looked at. Run it from the project's root on a
quiet machine: on a busy one it measures the neighbours. Figures only, nothing is asserted.
"""
import json, os, statistics, subprocess, sys, time

ANZEN = "build/bin/anzen"
PROGRAMS = ("anzen", "anzen-world", "anzen-launch", "fall-watch", "stove-guard")
TICK = os.sysconf("SC_CLK_TCK")


def cpu_of_programs(seen):
    """Seconds of CPU of every process of ours that is alive; a dead one keeps what it was last seen with."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            name, rest = open(f"/proc/{pid}/stat").read().split("(", 1)[1].rsplit(")", 1)
        except (OSError, IndexError):
            continue
        if name in PROGRAMS:
            field = rest.split()
            seen[(name, pid)] = (int(field[11]) + int(field[12])) / TICK


def lines(*arguments):
    out = subprocess.run([ANZEN, *arguments], capture_output=True, text=True, check=True).stdout
    return out.splitlines()


def action_errors(session):
    """Seconds from the instant that the scenario asked for to the effect, of actions that the node timed."""
    told = map(json.loads, lines("session", "cat", session))
    events = [e for e in told if "event" in e]
    asked = {e["event"].removeprefix("trigger."): e["t"] for e in events if e["event"].startswith("trigger.")}
    return [abs(e["t"] - asked[e["event"].removeprefix("effect.")]) for e in events
            if e["event"].startswith("effect.") and e["event"].removeprefix("effect.") in asked]


def samples(session, signal):
    rows = (line.split(",") for line in lines("session", "cat", session, "--signal", signal))
    return [float(row[2]) for row in rows if len(row) > 2 and row[1] == signal]


def main():
    before = set(os.listdir("runs")) if os.path.isdir("runs") else set()
    seen, begin = {}, time.monotonic()
    demo = subprocess.Popen([ANZEN, "demo", *sys.argv[1:]], stdout=subprocess.DEVNULL)
    while demo.poll() is None:
        cpu_of_programs(seen)
        time.sleep(0.2)
    wall = time.monotonic() - begin
    print(f"anzen demo {' '.join(sys.argv[1:])}: exit {demo.returncode}, {wall:.1f} s, load {os.getloadavg()[0]:.1f}")
    for name in PROGRAMS:
        used = sum(s for (n, _), s in seen.items() if n == name)
        if used:
            print(f"  CPU {name:13} {used:7.1f} s, {100 * used / wall:5.1f} % of a core")
    simulated = 0.0
    for run in sorted(set(os.listdir("runs")) - before):
        session = os.path.join("runs", run, "session.mcap")
        if not os.path.exists(session):
            continue
        info = json.loads("\n".join(lines("session", "info", session, "--json")))
        seconds, size = info["duration"], os.path.getsize(session)
        simulated += seconds
        errors, ages = action_errors(session), sorted(samples(session, "health.input.age"))
        text = f"  {run}: {size / 1e6 * 60 / seconds:.1f} MB a minute"
        if errors:
            text += f", action error {1e6 * max(errors):.1f} us at most of {len(errors)}"
        if ages:
            text += f", picture's age {1e3 * statistics.median(ages):.1f} ms, {1e3 * ages[int(0.99 * (len(ages) - 1))]:.1f} ms at 99 %"
        print(text)
    print(f"  {simulated:.0f} s of runs in {wall:.1f} s: x {simulated / wall:.1f}")


main()
