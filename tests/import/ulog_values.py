#!/usr/bin/env python3
"""Every number of a ULog file, read with nothing but struct: NAME <tab> time in ns <tab> value, in the order of time.

    ulog_values.py FILE.ulg

Written from the format's page (docs.px4.io/main/en/dev_log/ulog_file_format.html), apart from the import under test."""
import struct
import sys

CODES = {"int8_t": "b", "uint8_t": "B", "int16_t": "h", "uint16_t": "H", "int32_t": "i", "uint32_t": "I",
         "int64_t": "q", "uint64_t": "Q", "float": "f", "double": "d", "bool": "?", "char": "c"}


def expand(formats, name, prefix=""):
    """(path, code) of each primitive, padding with the path None."""
    out = []
    for field in formats[name]:
        kind, label = field.split(" ")
        count = 0
        if "[" in kind:
            kind, rest = kind.split("[")
            count = int(rest[:-1])
        for i in range(count or 1):
            path = f"{prefix}{label}" + (f".{i}" if count else "")
            if kind in CODES:
                out.append((None if label.startswith("_padding") or kind == "char" else path, CODES[kind]))
            else:
                out.extend(expand(formats, kind, path + "."))
    return out


def main():
    data = open(sys.argv[1], "rb").read()
    assert data[:7] == b"ULog\x01\x12\x35"
    formats, topics, rows, count, at = {}, {}, [], 0, 16
    while len(data) - at >= 3:
        size, kind = struct.unpack_from("<Hc", data, at)
        body = data[at + 3:at + 3 + size]
        if len(body) < size:
            break
        at += 3 + size
        if kind == b"F":
            name, fields = body.decode().split(":")
            formats[name] = [f for f in fields.split(";") if f]
        elif kind == b"A":
            multi, ident = struct.unpack_from("<BH", body)
            name = body[3:].decode()
            fields = expand(formats, name)
            while fields and fields[-1][0] is None and fields[-1][1] == "B":
                fields.pop()  # the padding at the end is not logged
            topics[ident] = (f"{name}_{multi}" if multi else name, [f[0] for f in fields],
                             struct.Struct("<" + "".join(f[1] for f in fields)))
        elif kind == b"D":
            topic, paths, layout = topics[struct.unpack_from("<H", body)[0]]
            values = layout.unpack_from(body, 2)
            time = struct.unpack_from("<Q", body, 2)[0] * 1000
            count += 1
            for path, value in zip(paths, values):
                if path is not None:
                    rows.append((time, f"{topic}.{path}", float(value)))
    rows.sort(key=lambda row: row[0])
    for time, name, value in rows:
        print(f"{name}\t{time}\t{value!r}")
    print(f"messages\t{count}\t0")


main()
