// What an author writes: a function, and who it is.

import { host as sandbox } from '#host';
import { Context, ModelError } from './context.js';
import { Failure } from './failure.js';
import { Completed, Rejected } from './outcome.js';
import { shape } from './shape.js';
import { told } from './stack.js';

const DEFINITION = Symbol.for('ringfence-sdk.definition');

// An agent as the contract wants it. A component is made of the one that a module
// exports under the name `agent`.
export function defineAgent(definition) {
  const { name, version, summary = '', roles, execute, canHandle = () => true } = definition;
  if (typeof execute !== 'function') throw new TypeError('an agent has an `execute` function');
  const input = shape(definition.input ?? ((value) => value));
  const schema = (given) => (given === undefined ? undefined : JSON.stringify(given));
  const does = { input, execute };

  return {
    [DEFINITION]: does,
    describe: () => ({
      name,
      version,
      summary,
      roles,
      inputSchema: schema(definition.inputSchema),
      outputSchema: schema(definition.outputSchema),
    }),
    canHandle: (task) => Boolean(canHandle(readTask(task))),
    async execute(task) {
      try {
        return wireOutcome(await run(does, readTask(task), sandbox));
      } catch (error) {
        if (error instanceof Failure) throw { payload: error.payload };
        throw told(error);
      }
    },
  };
}

// The definition behind an agent.
export function definitionOf(agent) {
  if (agent?.[DEFINITION]) return agent[DEFINITION];
  throw new TypeError('this is no agent: it has to come from `defineAgent`');
}

// Does `task`, and gives an outcome.
export async function run({ input, execute }, task, host) {
  try {
    const outcome = await execute(input(task.input, 'input'), new Context(task, host));
    if (outcome === undefined) {
      throw new TypeError('`execute` returned nothing: return a value, or `null`');
    }
    const isOutcome = outcome instanceof Completed || outcome instanceof Rejected;
    return isOutcome ? outcome : new Completed(outcome);
  } catch (error) {
    throw error instanceof ModelError ? error.failure() : error;
  }
}

// The value that an output has in JSON: `undefined` has none.
export const json = (value) => JSON.stringify(value ?? null);

function readTask({ timeLeftMs, ...task }) {
  return {
    ...task,
    input: JSON.parse(task.input),
    needs: task.needs.map(({ task: name, output }) => ({ task: name, output: readOutput(output) })),
    timeLeft: Number(timeLeftMs) / 1000,
  };
}

function readOutput({ value: text, findings, artifacts }) {
  const sized = artifacts.map((artifact) => ({ ...artifact, size: Number(artifact.size) }));
  return lazily('value', () => JSON.parse(text), { findings, artifacts: sized });
}

// `object` with a property that is read where it is first looked at: an agent pays for
// no other.
function lazily(name, read, object) {
  const known = (value) =>
    Object.defineProperty(object, name, { value, writable: true, enumerable: true });
  const get = () => known(read())[name];
  return Object.defineProperty(object, name, { get, set: known, enumerable: true, configurable: true });
}

function wireOutcome(outcome) {
  const { findings } = outcome;
  if (outcome instanceof Rejected) {
    return { tag: 'rejected', val: { reason: outcome.reason, findings } };
  }
  const artifacts = outcome.artifacts.map((artifact) => ({ ...artifact, size: BigInt(artifact.size) }));
  return { tag: 'completed', val: { value: json(outcome.value), findings, artifacts } };
}
