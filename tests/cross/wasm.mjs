// Runs the digest in WebAssembly: node wasm.mjs digest.wasm

import { readFileSync } from "node:fs";

const bytes = readFileSync(process.argv[2]);
let memory;

// A line of text, as the program's memory holds it.
function line(start) {
    const all = new Uint8Array(memory.buffer);
    console.log(Buffer.from(all.subarray(start, all.indexOf(0, start)))
        .toString("ascii"));
}

const { instance } = await WebAssembly.instantiate(bytes, {
    env: { digest_line: line },
});
memory = instance.exports.memory;
instance.exports.digest_run();
