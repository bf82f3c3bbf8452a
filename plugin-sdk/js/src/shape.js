// The shape of an input, checked with errors that name the field.
//
// A shape is a function: it takes a value and the name of its place, and returns
// what fits or throws `InvalidInput`. A plain object stands for the shape of one.

import { InvalidInput } from './failure.js';

const OPTIONAL = Symbol('optional');

const misfit = (place, problem) => new InvalidInput(`\`${place}\` does not fit: ${problem}`);

const wrongType = (value, place, expected) =>
  misfit(place, `it is ${shown(value)}, and should be ${expected}`);

function shown(value) {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'string':
      return `the string ${JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)}`;
    case 'number':
      return `the number ${value}`;
    case 'boolean':
      return String(value);
    default:
      return 'an object';
  }
}

const exactly = (expected, fits) => (value, place) => {
  if (fits(value)) return value;
  throw wrongType(value, place, expected);
};

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

const listed = (names) => names.map((name) => `\`${name}\``).join(' or ') || 'none';

// The shape that `definition` stands for. What is none is told when the agent is
// defined, and not when the first input comes.
export function shape(definition, place = 'input') {
  if (typeof definition === 'function') return definition;
  if (isObject(definition)) return t.object(definition, place);
  throw new TypeError(`the shape of \`${place}\` is none: use \`t.string\`, \`t.list(...)\` and so on`);
}

export const t = {
  any: (value) => value,
  string: exactly('a string', (value) => typeof value === 'string'),
  boolean: exactly('true or false', (value) => typeof value === 'boolean'),
  number: exactly('a number', (value) => typeof value === 'number'),
  integer: exactly('a whole number', Number.isSafeInteger),

  list(item) {
    const each = shape(item);
    return (value, place) => {
      if (!Array.isArray(value)) throw wrongType(value, place, 'a list');
      return value.map((part, index) => each(part, `${place}[${index}]`));
    };
  },

  record(item) {
    const each = shape(item);
    return (value, place) => {
      if (!isObject(value)) throw wrongType(value, place, 'an object');
      const parts = Object.entries(value).map(([key, part]) => [key, each(part, `${place}.${key}`)]);
      return Object.fromEntries(parts);
    };
  },

  nullable(item) {
    const other = shape(item);
    return (value, place) => (value === null ? null : other(value, place));
  },

  // A field that may be missing; then it is `instead`.
  optional(item, instead) {
    const other = shape(item);
    const optional = (value, place) => other(value, place);
    optional[OPTIONAL] = () => structuredClone(instead);
    return optional;
  },

  oneOf(...choices) {
    const expected = choices.map((choice) => JSON.stringify(choice)).join(' or ');
    return (value, place) => {
      if (choices.includes(value)) return value;
      throw misfit(place, `it is ${shown(value)}, and should be ${expected}`);
    };
  },

  union(...shapes) {
    const choices = shapes.map((each) => shape(each));
    return (value, place) => {
      const problems = [];
      for (const choice of choices) {
        try {
          return choice(value, place);
        } catch (error) {
          if (!(error instanceof InvalidInput)) throw error;
          problems.push(error.message);
        }
      }
      throw new InvalidInput(problems.join(', or '));
    };
  },

  object(fields, at = 'input') {
    const shapes = Object.entries(fields).map(([key, each]) => [key, shape(each, `${at}.${key}`)]);
    const names = new Set(Object.keys(fields));
    return (value, place) => {
      if (!isObject(value)) throw wrongType(value, place, 'an object');
      for (const key of Object.keys(value)) {
        if (!names.has(key)) {
          throw misfit(`${place}.${key}`, `unknown field \`${key}\`, expected ${listed([...names])}`);
        }
      }
      const result = {};
      for (const [key, each] of shapes) {
        if (Object.hasOwn(value, key)) result[key] = each(value[key], `${place}.${key}`);
        else if (each[OPTIONAL]) result[key] = each[OPTIONAL]();
        else throw misfit(place, `missing field \`${key}\``);
      }
      return result;
    };
  },
};
