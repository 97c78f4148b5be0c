import { CancellationScope, isCancellation, patched } from '@temporalio/workflow';
import type { RunOutline } from '../../contract/run';
import { activitiesOn } from '../activities';
import type { RunControl } from './run-control';

const gpu = activitiesOn('gpu');

/** Before it, a resumed run's batches could call the address of the server that the pause had ended, until the next one was about to start. */
const ENDED = 'ended servers have no address';

/**
 * Runs work while gpu workers serve the models that the run serves itself. Their addresses are part of the run's order. A pause
 * ends the servers too, so that it frees their GPUs. They end last, whether the work is paused, cancelled or has failed, since
 * calls in flight are finished first.
 * @throws what the work throws, or the failure of a server that does not work, when the other has ended
 */
export async function withServers<T>(control: RunControl, outline: RunOutline, work: () => Promise<T>): Promise<T> {
  const { runId, plan, served = [] } = outline;
  if (served.length === 0) return await work();
  for (const model of served) await control.serve(model, null); // so that already the first batch waits for them
  // Outside of the run's scope: a cancelled run cancels the work, and the end of the work the servers.
  const servers = await CancellationScope.nonCancellable(async () => new CancellationScope());
  const working = new CancellationScope();
  let broken: { readonly error: unknown } | undefined;
  const serve = async (model: string): Promise<void> => {
    try {
      await control.work.run(
        async () => {
          await control.serve(model, null); // it may start at another address than before
          return await gpu.serveModel.executeWithOptions({ summary: `serve ${model}` }, [{ runId, plan, model }]);
        },
        {
          pausedWhen: () => control.children.isDrained,
          onEnded: () => {
            if (patched(ENDED)) control.serverEnded(model);
          },
        },
      );
    } catch (error) {
      if (isCancellation(error)) return;
      broken ??= { error };
      working.cancel();
    }
  };
  const running = servers.run(async () => await Promise.all(served.map(serve)));
  try {
    return await working.run(work);
  } catch (error) {
    throw broken === undefined ? error : broken.error;
  } finally {
    servers.cancel();
    await CancellationScope.nonCancellable(async () => await running);
  }
}
