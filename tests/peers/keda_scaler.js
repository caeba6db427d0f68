'use strict';
// A client of the external scaler that shares nothing with it: grpc-js, and the messages' field
// numbers written down a second time. What it knows of the models is tests/unit/fake_scaler.h.
//   node tests/peers/keda_scaler.js SCENARIO[,SCENARIO] ADDRESS [CERTIFICATE]      its key lies beside it: key.pem
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const field = (type, id, more) => ({ type, id, ...more });
const method = (requestType, responseType, responseStream = false) => ({ requestType, responseType, responseStream });
const messages = {
    ScaledObjectRef: { fields: {
        name: field('string', 1), namespace: field('string', 2),
        scalerMetadata: { keyType: 'string', type: 'string', id: 3 } } },
    IsActiveResponse: { fields: { result: field('bool', 1) } },
    MetricSpec: { fields: { metricName: field('string', 1), targetSize: field('int64', 2),
        targetSizeFloat: field('double', 3) } },
    GetMetricSpecResponse: { fields: { metricSpecs: field('MetricSpec', 1, { rule: 'repeated' }) } },
    GetMetricsRequest: { fields: { scaledObjectRef: field('ScaledObjectRef', 1), metricName: field('string', 2) } },
    MetricValue: { fields: { metricName: field('string', 1), metricValue: field('int64', 2),
        metricValueFloat: field('double', 3) } },
    GetMetricsResponse: { fields: { metricValues: field('MetricValue', 1, { rule: 'repeated' }) } },
    ExternalScaler: { methods: {
        IsActive: method('ScaledObjectRef', 'IsActiveResponse'),
        StreamIsActive: method('ScaledObjectRef', 'IsActiveResponse', true),
        GetMetricSpec: method('ScaledObjectRef', 'GetMetricSpecResponse'),
        GetMetrics: method('GetMetricsRequest', 'GetMetricsResponse'),
        StreamMetricSpec: method('ScaledObjectRef', 'GetMetricSpecResponse', true),
        Unheard: method('ScaledObjectRef', 'IsActiveResponse') } },
};
const health = {
    HealthCheckRequest: { fields: { service: field('string', 1) } },
    HealthCheckResponse: { fields: { status: field('int32', 1) } },
    Health: { methods: { Check: method('HealthCheckRequest', 'HealthCheckResponse') } },
};
const api = grpc.loadPackageDefinition(loader.fromJSON({ nested: {
    externalscaler: { nested: messages },
    grpc: { nested: { health: { nested: { v1: { nested: health } } } } } } },
    { keepCase: true, longs: Number, defaults: true }));

const [names, address, certificate] = process.argv.slice(2);
const credentials = certificate ? grpc.credentials.createSsl(fs.readFileSync(certificate))
    : grpc.credentials.createInsecure();
// An address is no name that TLS may ask for (RFC 6066).
const named = certificate ? { 'grpc.ssl_target_name_override': 'localhost' } : {};
const scaler = new api.externalscaler.ExternalScaler(address, credentials, named);
const wait = () => ({ deadline: Date.now() + 5000 });

const object = (model, more = {}) => ({ name: 'web', namespace: 'default',
    scalerMetadata: { scalerAddress: address, ...(model && { model }), ...more } });

function call(name, request, { metadata = new grpc.Metadata(), options = wait(), client = scaler } = {}) {
    return new Promise((done, failed) => client[name](request, metadata, options,
        (error, answer) => error ? failed(error) : done(answer)));
}

async function refused(code, words, name, request, more) {
    await assert.rejects(call(name, request, more), (error) => {
        assert.strictEqual(error.code, code, `${name}: ${error.message}`);
        assert.match(error.details, words);
        return true;
    });
}

// The first `count` messages of a stream, which is then left.
function first(count, name, request) {
    return new Promise((done, failed) => {
        const got = [];
        const stream = scaler[name](request);
        stream.on('data', (message) => {
            got.push(message);
            if (got.length === count)
                stream.cancel();
        });
        stream.on('error', (error) => error.code === grpc.status.CANCELLED ? done(got) : failed(error));
        stream.on('end', () => failed(new Error(`${name} ended after ${got.length} messages`)));
    });
}

const metrics = (model, more, metricName = '') => ({ scaledObjectRef: object(model, more), metricName });
const spec = (metricName) => ({ metricSpecs: [{ metricName, targetSize: 1, targetSizeFloat: 1 }] });
const value = (metricName, replicas) =>
    ({ metricValues: [{ metricName, metricValue: replicas, metricValueFloat: replicas }] });

