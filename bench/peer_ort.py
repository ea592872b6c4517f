#!/usr/bin/env python3
"""ONNX Runtime as a peer: f32 in and out, weights of fewer bits, as models
written here field by field and run by the package onnxruntime.

  peer_ort.py [type=f32,int8,int4:32,int8:32] [size=] [m=] [heat=] [threads=]

int8 is DynamicQuantizeMatMul with a scale for every row of W; a type with a
tile is MatMulNBits with blocks of as many columns, its inputs made int8 too.
Layers up to 512 wide are run eight in one graph, and the time is that of
one: so little is left of the call's own cost."""

import sys

import peer
from peer import np

try:
    import onnxruntime
except ImportError:
    print("ort: no onnxruntime here, skipped", file=sys.stderr)
    sys.exit(0)

CHAIN, SMALL = 8, 512
FLOAT, UINT8, INT8 = 1, 2, 3


# --- the wire format of ONNX's messages --------------------------------------

def number(value):
    out = bytearray()
    value &= 2**64 - 1
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(key, value):
    """An integer, text, bytes or a message made before."""
    if isinstance(value, int):
        return number(key << 3) + number(value)
    value = value.encode() if isinstance(value, str) else value
    return number(key << 3 | 2) + number(len(value)) + value


def constant(name, array, kind):
    dims = b"".join(field(1, int(size)) for size in array.shape)
    return dims + field(2, kind) + field(8, name) + field(9, array.tobytes())


def value_info(name, shape):
    dims = b"".join(field(1, field(1, size)) for size in shape)
    kind = field(1, FLOAT) + field(2, dims)
    return field(1, name) + field(2, field(1, kind))


def node(kind, domain, inputs, output, **attributes):
    text = b"".join(field(1, name) for name in inputs) + field(2, output)
    text += field(4, kind) + field(7, domain)
    for name, value in attributes.items():
        text += field(5, field(1, name) + field(3, value) + field(20, 2))
    return text


def model(nodes, constants, inputs, outputs):
    graph = b"".join(field(1, n) for n in nodes) + field(2, "layers")
    graph += b"".join(field(5, c) for c in constants)
    graph += b"".join(field(11, i) for i in inputs)
    graph += b"".join(field(12, o) for o in outputs)
    sets = [field(8, field(1, "") + field(2, 17)),
            field(8, field(1, "com.microsoft") + field(2, 1))]
    return field(1, 8) + field(7, graph) + b"".join(sets)


# --- layers ------------------------------------------------------------------

def parts_of(w, bits, tile):
    """Constants, a maker of nodes, and W as it multiplies."""
    n, k = w.shape
    if bits == 32:
        constants = [constant("w", np.ascontiguousarray(w.T), FLOAT)]
        return constants, lambda x, y: node("MatMul", "", [x, "w"], y), w
    codes, scale = peer.quantize(w, bits, tile)
    blocks = codes.reshape(n, -1, tile or k).astype(np.float32)
    meant = (blocks * scale[:, :, None]).reshape(n, k)
    if not tile:
        constants = [constant("w", np.ascontiguousarray(codes.T), INT8),
                     constant("s", scale[:, 0], FLOAT)]
        return constants, lambda x, y: node(
            "DynamicQuantizeMatMul", "com.microsoft", [x, "w", "s"], y), meant
    stored = (codes.astype(np.int16) + 2 ** (bits - 1)).astype(np.uint8)
    each = 8 // bits
    stored = sum(stored[:, i::each] << np.uint8(i * bits)
                 for i in range(each))
    stored = stored.reshape(n, k // tile, tile * bits // 8)
    constants = [constant("w", stored, UINT8),
                 constant("s", scale.reshape(-1), FLOAT)]
    return constants, lambda x, y: node(
        "MatMulNBits", "com.microsoft", [x, "w", "s"], y, K=k, N=n, bits=bits,
        block_size=tile, accuracy_level=4), meant


def session_of(content, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(content, options,
                                        ["CPUExecutionProvider"])


def add_case(cases, w, name, m, heat):
    bits, _, tile = name.partition(":")
    n, k = w.shape
    tile = int(tile or 0)
    bits = 32 if bits == "f32" else int(bits.removeprefix("int"))
    count = CHAIN if heat == "hot" and n == k and n <= SMALL else 1
    moved = n * k * bits / 8 + n * (k // tile if tile else 1) * 4
    copies = int(peer.cold_bytes() / moved) + 1 if heat == "cold" else 1
    constants, make, meant = parts_of(w, bits, tile)
    names = ["x"] + [f"y{i}" for i in range(count)]
    content = model([make(a, b) for a, b in zip(names, names[1:])], constants,
                    [value_info("x", (m, k))],
                    [value_info(y, (m, n)) for y in names[1:]])
    threads = int(peer.word_of("threads", "1"))
    x = peer.inputs(m, k)
    y = np.zeros((count, m, n), dtype=np.float32)
    runs = []
    for _ in range(copies):
        session = session_of(content, threads)
        binding = session.io_binding()
        binding.bind_cpu_input("x", x)
        for i in range(count):
            binding.bind_output(f"y{i}", "cpu", 0, np.float32, (m, n),
                                y[i].ctypes.data)
        session.run_with_iobinding(binding)
        runs.append((session._sess, binding._iobinding, session, binding))

    def call(i):
        session, binding = runs[i % copies][:2]
        session.run_with_iobinding(binding, None)
    cases.append(peer.Case(
        call, calls=count, work="product", who="ort", type=name,
        tile=tile or "row", input="own", n=n, k=k, m=m, isa="best",
        threads=threads, heat=heat, page="4k", moved=moved,
        error=peer.error_of(meant, x, y[0]), whole=peer.error_of(w, x, y[0])))
    cases[-1].keep = x, y  # the runtime reads and writes them where they are


def main():
    cases = []
    for n, k in peer.sizes():
        w = peer.weights(n, k)
        for name in peer.list_of("type", "f32,int8,int4:32,int8:32"):
            for heat, m in peer.heats():
                try:
                    add_case(cases, w, name, m, heat)
                except Exception as why:
                    print(f"ort: {name}: {str(why)[:200]}, skipped",
                          file=sys.stderr)
    peer.rounds(cases)


if __name__ == "__main__":
    main()
