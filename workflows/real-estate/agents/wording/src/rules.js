// What a catalogue must not say. Each rule has patterns, and says what is wrong with
// what they match.

const RULES = [
  {
    rule: 'discriminatory-wording',
    severity: 'critical',
    says: (words) => `“${words}” keeps people out for who they are`,
    patterns: [
      /\bonly for (?:germans|natives|locals|christians|muslims|whites)\b/giu,
      /\bno (?:foreigners|immigrants|refugees|children|muslims|jews|disabled)\b/giu,
      /\b(?:christian|german|muslim|white) (?:family|families|couples?|buyers?|tenants?) only\b/giu,
      /\b\w+ with children need not apply\b/giu,
    ],
  },
  {
    rule: 'unprovable-claim',
    severity: 'medium',
    says: (words) => `nobody can prove “${words}”`,
    patterns: [
      /\b(?:best|finest|cheapest|most \w+)\b[^.!?]*\bin (?:the )?(?:whole )?(?:town|city|region|country|world)\b/giu,
      /\bguaranteed? (?:return|yield|profit|rise|increase)\b/giu,
      /\bnowhere (?:else )?will you find\b/giu,
      /\b100 ?% (?:safe|secure|risk-free)\b/giu,
      /\bunbeatable\b/giu,
    ],
  },
  {
    rule: 'contact-in-text',
    severity: 'medium',
    // The message is shown to others, and the number is nobody's business.
    says: () => 'there is a way to reach the seller beside the agency',
    patterns: [
      /[\w.+-]+ ?(?:@|\(at\)|\[at\]) ?[\w-]+\.[a-z]{2,}/giu,
      /(?<![\d.,-]|\d )(?:\+\d{1,3}|0\d{2,4})[ /-]?\d[\d /-]{5,}\d/gu,
    ],
  },
  {
    rule: 'placeholder-text',
    severity: 'low',
    says: (words) => `“${words}” stands for a text that is not there`,
    patterns: [/\blorem ipsum\b/giu, /\btext follows\b/giu, /\bTBD\b/gu, /\bxxx\b/giu],
  },
];

const SHOUTING = { rule: 'shouting', severity: 'low', message: 'it is written in capitals' };

// So many long words in capitals are shouting; fewer may be names.
const SHOUTED_WORDS = 3;

// The engine in the component has no Unicode tables, so no `\p{Lu}`.
const WORD = /[^\s\d.,;:!?"'()/&-]{4,}/gu;

const isShouted = (word) => word === word.toUpperCase() && word !== word.toLowerCase();

// Everything that there is to say about a text, with the offset in characters.
export function remarks(text) {
  const found = RULES.flatMap(({ rule, severity, says, patterns }) =>
    patterns.flatMap((pattern) =>
      [...text.matchAll(pattern)].map(({ 0: words, index }) => ({
        rule,
        severity,
        message: says(words),
        offset: characters(text, index),
      })),
    ),
  );
  const shouted = [...text.matchAll(WORD)].filter(({ 0: word }) => isShouted(word));
  if (shouted.length >= SHOUTED_WORDS) {
    found.push({ ...SHOUTING, offset: characters(text, shouted[0].index) });
  }
  return found;
}

// JavaScript counts halves of some characters; findings count whole ones.
const characters = (text, index) => [...text.slice(0, index)].length;
