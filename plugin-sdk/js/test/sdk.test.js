// What the SDK promises, without a sandbox.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { InvalidInput, ModelError, Permanent, Transient, completed, defineAgent, rejected, t } from '../src/index.js';
import { shape } from '../src/shape.js';
import { explained, told } from '../src/stack.js';
import { TestHost } from '../src/testing.js';

const file = { path: t.string, mode: t.optional(t.oneOf('r', 'w'), 'r') };
const input = shape({
  files: t.list(file),
  depth: t.optional(t.integer, 1),
  ratio: t.optional(t.nullable(t.number)),
  counts: t.optional(t.record(t.integer), {}),
  id: t.optional(t.union(t.integer, t.string), 0),
});

const agent = (execute, more = {}) =>
  defineAgent({ name: 'test', version: '1.0.0', roles: ['test'], execute, ...more });

describe('shapes', () => {
  test('what fits is given, with what may be missing', () => {
    const value = { files: [{ path: 'a' }], ratio: null, counts: { a: 1 }, id: 'x' };
    assert.deepEqual(input(value, 'input'), {
      files: [{ path: 'a', mode: 'r' }],
      depth: 1,
      ratio: null,
      counts: { a: 1 },
      id: 'x',
    });
  });

  for (const [value, message] of [
    [
      { files: [{ path: 'a' }, { path: 3 }] },
      '`input.files[1].path` does not fit: it is the number 3, and should be a string',
    ],
    [{}, '`input` does not fit: missing field `files`'],
    [null, '`input` does not fit: it is null, and should be an object'],
    [{ files: [{ path: 'a', x: 1 }] }, '`input.files[0].x` does not fit: unknown field `x`, expected `path` or `mode`'],
    [
      { files: [{ path: 'a', mode: 'x' }] },
      '`input.files[0].mode` does not fit: it is the string "x", and should be "r" or "w"',
    ],
    [
      { files: [], depth: 1.5 },
      '`input.depth` does not fit: it is the number 1.5, and should be a whole number',
    ],
    [
      { files: [], counts: { a: 'b' } },
      '`input.counts.a` does not fit: it is the string "b", and should be a whole number',
    ],
  ]) {
    test(message, () => assert.throws(() => input(value, 'input'), new InvalidInput(message)));
  }

  test('what is no shape is told when the agent is defined', () => {
    assert.throws(() => agent(() => 1, { input: { a: 'string' } }), /the shape of `input.a` is none/);
  });

  test('what is missing is not shared', () => {
    const each = shape({ list: t.optional(t.list(t.any), []) });
    each({}, 'input').list.push(1);
    assert.deepEqual(each({}, 'input').list, []);
  });
});

