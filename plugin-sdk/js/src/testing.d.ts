import type { Agent, Completed, ModelError, ModelRequest, ModelResponse, Rejected, Task } from './index.js';

/** A host that runs agents natively and records what they do. Budgets and grants don't
 * hold here; `ringfence test` has them. */
export class TestHost {
  constructor(task?: Partial<Task>);
  /** What the agent logged. */
  lines: { level: string; message: string; fields: Record<string, string> }[];
  /** How far it said that it was. */
  reports: { activity: string; fraction?: number; note: string }[];
  /** What it asked of a model. */
  asked: ModelRequest[];
  /** What a model says, in turn. */
  answers: (ModelResponse | ModelError)[];
  /** The artifacts, by their SHA-256. */
  kept: Map<string, Uint8Array>;
  /** Lets the agent do the task with this input. What it fails with is thrown. */
  run<Output>(agent: Agent<Output>, input: unknown): Promise<Completed<Output> & Rejected>;
}