const scenarios = {
    async calls() {
        assert.deepEqual(await call('IsActive', object('resnet50')), { result: true });
        assert.deepEqual(await call('IsActive', object('idle')), { result: false });
        assert.deepEqual(await call('GetMetricSpec', object('resnet50')), spec('assay_desired_replicas'));
        assert.deepEqual(await call('GetMetricSpec', object('resnet50', { metricName: 'mine' })), spec('mine'));
        assert.deepEqual(await call('GetMetrics', metrics('resnet50')), value('assay_desired_replicas', 7));
        assert.deepEqual(await call('GetMetrics', metrics('resnet50', {}, 'asked')), value('asked', 7));
        assert.deepEqual(await call('GetMetrics', metrics('resnet50', { rate: '41.5', sloP99Ms: '50',
            routing: 'random' })), value('assay_desired_replicas', 5));
        assert.deepEqual(await call('GetMetrics', metrics('idle')), value('assay_desired_replicas', 0));
    },
    async streams() {
        const [turns, still, specs] = await Promise.all([
            first(3, 'StreamIsActive', object('turning')),
            first(1, 'StreamIsActive', object('idle')),
            first(1, 'StreamMetricSpec', object('resnet50', { metricName: 'mine' })),
        ]);
        assert.notStrictEqual(turns[0].result, turns[1].result);
        assert.notStrictEqual(turns[1].result, turns[2].result);
        assert.deepEqual(still, [{ result: false }]);
        assert.deepEqual(specs, [spec('mine')]);
    },
    // What does not change is said once; the stream stays open meanwhile.
    async steady() {
        const got = [];
        const streams = ['StreamIsActive', 'StreamMetricSpec'].map((name) => scaler[name](object('resnet50')));
        for (const stream of streams)
            stream.on('data', (message) => got.push(message)).on('error', () => {}).on('end', () => got.push('end'));
        await first(4, 'StreamIsActive', object('turning'));
        assert.strictEqual(got.length, 2);
        streams.forEach((stream) => stream.cancel());
    },
    async errors() {
        const { status } = grpc;
        await refused(status.INVALID_ARGUMENT, /model is missing/, 'IsActive', object());
        await refused(status.INVALID_ARGUMENT, /model is missing/, 'GetMetrics', {});
        await refused(status.INVALID_ARGUMENT, /rate/, 'GetMetrics', metrics('resnet50', { rate: '-1' }));
        await refused(status.INVALID_ARGUMENT, /sloP99Ms/, 'GetMetricSpec', object('resnet50', { sloP99Ms: 'fast' }));
        await refused(status.INVALID_ARGUMENT, /routing/, 'GetMetrics', metrics('resnet50', { routing: 'lucky' }));
        await refused(status.NOT_FOUND, /'größe 50%' \(.*100%\)$/, 'GetMetrics', metrics('größe 50%'));
        await refused(status.NOT_FOUND, /no model/, 'IsActive', object('gone'));
        await refused(status.UNAVAILABLE, /is lost/, 'GetMetrics', metrics('broken'));
        await refused(status.INTERNAL, /replicas/, 'GetMetrics', metrics('mad'));
        await refused(status.UNIMPLEMENTED, /no such method/, 'Unheard', object('resnet50'));
        await assert.rejects(first(1, 'StreamIsActive', object('gone')), { code: status.NOT_FOUND });
        // Whatever is broken, nothing is scaled to zero for it, and the specification can be read.
        assert.deepEqual(await call('IsActive', object('broken')), { result: true });
        assert.deepEqual(await call('GetMetricSpec', object('gone')), spec('assay_desired_replicas'));
        // A caller that compresses is told so; one that asks for too much is refused.
        const zipped = new api.externalscaler.ExternalScaler(address, credentials,
            { ...named, 'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip });
        await refused(status.UNIMPLEMENTED, /compressed/, 'IsActive', object('resnet50'),
            { client: zipped });
        zipped.close();
        await refused(status.RESOURCE_EXHAUSTED, /message/, 'IsActive',
            object('resnet50', { more: 'x'.repeat(70000) }));
        assert.deepEqual(await call('IsActive', object('resnet50', { more: 'x'.repeat(65000) })), { result: true });
    },
    async token() {
        const bearer = (text) => {
            const metadata = new grpc.Metadata();
            if (text)
                metadata.set('authorization', text);
            return { metadata };
        };
        for (const wrong of [undefined, 'secret', 'Bearer secre', 'Bearer secret2', 'Basic secret'])
            await refused(grpc.status.UNAUTHENTICATED, /Bearer/, 'IsActive', object('resnet50'), bearer(wrong));
        assert.deepEqual(await call('IsActive', object('resnet50'), bearer('Bearer secret')), { result: true });
        const probe = new api.grpc.health.v1.Health(address, credentials, named);
        assert.deepEqual(await call('Check', {}, { client: probe }), { status: 1 });
        await refused(grpc.status.NOT_FOUND, /no service/, 'Check', { service: 'other' }, { client: probe });
        probe.close();
    },
    async many() {
        let left = 1500;
        const worker = async () => {
            while (left-- > 0)
                assert.strictEqual((await call('GetMetrics', metrics('resnet50'))).metricValues[0].metricValue, 7);
        };
        await Promise.all(Array.from({ length: 64 }, worker));
    },
    // The deadline ends a stream that would go on for ever.
    async deadline() {
        const stream = scaler.StreamMetricSpec(object('resnet50'), { deadline: Date.now() + 300 });
        const error = await new Promise((done) => stream.on('data', () => {}).on('error', done));
        assert.strictEqual(error.code, grpc.status.DEADLINE_EXCEEDED);
    },
    // With a certificate of its own the client is let in, without one it is not.
    async certificate() {
        const root = fs.readFileSync(certificate);
        const own = grpc.credentials.createSsl(root, fs.readFileSync(`${path.dirname(certificate)}/key.pem`), root);
        const known = new api.externalscaler.ExternalScaler(address, own, named);
        assert.deepEqual(await call('IsActive', object('resnet50'), { client: known }), { result: true });
        await assert.rejects(call('IsActive', object('resnet50')), { code: grpc.status.UNAVAILABLE });
        known.close();
    },
    // Of assay serve: the numbers are those that HTTP gives, whose address is $ASSAY_URL.
    async live() {
        const url = `${process.env.ASSAY_URL}/v1/models/resnet50`;
        const http = async (query = '') => (await fetch(`${url}/replicas${query}`)).json();
        const push = (rate) => fetch(`${url}/observations`, { method: 'POST', body: JSON.stringify({ rate }),
            headers: { 'Content-Type': 'application/json' } });
        const replicas = async (more) => {
            const { metricValues: [{ metricValue, metricValueFloat }] } = await call('GetMetrics', metrics('resnet50', more));
            assert.strictEqual(metricValue, metricValueFloat);
            return metricValue;
        };
        assert.deepEqual(await call('IsActive', object('resnet50')), { result: true });
        await refused(grpc.status.UNAVAILABLE, /rate/, 'GetMetrics', metrics('resnet50'));
        await refused(grpc.status.NOT_FOUND, /nobody/, 'GetMetrics', metrics('nobody'));
        for (const [rate, slo, routing] of [[200, 50, 'random'], [5000, 20, 'central'], [40000, 50, 'random']]) {
            const { replicas: expected } = await http(`?rate=${rate}&slo_p99_ms=${slo}&routing=${routing}`);
            assert(expected >= 1);
            assert.strictEqual(await replicas({ rate: `${rate}`, sloP99Ms: `${slo}`, routing }), expected);
        }
        assert.strictEqual((await push(20000)).status, 200);
        let before, now, after; // the answer may move between two questions
        do {
            [before, now, after] = [await http(), await replicas(), await http()];
        } while (before.replicas !== after.replicas);
        assert.strictEqual(now, after.replicas);
        assert(now > 1);
        assert.deepEqual(await call('GetMetricSpec', object('resnet50')), spec('assay_desired_replicas'));
        assert.deepEqual(await first(1, 'StreamMetricSpec', object('resnet50')), [spec('assay_desired_replicas')]);
        assert.deepEqual(await first(1, 'StreamIsActive', object('resnet50')), [{ result: true }]);
    },
    // The server is stopped once "watching" was printed.
    async stop() {
        const stream = scaler.StreamMetricSpec(object('resnet50'));
        const error = await new Promise((done) =>
            stream.on('data', () => console.log('watching')).on('error', done));
        assert.strictEqual(error.code, grpc.status.UNAVAILABLE);
        assert.match(error.details, /the server stops/);
    },
};

async function play() {
    for (const name of names.split(','))
        await scenarios[name]();
}

setTimeout(() => {
    console.error(`${names} hangs`);
    process.exit(1);
}, 20000).unref();
play().then(() => scaler.close(), (error) => {
    console.error(error);
    process.exit(1);
});
