'use strict';
// node deploy/healthcheck.js QUEUE: exits 0 when this machine's worker can do its work. It reaches the Temporal server and its
// namespace; and the workflow worker has polled within the last minute or so. An activity worker that is full does not
// poll, so for those only the connection is checked.
const { hostname } = require('node:os');
const { connect } = require('../dist/cli/server/connect');
const { queuePollers } = require('../dist/cli/server/queue-pollers');

const TIMEOUT_MS = 10_000;

async function main(queue) {
  const { client, connection, namespace, address } = await connect();
  try {
    await connection.withDeadline(Date.now() + TIMEOUT_MS, async () => {
      await connection.workflowService.describeNamespace({ namespace });
      if (queue !== 'orchestration') return;
      // The SDK names a worker pid@host, and a container's host name is its own.
      const pollers = await queuePollers(client, queue);
      if (!pollers.some((identity) => identity.endsWith(`@${hostname()}`))) {
        throw new Error(`no worker of ${hostname()} polls the queue ${queue} at ${address}`);
      }
    });
  } finally {
    await connection.close();
  }
}

main(process.argv[2]).catch((error) => {
  console.error(`unhealthy: ${error.message}`);
  process.exitCode = 1;
});
