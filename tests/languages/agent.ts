import { defineAgent, t, type Finding } from 'ringfence-sdk';

interface Listing {
  title: string;
}

const input = { listings: t.list({ title: t.string, price: t.optional(t.number, 0) }) };

function check({ title }: Listing): Finding[] {
  if (title === '') throw new RangeError('no title');
  return [];
}

export const agent = defineAgent({
  name: 'hello',
  version: '1.0.0',
  roles: ['test'],
  input,
  execute({ listings }) {
    return { found: listings.flatMap(check).length, prices: listings.map((each) => each.price) };
  },
});
