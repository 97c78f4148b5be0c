import type { WorkerOptions } from '@temporalio/worker';

/**
 * The worker deployment version of `REHEARSE_DEPLOYMENT`, a name for all workers of these queues, and `REHEARSE_BUILD_ID`, which of them this
 * is. Off without the first: a server with no current version gives versioned workers nothing, and a start would wait for ever.
 * @param release the build id where none is set
 * @throws Error for names that the server does not take
 */
export function workerDeployment(
  env: Readonly<Record<string, string | undefined>>,
  release: string,
): WorkerOptions['workerDeploymentOptions'] {
  const { REHEARSE_DEPLOYMENT: deploymentName, REHEARSE_BUILD_ID: buildId } = env;
  if (!deploymentName) {
    if (buildId) {
      throw new Error('REHEARSE_BUILD_ID is set without REHEARSE_DEPLOYMENT; set that to the name of the deployment, or neither');
    }
    return undefined;
  }
  // The server joins both with a point.
  if (deploymentName.includes('.')) throw new Error(`REHEARSE_DEPLOYMENT is "${deploymentName}"; it may not hold a point`);
  return {
    version: { deploymentName, buildId: buildId || release },
    useWorkerVersioning: true,
    // Runs last for weeks and follow a new version at their next workflow task; shards end within hours, and stay with theirs.
    defaultVersioningBehavior: 'AUTO_UPGRADE',
  };
}
