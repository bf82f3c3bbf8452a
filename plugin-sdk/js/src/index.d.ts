/** For people who write Ringfence agents in JavaScript or TypeScript. */

/** Checks that a value has a shape, and gives it. What does not fit is an
 * `InvalidInput` that names the field. */
export type Shape<T> = (value: unknown, place: string) => T;

/** A shape, or an object of them, which stands for the shape of an object. */
export type ShapeLike = Shape<any> | { [field: string]: ShapeLike };

/** What fits a shape. */
export type Infer<S> = S extends Shape<infer T>
  ? T
  : S extends object
    ? { -readonly [K in keyof S]: Infer<S[K]> }
    : never;

/** The shapes. An object may have no fields but those that are named. */
export const t: {
  any: Shape<any>;
  string: Shape<string>;
  boolean: Shape<boolean>;
  number: Shape<number>;
  integer: Shape<number>;
  list<S extends ShapeLike>(item: S): Shape<Infer<S>[]>;
  /** An object with any names for fields, all of one shape. */
  record<S extends ShapeLike>(item: S): Shape<Record<string, Infer<S>>>;
  object<S extends { [field: string]: ShapeLike }>(fields: S): Shape<Infer<S>>;
  nullable<S extends ShapeLike>(item: S): Shape<Infer<S> | null>;
  /** A field that may be missing; then it is `instead`. */
  optional<S extends ShapeLike>(item: S): Shape<Infer<S> | undefined>;
  optional<S extends ShapeLike>(item: S, instead: Infer<S>): Shape<Infer<S>>;
  oneOf<const T extends string | number | boolean | null>(...choices: T[]): Shape<T>;
  union<S extends ShapeLike[]>(...shapes: S): Shape<Infer<S[number]>>;
};

/** Who an agent is, and what it does. */
export interface Definition<S extends ShapeLike, Output> {
  /** Unique in a host: lower-case letters, digits, `-` and `_`. */
  name: string;
  version: string;
  /** One sentence on what it does. */
  summary?: string;
  /** What it is for; at least one. */
  roles: string[];
  /** The shape of its input. Without, it takes any. */
  input?: S;
  /** JSON Schemas of its input and output, for people and editors. */
  inputSchema?: object;
  outputSchema?: object;
  /** Whether it is able to do the task; asked where the role leaves a choice. */
  canHandle?(task: Task): boolean;
  /** Does the task. It may be `async`. */
  execute(
    input: Infer<S>,
    cx: Context,
  ): Output | Completed<Output> | Rejected | Promise<Output | Completed<Output> | Rejected>;
}

/** An agent, as a component exports it under the name `agent`. */
export interface Agent<Output = unknown> {
  describe(): unknown;
  canHandle(task: unknown): boolean;
  execute(task: unknown): Promise<unknown>;
  /** What its outputs are; nothing at run time. */
  readonly output?: Output;
}

/** Makes an agent. TypeScript knows the type of `execute`'s input where the shape has a
 * name of its own: `const input = { name: t.string }`, and then `{ input, ... }`. */
export function defineAgent<S extends ShapeLike, Output>(
  definition: Definition<S, Output>,
): Agent<Output>;

/** The output of a task, with what was found and kept on the way. */
export interface Completed<T> {
  value: T;
  findings: Finding[];
  artifacts: Artifact[];
}

/** How a gate sends work back. */
export interface Rejected {
  reason: string;
  findings: Finding[];
}

export function completed<T>(
  value: T,
  more?: { findings?: Finding[]; artifacts?: Artifact[] },
): Completed<T>;

export function rejected(reason: string, findings?: Finding[]): Rejected;

/** How an agent fails on purpose: one of the three kinds. */
export abstract class Failure extends Error {}

/** The agent does not take this input. Say which field, and what it should be. */
export class InvalidInput extends Failure {
  constructor(message: string);
}

/** Trying again is no use. */
export class Permanent extends Failure {
  constructor(message: string);
}

/** Trying again may help, after `retryAfter` seconds at the earliest. */
export class Transient extends Failure {
  constructor(message: string, more?: { retryAfter?: number });
  readonly retryAfter?: number;
}

/** Why a model does not answer. Where nobody catches it, the attempt fails: in a way
 * that is tried again if it is `unavailable`, else for good. */
export class ModelError extends Error {
  constructor(kind: ModelError['kind'], message: string);
  readonly kind: 'denied' | 'budget-exhausted' | 'unavailable' | 'invalid-request';
}

/** What an agent has at hand beside its input. A mount is not there: the engine that
 * JavaScript runs on has no files. */
export interface Context {
  readonly task: Task;
  readonly log: Record<LogLevel, (message: unknown, fields?: Record<string, unknown>) => void>;
  readonly artifacts: {
    /** Keeps a content. Name it in `completed(..., { artifacts })` for the tasks that
     * need this one. */
    put(name: string, content: string | Uint8Array, mediaType?: string): Artifact;
    /** The content of an artifact of this run; a text is its SHA-256. */
    get(artifact: Artifact | string): Uint8Array;
  };
  readonly model: {
    /** Asks a model; a text is one message of the user. Throws `ModelError`. */
    chat(request: string | ModelRequest): ModelResponse;
  };
  /** Says how far the attempt has come; `fraction` goes from 0 to 1. */
  progress(fraction: number | null, note?: string, activity?: Activity): void;
  /** The task `name` among those that this one needs. */
  need(name: string): Dependency | undefined;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

export type Activity = 'thinking' | 'working' | 'waiting';

export type Priority = 'low' | 'normal' | 'high' | 'critical' | 'emergency';

export type Severity = 'info' | 'low' | 'medium' | 'high' | 'critical';

/** One attempt at a task. `attempt` and `round` count from 1, `timeLeft` is in
 * seconds, and `input` is what JSON gives. */
export interface Task {
  run: string;
  id: string;
  role: string;
  priority: Priority;
  attempt: number;
  round: number;
  input: unknown;
  needs: Dependency[];
  feedback: Finding[];
  timeLeft: number;
}

/** The output of a task that this one needs. Of a `for_each` task the value is a list,
 * one value an item; of a task that was skipped it is `null`. */
export interface Dependency {
  task: string;
  output: { value: any; findings: Finding[]; artifacts: Artifact[] };
}

/** A blob in the run's artifact store, named by its content. */
export interface Artifact {
  name: string;
  mediaType: string;
  sha256: string;
  size: number;
}

/** Something to say about a place in the work: `rule` is in kebab case, `message` one
 * sentence for a person. */
export interface Finding {
  rule: string;
  severity: Severity;
  message: string;
  /** Line and column count from 1, in characters. */
  location?: { path: string; line: number; column: number };
  /** Replaces lines `first` to `last` (inclusive), which are whole lines. */
  fix?: { path: string; first: number; last: number; replacement: string };
}

/** What a model is asked. Without `model`, the first of the granted ones. */
export interface ModelRequest {
  messages: string | { role: 'system' | 'user' | 'assistant'; content: string }[];
  model?: string;
  maxTokens?: number;
  temperature?: number;
  /** A JSON Schema; then the answer is JSON that satisfies it. */
  responseSchema?: object;
}

export interface ModelResponse {
  content: string;
  model: string;
  usage: { promptTokens: number; completionTokens: number };
}
