import { Transient, defineAgent, rejected, t } from 'ringfence-sdk';

let started = 0;

const input = { do: t.string, files: t.optional(t.list({ path: t.string }), []) };

function fall(depth) {
  if (depth === 0) throw new RangeError('the well is empty');
  fall(depth - 1);
}

const does = {
  answer({ files }, cx) {
    cx.log.info('answering', { files: files.length });
    cx.progress(0.5, 'half');
    const kept = cx.artifacts.put('note.txt', 'kept');
    return { kept: new TextDecoder().decode(cx.artifacts.get(kept)), attempt: cx.task.attempt };
  },
  raise: () => fall(3),
  reject: () => rejected('not good enough'),
  wait() {
    throw new Transient('busy', { retryAfter: 1.5 });
  },
  spin() {
    for (;;);
  },
  hoard() {
    const hoard = [];
    for (;;) hoard.push(new Uint8Array(1 << 20).fill(1));
  },
  count: () => started,
};

export const agent = defineAgent({
  name: 'hello',
  version: '1.0.0',
  summary: 'does as it is told',
  roles: ['test'],
  input,
  async execute(task, cx) {
    started += 1;
    return does[task.do](task, cx);
  },
});
