// Runs agents natively, against a host that records what they do.
//
//     import { test } from 'node:test';
//     import assert from 'node:assert/strict';
//     import { TestHost } from 'ringfence-sdk/testing';
//     import { agent } from '../agent.js';
//
//     test('it greets', async () => {
//       const host = new TestHost();
//       const outcome = await host.run(agent, { name: 'Ada' });
//       assert.equal(outcome.value, 'Hello, Ada!');
//     });

import { createHash } from 'node:crypto';

import { definitionOf, json, run } from './agent.js';
import { ModelError } from './context.js';
import { Permanent } from './failure.js';
import { Completed } from './outcome.js';

const TASK = {
  run: 'test-run',
  id: 'test',
  role: 'test',
  priority: 'normal',
  attempt: 1,
  round: 1,
  needs: [],
  feedback: [],
  timeLeft: 30,
};

export class TestHost {
  lines = [];
  reports = [];
  asked = [];
  answers = [];
  kept = new Map();

  constructor(task = {}) {
    this.task = { ...TASK, ...task };
  }

  async run(agent, input) {
    const task = { ...this.task, input: JSON.parse(json(input)) };
    const outcome = await run(definitionOf(agent), task, this);
    if (outcome instanceof Completed) outcome.value = JSON.parse(json(outcome.value));
    return outcome;
  }

  log(level, message, fields) {
    this.lines.push({ level, message, fields: Object.fromEntries(fields) });
  }

  report(activity, fraction, note) {
    this.reports.push({ activity, fraction, note });
  }

  put(name, mediaType, content) {
    const sha256 = createHash('sha256').update(content).digest('hex');
    this.kept.set(sha256, content);
    return { name, mediaType, sha256, size: content.length };
  }

  get(sha256) {
    if (this.kept.has(sha256)) return this.kept.get(sha256);
    throw new Permanent(`the artifact ${sha256} is not in this run's store`);
  }

  chat(request) {
    this.asked.push(request);
    const answer = this.answers.shift();
    if (answer === undefined) {
      throw new ModelError('denied', 'no answer is left: add to `TestHost.answers`');
    }
    if (answer instanceof ModelError) throw answer;
    return answer;
  }
}
