// ESM-only dependencies are compiled to CommonJS for jest; node itself loads them with import().
const esmOnly = [
  'hyparquet',
  'hyparquet-writer',
  'hyparquet-compressors',
  'simple-statistics',
  'fast-check',
  'pure-rand',
  'hysnappy',
  'fzstd',
  'eld',
  'ml-array-max',
  'ml-array-min',
  'ml-array-rescale',
  'ml-matrix',
  'is-any-array',
];

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  // Not in the temporary folder, which npm test makes for each run: what is compiled stays, and how long each file took.
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
  roots: ['<rootDir>/test'],
  globalSetup: '<rootDir>/test/support/global-setup.cjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.cjs',
  testSequencer: '<rootDir>/test/support/slowest-first.cjs',
  testMatch: ['**/*.test.ts'],
  transform: {
    '^.+\\.(t|j)s$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } }],
  },
  // eld offers its entries to `import` only, and compiled to CommonJS they are required.
  moduleNameMapper: { '^eld/(\\w+)$': '<rootDir>/node_modules/eld/src/entries/static.$1.js' },
  transformIgnorePatterns: [`/node_modules/(?!(${esmOnly.join('|')})/)`],
  testTimeout: 600_000, // of a busy machine; a test that hangs is found all the same
  // A workflow's test waits for most of its time; jest's default on a machine with two cores is one file after the other.
  maxWorkers: 4,
};
