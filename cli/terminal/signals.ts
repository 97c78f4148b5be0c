import { onWrapperEnd } from './npm-wrapper';

/**
 * A signal that is aborted on SIGINT or SIGTERM, and when the npm that started this process ends. A second SIGINT ends the process at
 * once: what is journalled is safe.
 */
export function onStopSignal(announce: () => void): AbortSignal {
  const controller = new AbortController();
  const stop = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) return;
    announce();
    controller.abort(signal);
  };
  process.on('SIGINT', () => {
    if (controller.signal.aborted) process.exit(130);
    stop('SIGINT');
  });
  process.on('SIGTERM', () => stop('SIGTERM'));
  onWrapperEnd(() => stop('SIGTERM'));
  return controller.signal;
}
