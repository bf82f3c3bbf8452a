// What an agent finds in place of a host outside the sandbox.

export const host = new Proxy(
  {},
  {
    get(_, name) {
      throw new Error(
        `\`${String(name)}\` is there in the sandbox alone: use \`TestHost\` of \`ringfence-sdk/testing\``,
      );
    },
  },
);