describe('running', () => {
  test('what is returned is the output', async () => {
    const outcome = await new TestHost().run(agent((n) => 2 * n, { input: t.integer }), 21);
    assert.equal(outcome.value, 42);
    const nothing = await new TestHost().run(agent(async () => null), null);
    assert.equal(nothing.value, null);
    const forgotten = new TestHost().run(agent(async () => undefined), null);
    await assert.rejects(forgotten, /returned nothing/);
  });

  test('the host records what the agent does', async () => {
    const host = new TestHost();
    host.answers.push({ content: 'yes', model: 'm', usage: { promptTokens: 1, completionTokens: 1 } });
    const outcome = await host.run(
      agent((_, cx) => {
        cx.log.warn('slow', { seconds: 3 });
        cx.progress(0.5, 'half');
        const kept = cx.artifacts.put('notes.txt', 'none');
        assert.equal(new TextDecoder().decode(cx.artifacts.get(kept)), 'none');
        const message = cx.model.chat('hello?').content;
        return completed(null, { findings: [{ rule: 'rule', severity: 'high', message }], artifacts: [kept] });
      }),
      null,
    );
    assert.deepEqual(host.lines, [{ level: 'warn', message: 'slow', fields: { seconds: '3' } }]);
    assert.deepEqual(host.reports, [{ activity: 'working', fraction: 0.5, note: 'half' }]);
    assert.equal(outcome.findings[0].message, 'yes');
    assert.equal(outcome.artifacts[0].size, 4);
  });

  test('a gate rejects', async () => {
    const outcome = await new TestHost().run(agent(() => rejected('no')), null);
    assert.equal(outcome.reason, 'no');
  });

  test('a model that is not there is worth another attempt', async () => {
    const ask = agent((_, cx) => cx.model.chat('hello?').content);
    const host = new TestHost();
    host.answers.push(new ModelError('unavailable', 'busy'));
    await assert.rejects(host.run(ask, null), new Transient('busy'));
    await assert.rejects(host.run(ask, null), Permanent);
  });

  test('a failure has the form of the contract', () => {
    assert.deepEqual(new Transient('busy', { retryAfter: 1.5 }).payload, {
      tag: 'transient',
      val: { message: 'busy', retryAfterMs: 1500n },
    });
    assert.deepEqual(new InvalidInput('x').payload, { tag: 'invalid-input', val: 'x' });
  });

  test('what a task gave is read where it is looked at', async () => {
    const gave = (task, value) => ({ task, output: { value, findings: [], artifacts: [] } });
    const needs = [gave('survey', '{"files":[1,2]}'), gave('other', '{')];
    const task = { input: 'null', needs, feedback: [], timeLeftMs: 1n };
    const looks = (name) => agent((_, cx) => cx.need(name).output.value.files.length);
    const outcome = await looks('survey').execute(task);
    assert.deepEqual(outcome.val.value, '2');
    await assert.rejects(looks('other').execute(task));
    const twice = agent((_, cx) => cx.need('survey').output.value === cx.need('survey').output.value);
    assert.equal((await twice.execute(task)).val.value, 'true');
    const writes = agent((_, cx) => (cx.need('other').output.value = 1) && cx.need('other').output);
    assert.deepEqual(JSON.parse((await writes.execute(task)).val.value).value, 1);
  });

  test('outside the sandbox there is no host but the one of a test', async () => {
    const task = { input: '1', needs: [], feedback: [], timeLeftMs: 1n };
    const logs = agent((_, cx) => cx.log.info('x'));
    await assert.rejects(logs.execute(task), (thrown) => thrown.payload !== undefined);
  });
});

describe('stacks', () => {
  const frames = Array.from({ length: 30 }, () => 'inner@agent.js:2:5').join('\n');

  const failed = (stack, message = 'the well is empty') => Object.assign(new Error(message), { stack });

  test('places are those of the sources', () => {
    globalThis[Symbol.for('ringfence-sdk.source-map')] = {
      sources: ['src/agent.js', null],
      lines: [1, 1, 0, 12, -1, 0],
    };
    const text = explained(failed('sdk@agent.js:1:1\ninner@agent.js:2:5\n@agent.js:3:1\nx@/tmp/initializer.js:1:1'));
    delete globalThis[Symbol.for('ringfence-sdk.source-map')];
    assert.equal(text, 'Error: the well is empty\n    at inner (src/agent.js:12)');
  });

  test('a stack is bounded, and so is a message', () => {
    const text = explained(failed(frames, 'x'.repeat(10_000)));
    assert.ok(text.length < 2048);
    assert.match(text, /and 18 more$/);
  });

  test('causes are told', () => {
    const error = new Error('cannot go on', { cause: new RangeError('empty') });
    assert.match(explained(error), /^Error: cannot go on[^]*caused by RangeError: empty/);
    assert.equal(explained('text'), 'thrown, and no error: text');
  });

  test('what ends an attempt is no failure of a task', () => {
    const write = console.error;
    console.error = () => {};
    const end = told(new Error('x'));
    console.error = write;
    assert.throws(() => end.payload.tag, (thrown) => thrown === 'ringfence-sdk: told above');
  });
});
