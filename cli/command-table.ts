import type { Command } from 'commander';

/** Adds a command to the program. */
export type Register = (program: Command) => void;

/** The commands, in the order of the help. Each is loaded when it is called for: all of them together take a second. */
export const COMMANDS: Readonly<Record<string, () => Register>> = {
  demo: () => (require('./commands/demo') as typeof import('./commands/demo')).registerDemo,
  study: () => (require('./commands/study') as typeof import('./commands/study')).registerStudy,
  init: () => (require('./commands/init') as typeof import('./commands/init')).registerInit,
  plan: () => (require('./commands/plan') as typeof import('./commands/plan')).registerPlan,
  preview: () => (require('./commands/preview') as typeof import('./commands/preview')).registerPreview,
  start: () => (require('./commands/start') as typeof import('./commands/start')).registerStart,
  status: () => (require('./commands/status') as typeof import('./commands/status')).registerStatus,
  pause: () => (require('./commands/pause') as typeof import('./commands/pause')).registerPause,
  resume: () => (require('./commands/resume') as typeof import('./commands/resume')).registerResume,
  set: () => (require('./commands/set') as typeof import('./commands/set')).registerSet,
  cancel: () => (require('./commands/cancel') as typeof import('./commands/cancel')).registerCancel,
  list: () => (require('./commands/list') as typeof import('./commands/list')).registerList,
  export: () => (require('./commands/export') as typeof import('./commands/export')).registerExport,
  model: () => (require('./commands/model') as typeof import('./commands/model')).registerModel,
  report: () => (require('./commands/report') as typeof import('./commands/report')).registerReport,
  view: () => (require('./commands/view') as typeof import('./commands/view')).registerView,
  logs: () => (require('./commands/logs') as typeof import('./commands/logs')).registerLogs,
  prune: () => (require('./commands/prune') as typeof import('./commands/prune')).registerPrune,
  doctor: () => (require('./commands/doctor') as typeof import('./commands/doctor')).registerDoctor,
  worker: () => (require('./commands/worker') as typeof import('./commands/worker')).registerWorker,
  'codec-server': () => (require('./commands/codec-server') as typeof import('./commands/codec-server')).registerCodecServer,
  dev: () => (require('./commands/dev') as typeof import('./commands/dev')).registerDev,
};

/** The command that a command line names, `help NAME` included; undefined when it names none that there is. */
export function commandNamed(argv: readonly string[]): string | undefined {
  const words = argv.filter((word) => !word.startsWith('-'));
  const name = words[0] === 'help' ? words[1] : words[0];
  return name !== undefined && Object.hasOwn(COMMANDS, name) ? name : undefined;
}
