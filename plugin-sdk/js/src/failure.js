// Why there is no outcome, and so whether trying again can help.

export class Failure extends Error {
  constructor(tag, message) {
    super(message);
    this.tag = tag;
  }

  // As the contract has it.
  get payload() {
    return { tag: this.tag, val: this.message };
  }
}

export class InvalidInput extends Failure {
  constructor(message) {
    super('invalid-input', message);
  }
}

export class Permanent extends Failure {
  constructor(message) {
    super('permanent', message);
  }
}

export class Transient extends Failure {
  constructor(message, { retryAfter } = {}) {
    super('transient', message);
    this.retryAfter = retryAfter;
  }

  get payload() {
    const { message, retryAfter } = this;
    const milliseconds = Math.max(0, Math.round((retryAfter ?? 0) * 1000));
    const retryAfterMs = retryAfter === undefined ? undefined : BigInt(milliseconds);
    return { tag: 'transient', val: { message, retryAfterMs } };
  }
}
