# The loops of functions in an aarch64 object: bench/arm_counts.sh.

import re
import subprocess
import sys

CPUS = ["neoverse-n1", "neoverse-n2", "neoverse-v1", "apple-m1"]
# Weights times columns that an instruction multiplies.
WORK = {"sdot": 16, "udot": 16, "usdot": 16, "smmla": 32, "usmmla": 32,
        "ummla": 32, "smull": 8, "smlal": 8, "smull2": 8, "smlal2": 8}


def functions(path):
    """Names to lists of (address, text)."""
    text = subprocess.run(
        ["aarch64-linux-gnu-objdump", "-d", "--no-show-raw-insn", path],
        check=True, capture_output=True, text=True).stdout
    all_of = {}
    for line in text.splitlines():
        start = re.match(r"[0-9a-f]+ <(.*)>:", line)
        if start:
            body = all_of.setdefault(start.group(1), [])
        found = re.match(r" +([0-9a-f]+):\t(.*)", line)
        if found:
            code = re.sub(r"\s*(//.*|<.*>)", "", found.group(2))
            body.append((int(found.group(1), 16), code))
    return all_of


def loops(body):
    """Innermost loops as lists of instructions."""
    ends = []
    for i, (at, code) in enumerate(body):
        jump = re.match(r"(?:b\.\w+|b|cbn?z|tbn?z)\b.*?([0-9a-f]+)$", code)
        to = int(jump.group(1), 16) if jump else at + 1
        if jump and body[0][0] <= to <= at:
            ends.append((next(j for j, b in enumerate(body) if b[0] == to), i))
    for first, last in ends:
        inner = [e for e in ends
                 if e != (first, last) and first <= e[0] and e[1] <= last]
        if not inner:
            yield [code for _, code in body[first:last + 1]]


def macs(loop, name):
    if "look" in name:
        return 32 * sum(code.startswith("tbl") for code in loop)
    return sum(WORK.get(code.split()[0], 0) for code in loop)


def cycles(loop, cpu):
    lines = [re.sub(r"^(b\.\w+|cbn?z\s+\w+,|b)\s+[0-9a-f]+$",
                    lambda m: m.group(1) + " 0", code) for code in loop]
    run = subprocess.run(
        ["llvm-mca-19", "-mtriple=aarch64", "-mcpu=" + cpu,
         "-mattr=+dotprod,+i8mm", "-iterations=200"],
        input="\n".join(lines), capture_output=True, text=True)
    found = re.search(r"Total Cycles: +(\d+)", run.stdout)
    if not found:
        sys.exit(run.stderr)
    return int(found.group(1)) / 200


def main():
    found = functions(sys.argv[1])
    print("%-30s %6s %6s %6s" % ("per 64 weights", "all", "vector", "moves"),
          *("%11s" % cpu for cpu in CPUS))
    for name in sys.argv[2:]:
        if name not in found:
            continue
        loop = max(loops(found[name]), key=lambda l: macs(l, name))
        by = 64 / macs(loop, name)
        moves = sum(re.match(r"(ld|st)", code) is not None for code in loop)
        vector = sum(re.match(r"(?!ld|st)\S+\s+v\d", code) is not None
                     for code in loop)
        print("%-30s %6.2f %6.2f %6.2f"
              % (name.replace("qqi_", ""), by * len(loop), by * vector,
                 by * moves),
              *("%11.2f" % (by * cycles(loop, cpu)) for cpu in CPUS))


main()
