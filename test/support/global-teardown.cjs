const { rmSync } = require('node:fs');

module.exports = () => {
  rmSync(process.env.REHEARSE_TEST_RUN, { recursive: true, force: true });
};
