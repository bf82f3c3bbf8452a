import { defineAgent, t } from 'ringfence-sdk';

export const agent = defineAgent({
  name: '{{name}}',
  version: '0.1.0',
  summary: 'greets by name',
  roles: ['greeter'],
  input: { name: t.string },

  execute(input, cx) {
    cx.log.info('greeting somebody');
    return { text: `Hello, ${input.name}!` };
  },
});
