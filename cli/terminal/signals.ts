/**
 * A signal that is aborted on SIGINT or SIGTERM. A second SIGINT ends the process at once: what is journalled is safe.
 */
export function onStopSignal(announce: () => void): AbortSignal {
  const controller = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) {
      if (signal === 'SIGINT') process.exit(130);
      return;
    }
    announce();
    controller.abort(signal);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return controller.signal;
}
