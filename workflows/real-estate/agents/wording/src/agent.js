// The agent of the role `wording`: looks through the titles and texts of a shard of
// listings for what a catalogue must not say.

import { completed, defineAgent, t } from 'ringfence-sdk';

import { remarks } from './rules.js';

const FILE = 'listings.csv';

// The fields that sellers write in their own words.
const FIELDS = ['title', 'text'];

export const agent = defineAgent({
  name: 'wording',
  version: '1.0.0',
  summary: 'finds what a catalogue must not say',
  roles: ['wording'],
  input: { listings: t.list(t.record(t.any)) },

  execute({ listings }, cx) {
    const listed = listings.filter(({ status }) => status === 'listed');
    const findings = listed.flatMap((listing) =>
      FIELDS.flatMap((field) => remarks(listing[field]).map((remark) => finding(listing, field, remark))),
    );
    cx.log.info('read', { listings: listed.length, findings: findings.length });
    return completed({ read: listed.length, found: findings.length }, { findings });
  },
});

function finding(listing, field, { rule, severity, message, offset }) {
  const column = listing.at[field] + offset;
  return { rule, severity, message, location: { path: FILE, line: listing.line, column } };
}
