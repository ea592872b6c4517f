#!/usr/bin/env python3
"""LiteRT's CPU path, which is XNNPACK, as a peer: fully-connected layers with
f32 inputs and outputs and weights of fewer bits, written as .tflite models and
run by the interpreter of ai-edge-litert.

  peer_litert.py [type=int8,int4,int2,int4:32] [size=] [m=] [heat=] [threads=]

A type alone has a scale for every row, ":32" one for every 32 columns (f16).
Layers up to 512 wide are run eight at a time, each with weights of its own,
and the time is that of one: so little is left of the interpreter's own cost."""

import contextlib
import os
import sys

import peer
from peer import np

try:
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.interpreter import Interpreter
except ImportError:
    print("litert: no ai-edge-litert here, skipped", file=sys.stderr)
    sys.exit(0)

CHAIN, SMALL = 8, 512


def packed(codes, bits):
    """Codes as bytes, the first in the low bits."""
    each = 8 // bits
    fields = (codes.reshape(-1, each).view(np.uint8) & (2**bits - 1))
    out = np.zeros(len(fields), dtype=np.uint8)
    for i in range(each):
        out |= fields[:, i] << np.uint8(i * bits)
    return out


def tensor(name, shape, kind, buffer, quantization=None):
    t = schema.TensorT()
    t.name, t.shape, t.type, t.buffer = name, shape, kind, buffer
    t.quantization = quantization
    t.hasRank = True
    return t


def by_rows(scale):
    q = schema.QuantizationParametersT()
    q.scale = scale
    q.zeroPoint = np.zeros(len(scale), dtype=np.int64)
    q.quantizedDimension = 0
    return q


def by_blocks(scale_tensor, zero_tensor, block):
    q = schema.QuantizationParametersT()
    q.detailsType = schema.QuantizationDetails.BlockwiseQuantization
    q.details = schema.BlockwiseQuantizationT()
    q.details.scales = scale_tensor
    q.details.zeroPoints = zero_tensor
    q.details.blockSize = block
    return q


class Layers:
    """A chain of layers, all with the same weights."""

    def __init__(self, w, bits, tile, m, count):
        n, k = w.shape
        self.buffers = [schema.BufferT()]
        self.tensors, self.operators = [], []
        self.w = w
        x = self.add("x", [m, k], schema.TensorType.FLOAT32)
        if bits == 32:
            weights = self.add("w", [n, k], schema.TensorType.FLOAT32, w)
        else:
            weights = self.quantized(bits, tile)
        self.outputs = []
        for i in range(count):
            y = self.add(f"y{i}", [m, n], schema.TensorType.FLOAT32)
            self.outputs.append(y)
            self.operators.append(self.layer(x, weights, y))
            x = y

    def add(self, name, shape, kind, data=None, quantization=None):
        buffer = 0
        if data is not None:
            b = schema.BufferT()
            b.data = np.frombuffer(data.tobytes(), dtype=np.uint8)
            buffer = len(self.buffers)
            self.buffers.append(b)
        self.tensors.append(tensor(name, shape, kind, buffer, quantization))
        return len(self.tensors) - 1

    def quantized(self, bits, tile):
        kinds = {8: schema.TensorType.INT8, 4: schema.TensorType.INT4,
                 2: schema.TensorType.INT2}
        n, k = self.w.shape
        codes, scale = peer.quantize(self.w, bits, tile)
        if tile:
            scale = scale.astype(np.float16)
            at = self.add("s", list(scale.shape), schema.TensorType.FLOAT16,
                          scale)
            how = by_blocks(at, -1, tile)
        else:
            how = by_rows(scale[:, 0])
        blocks = codes.reshape(n, -1, tile or k).astype(np.float32)
        self.w = (blocks * scale[:, :, None].astype(np.float32)).reshape(n, k)
        return self.add("w", [n, k], kinds[bits], packed(codes, bits), how)

    def layer(self, x, weights, y):
        op = schema.OperatorT()
        op.opcodeIndex = 0
        op.inputs, op.outputs = [x, weights, -1], [y]
        op.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
        op.builtinOptions = schema.FullyConnectedOptionsT()
        op.builtinOptions.asymmetricQuantizeInputs = True
        return op

    def content(self):
        import flatbuffers
        model, code = schema.ModelT(), schema.OperatorCodeT()
        code.builtinCode = schema.BuiltinOperator.FULLY_CONNECTED
        code.deprecatedBuiltinCode = code.builtinCode
        code.version = int(peer.word_of("version", "9"))
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = self.tensors, self.operators
        graph.inputs, graph.outputs = [0], self.outputs
        model.version = 3
        model.operatorCodes = [code]
        model.subgraphs = [graph]
        model.buffers = self.buffers
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


@contextlib.contextmanager
def quiet():
    """Without what the library says on its own."""
    sys.stderr.flush()
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


def add_case(cases, w, name, m, heat):
    bits, _, tile = name.partition(":")
    n, k = w.shape
    tile = int(tile or 0)
    bits = 32 if bits == "f32" else int(bits.removeprefix("int"))
    count = CHAIN if heat == "hot" and n == k and n <= SMALL else 1
    moved = n * k * bits / 8 + (n * k / tile * 2 if tile else n * 4)
    copies = int(peer.cold_bytes() / moved) + 1 if heat == "cold" else 1
    layers = Layers(w, bits, tile, m, count)
    content = layers.content()
    threads = int(peer.word_of("threads", "1"))
    x = peer.inputs(m, k)
    runs = []
    with quiet():
        for _ in range(copies):
            run = Interpreter(model_content=content, num_threads=threads)
            run.allocate_tensors()
            run.set_tensor(0, x)
            run.invoke()
            runs.append(run)
    y = runs[0].get_tensor(layers.outputs[0])
    calls = [run._interpreter.Invoke for run in runs]
    cases.append(peer.Case(
        lambda i: calls[i % copies](), calls=count, work="product",
        who="litert", type=name, tile=tile or "row", input="own", n=n, k=k,
        m=m, isa="best", threads=threads, heat=heat, page="4k", moved=moved,
        error=peer.error_of(layers.w, x, y), whole=peer.error_of(w, x, y)))
    cases[-1].keep = runs


def main():
    cases = []
    for n, k in peer.sizes():
        w = peer.weights(n, k)
        for name in peer.list_of("type", "f32,int8,int4,int2,int4:32"):
            for heat, m in peer.heats():
                try:
                    add_case(cases, w, name, m, heat)
                except (ValueError, RuntimeError) as why:
                    print(f"litert: {name}: {str(why)[:200]}, skipped",
                          file=sys.stderr)
    peer.rounds(cases)


if __name__ == "__main__":
    main()
