const path = require('node:path');
const { default: Sequencer } = require('@jest/test-sequencer');
const slowest = require('../slowest.json');

const OF_THE_OTHERS_S = 2;

/**
 * The slowest test files begin first, so that none of them is left running alone at the end. jest knows how long each took the last
 * time, but a fresh checkout has no last time.
 */
module.exports = class extends Sequencer {
  time(test) {
    const file = path.relative(test.context.config.rootDir, test.path);
    return super.time(test) ?? 1000 * (slowest[file] ?? OF_THE_OTHERS_S);
  }
};
