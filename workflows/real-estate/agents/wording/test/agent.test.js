// The agent over all rows that ship: it finds what was planted for it, and nothing
// else; and each of its rules.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { TestHost } from 'ringfence-sdk/testing';

import { agent } from '../src/agent.js';
import { remarks } from '../src/rules.js';

const OWN = new Set([
  'discriminatory-wording',
  'unprovable-claim',
  'contact-in-text',
  'placeholder-text',
  'shouting',
]);

const data = (name) => readFileSync(new URL(`../../../${name}`, import.meta.url), 'utf8');

const rules = (text) => remarks(text).map(({ rule }) => rule);

// A line of the file as title and text; its cells are quoted where they must be.
function listing(line, number) {
  const cells = [...line.matchAll(/(?<=^|,)(?:"((?:[^"]|"")*)"|([^",]*))(?=,|$)/gu)].map(
    ([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare,
  );
  assert.equal(cells.length, 12, line);
  return { line: number, at: { title: 9, text: 99 }, title: cells[1], text: cells[11], status: 'listed' };
}

const run = async (listings) => {
  const outcome = await new TestHost().run(agent, { listings });
  return outcome.findings.map(({ rule, location }) => [location.line, rule]);
};

test('it finds what was planted for it and nothing else', async () => {
  const lines = data('listings.csv').trimEnd().split('\n').slice(1);
  const expected = JSON.parse(data('expected.json'));
  const planted = expected.filter(({ fault }) => OWN.has(fault)).map(({ line, fault }) => [line, fault]);
  assert.deepEqual(await run(lines.map((line, index) => listing(line, index + 2))), planted);
});

test('what is not listed is not read', async () => {
  const one = { line: 2, at: { title: 1, text: 9 }, title: 'Flat', text: 'Only for Germans.' };
  assert.deepEqual(await run([{ ...one, status: 'withdrawn' }]), []);
  assert.deepEqual(await run([{ ...one, status: 'listed' }]), [[2, 'discriminatory-wording']]);
});

test('each rule finds what it is for', () => {
  const found = {
    'discriminatory-wording': ['Only for natives.', 'no children', 'German couples only', 'Couples with children need not apply'],
    'unprovable-claim': ['the finest house in the region', 'GUARANTEED YIELD', '100% safe', 'unbeatable'],
    'contact-in-text': ['a.b+c@example.org', 'me [at] example.org', '(0171) 555 01 23 or 0171/5550123', '+49-30-5550-1234'],
    'placeholder-text': ['Lorem Ipsum', 'price TBD', 'xxx'],
    shouting: ['BUY THIS HOUSE TODAY', 'ÜBER ALLES SCHÖN GELEGEN'],
  };
  for (const [rule, texts] of Object.entries(found)) {
    for (const text of texts) assert.deepEqual(rules(text), [rule], text);
  }
});

test('what only looks like it is let through', () => {
  const fine = [
    'The best room is in the attic.',
    'The Christian hospital, and a family of ducks.',
    'Two rooms for children.',
    'a guaranteed parking space',
    'Plot 12-14, 12 000 000 blades, 1.200.500 m², built 1998-2001, no. 2024-0117',
    'Meet @ noon. In the yard.',
    'XXL sofa',
    'NATO RADAR nearby, with USB and EBK',
  ];
  for (const text of fine) assert.deepEqual(rules(text), [], text);
});

test('a place is told in characters', () => {
  assert.equal(remarks('🏡🏡 TBD')[0].offset, 3);
});

test('an input that does not fit names the field', async () => {
  await assert.rejects(new TestHost().run(agent, {}), /missing field `listings`/);
});
