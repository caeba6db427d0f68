// A model server as small as one can be: one session at one thread, one request at a time.
//   node model_server.js MODEL.onnx [PORT]
// POST /infer runs one inference on inputs drawn once from a fixed seed; in the answer Service-Us is
// the time inside the runtime and Service-Cpu-Us its CPU time (longer wall time: others had the CPU).
// run() of this binding blocks the event loop, so requests wait in their sockets and are taken in the
// order in which they arrive: first in, first out.
// Prints the port when it is warm. Stops on SIGTERM.
'use strict';
const http = require('node:http');
const ort = require('onnxruntime-node');

const WARM_UP = 30;

// Numerical Recipes' linear congruential generator: the same inputs in every process.
function seeded(count) {
    const values = new Float32Array(count);
    let state = 1;
    for (let i = 0; i < count; i++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        values[i] = state / 2 ** 31 - 1;
    }
    return values;
}

function tensorOf(input) {
    if (input.type !== 'float32')
        throw new Error(`input ${input.name} is ${input.type}; only float32 is drawn here`);
    const shape = input.shape.map((size) => (typeof size === 'number' && size > 0 ? size : 1));
    return new ort.Tensor('float32', seeded(shape.reduce((a, b) => a * b, 1)), shape);
}

async function main(model, port) {
    const session = await ort.InferenceSession.create(model, {
        intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential', logSeverityLevel: 3,
    });
    const feeds = Object.fromEntries(session.inputMetadata.map((input) => [input.name, tensorOf(input)]));
    for (let i = 0; i < WARM_UP; i++)
        await session.run(feeds);

    let turn = Promise.resolve();
    const infer = async (response) => {
        const start = process.hrtime.bigint(), before = process.cpuUsage();
        await session.run(feeds);
        const us = Number(process.hrtime.bigint() - start) / 1e3, cpu = process.cpuUsage(before);
        response.writeHead(200, {
            'Content-Length': 0, 'Service-Us': us.toFixed(1), 'Service-Cpu-Us': cpu.user + cpu.system,
        });
        response.end();
    };
    const server = http.createServer({keepAlive: true, keepAliveTimeout: 600e3}, (request, response) => {
        request.resume();
        if (request.method !== 'POST' || request.url !== '/infer') {
            response.writeHead(404, {'Content-Length': 0}).end();
            return;
        }
        turn = turn.then(() => infer(response));
    });
    server.listen({host: '127.0.0.1', port, backlog: 1024}, () => console.log(server.address().port));
    process.on('SIGTERM', () => process.exit(0));
}

if (process.argv.length < 3) {
    console.error('usage: node model_server.js MODEL.onnx [PORT]');
    process.exit(2);
}
main(process.argv[2], Number(process.argv[3] || 0)).catch((error) => {
    console.error(error.message);
    process.exit(1);
});
