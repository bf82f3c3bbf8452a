// How a task ends that does not fail.

export class Completed {
  constructor(value, { findings = [], artifacts = [] } = {}) {
    Object.assign(this, { value, findings, artifacts });
  }
}

export class Rejected {
  constructor(reason, findings = []) {
    Object.assign(this, { reason, findings });
  }
}

export const completed = (value, more) => new Completed(value, more);

export const rejected = (reason, findings) => new Rejected(reason, findings);
