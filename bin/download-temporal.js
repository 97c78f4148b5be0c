'use strict';
// node bin/download-temporal.js FOLDER: lets the Temporal SDK download its dev server into FOLDER. A process of its own,
// because the SDK's download can be stopped in no other way.
const { TestWorkflowEnvironment } = require('@temporalio/testing');

const downloadDir = process.argv[2];

TestWorkflowEnvironment.createLocal({ server: { executable: { type: 'cached-download', downloadDir } } })
  .then(async (environment) => await environment.teardown())
  .then(
    () => process.exit(0),
    (error) => {
      console.error(error.message);
      process.exit(1);
    },
  );
