// For people who write Ringfence agents in JavaScript or TypeScript.
//
// An agent is a function from its input to its output, and who it is:
//
//     import { defineAgent, t } from 'ringfence-sdk';
//
//     const input = { name: t.string };
//
//     export const agent = defineAgent({
//       name: 'hello',
//       version: '1.0.0',
//       summary: 'greets by name',
//       roles: ['greeter'],
//       input,
//       execute({ name }, cx) {
//         cx.log.info('greeting', { name });
//         return `Hello, ${name}!`;
//       },
//     });
//
// `ringfence build` makes a component of it. What is returned is the output of the
// task; `completed` adds findings and artifacts to it, and `rejected` is how a gate
// sends work back. `InvalidInput`, `Permanent` and `Transient` are thrown, and say
// whether trying again can help; input that does not fit `input` is an
// `InvalidInput` that names the field. Any other error ends the attempt as a trap,
// with its stack. The types, with all that can be done, are in `index.d.ts`.

export { defineAgent } from './agent.js';
export { ModelError } from './context.js';
export { Failure, InvalidInput, Permanent, Transient } from './failure.js';
export { completed, rejected } from './outcome.js';
export { t } from './shape.js';
