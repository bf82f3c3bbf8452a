import assert from 'node:assert/strict';
import { test } from 'node:test';

import { TestHost } from 'ringfence-sdk/testing';

import { agent } from '../src/agent.js';

// Runs natively: quick, and a debugger works.
test('it greets by name', async () => {
  const host = new TestHost();
  const outcome = await host.run(agent, { name: 'Ada' });
  assert.deepEqual(outcome.value, { text: 'Hello, Ada!' });
  assert.deepEqual(host.lines, [{ level: 'info', message: 'greeting somebody', fields: {} }]);
});
