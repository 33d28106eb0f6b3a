#!/usr/bin/env python3
"""Every number of a ROS 1 bag as python3-rosbag reads it, one a line: NAME <tab> time in ns <tab> value.

    bag_values.py FILE.bag

Messages come in the order of time; NAME is what the import calls the field."""
import sys

import genpy
import rosbag

MOST = 128


def leaves(value, path):
    if isinstance(value, (genpy.Time, genpy.Duration)):
        yield path, value.to_nsec() / 1e9
    elif isinstance(value, (bool, int, float)):
        yield path, float(value)
    elif isinstance(value, (list, tuple)):
        if len(value) <= MOST:
            for i, item in enumerate(value):
                yield from leaves(item, f"{path}.{i}")
    elif hasattr(value, "__slots__"):
        for slot in value.__slots__:
            yield from leaves(getattr(value, slot), f"{path}.{slot}")


def main():
    with rosbag.Bag(sys.argv[1]) as bag:
        count = 0
        for topic, message, time in bag.read_messages():
            base = topic.strip("/").replace("/", ".")
            count += 1
            for path, value in leaves(message, base):
                # The import keeps this one as TOPIC.time.stamp.
                if path != f"{base}.header.stamp":
                    print(f"{path}\t{time.to_nsec()}\t{value!r}")
        print(f"messages\t{count}\t0")


main()
