import { defineAgent, t } from 'ringfence-sdk';

const input = { name: t.string };

export const agent = defineAgent({
  name: '{{name}}',
  version: '0.1.0',
  summary: 'greets by name',
  roles: ['greeter'],
  input,
  execute({ name }, cx) {
    cx.log.info('greeting somebody');
    return { text: `Hello, ${name}!` };
  },
});
