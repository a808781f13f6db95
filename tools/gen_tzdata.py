"""
Writes backend/utils/adt/tzdata.ts from compiled time zone files (the IANA database, which is in the public domain).

    python3 tools/gen_tzdata.py /usr/share/zoneinfo > backend/utils/adt/tzdata.ts

A line per zone: `name alias… | types | transitions | footer`. Types are gmtoff/isdst/abbreviation; transitions are
base-36 deltas of seconds, each followed by its type's index as one base-36 digit. Transitions that the footer's rule
reproduces are left out.
"""
import os, struct, sys
from zoneinfo import _zoneinfo

root = sys.argv[1]
SKIP = {"posix", "right", "posixrules", "localtime", "leapseconds", "Factory"}

def b36(n):
    if n == 0: return "0"
    s, neg = "", n < 0
    n = abs(n)
    while n: s, n = "0123456789abcdefghijklmnopqrstuvwxyz"[n % 36] + s, n // 36
    return ("-" if neg else "") + s

def parse(data):
    def header(p):
        assert data[p:p+4] == b"TZif"
        return struct.unpack(">6I", data[p+20:p+44])
    isutc, isstd, leap, timecnt, typecnt, charcnt = header(0)
    p = 44 + timecnt * 5 + typecnt * 6 + charcnt + leap * 8 + isstd + isutc
    isutc, isstd, leap, timecnt, typecnt, charcnt = header(p)
    p += 44
    times = list(struct.unpack(f">{timecnt}q", data[p:p+8*timecnt])); p += 8 * timecnt
    idx = list(data[p:p+timecnt]); p += timecnt
    types = [struct.unpack(">lBB", data[p+6*i:p+6*i+6]) for i in range(typecnt)]; p += 6 * typecnt
    chars = data[p:p+charcnt]; p += charcnt + leap * 12 + isstd + isutc
    footer = data[p:].strip(b"\n").decode()
    out = [(o, d, chars[a:chars.index(b"\0", a)].decode()) for o, d, a in types]
    return times, idx, out, footer

def rule_transitions(footer, year):
    tz = _zoneinfo._parse_tz_str(footer)
    if not hasattr(tz, "transitions"): return []
    on, off = tz.transitions(year)
    std = tz.std.utcoff; dst = tz.dst.utcoff
    return [(on - int(std.total_seconds()), 1), (off - int(dst.total_seconds()), 0)]

zones = {}
names = []
for dirpath, dirs, files in os.walk(root):
    dirs[:] = sorted(d for d in dirs if d not in SKIP)
    for f in sorted(files):
        path = os.path.join(dirpath, f)
        name = os.path.relpath(path, root)
        if name.split("/")[0] in SKIP: continue
        data = open(path, "rb").read()
        if data[:4] == b"TZif": names.append((name, data))
for name, data in names:
    times, idx, types, footer = parse(data)
    # Big-bang transitions of some compilers carry no information.
    while times and times[0] < -(1 << 40): times.pop(0); first = idx.pop(0)
    if "," in footer:
        predicted = {}
        for y in range(1970, 2038):
            for t, d in rule_transitions(footer, y): predicted[t] = d
        keep = len(times)
        while keep > 1 and times[keep-1] in predicted and predicted[times[keep-1]] == types[idx[keep-1]][1] and times[keep-2] in predicted:
            keep -= 1
        times, idx = times[:keep], idx[:keep]
    elif True:
        pass
    used = [0] + idx
    remap, kept = {}, []
    for i in used:
        if i not in remap: remap[i] = len(kept); kept.append(types[i])
    body = ";".join(f"{o}/{d}/{a}" for o, d, a in kept) + "|"
    last = 0; parts = []
    for t, i in zip(times, idx):
        parts.append(b36(t - last) + "," + b36(remap[i])); last = t
    body += " ".join(parts) + "|" + footer
    zones.setdefault(body, []).append(name)
version = open(os.path.join(root, "tzdata.zi")).readline().strip("# \n") if os.path.exists(os.path.join(root, "tzdata.zi")) else "version unknown"
print('''/**
 * The IANA time zone database (public domain), compiled: %s. Written by tools/gen_tzdata.py; do not edit.
 *
 * One line per zone: `name alias… | types | transitions | rule for later times`. See the script for the encoding.
 */
// deno-fmt-ignore
export const TZDATA = `\\''' % version)
for body, ns in sorted(zones.items(), key=lambda kv: kv[1][0]): print(" ".join(sorted(ns)) + "|" + body)
print("`;")
