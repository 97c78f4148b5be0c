'use strict';
/**
 * The rooms: each folder that holds code, and what its files may import. gate/check-rooms.js refuses every other import, and every code file
 * that lies in none of these folders.
 *
 * imports   rooms that may be imported; `services` stands for all rooms in services/, `report` for all in report/
 * types     rooms of which types alone may be imported (`import type`): nothing of them runs
 * packages  npm packages and Node modules; without it, any
 *
 * Each room stands on rooms before it. One without `imports` may import all, and is imported by none of the others.
 */
const ROOMS = {
  // The method of the paper: pure functions. Planning is arithmetic too.
  method: { imports: [], packages: ['simple-statistics', 'stopword'] }, // lists of function words are data
  config: { imports: ['method'], types: ['contract'] },
  // Models' own chat templates, rendered and taken apart: as pure as the method, of which they are no part.
  templates: { imports: ['method'], packages: ['@huggingface/jinja'] },
  // What client, workflows and activities say to each other.
  contract: {
    imports: [],
    types: ['method', 'config'],
    packages: ['@temporalio/common', '@temporalio/workflow', 'pretty-bytes', 'pretty-ms'],
  },
  stages: { imports: ['method', 'config'], types: ['contract', 'templates'] },
  planning: { imports: ['method', 'config', 'stages'], types: ['contract'], packages: [] },

  // What does I/O, one room a topic; nothing of Temporal's workflows or activities.
  'services/timing': { imports: [] },
  'services/limits': { imports: ['services/timing'] },
  // Spans for a collector; loaded only where one is named.
  'services/tracing': { imports: [] },
  'services/tokenizers': { imports: ['method', 'config', 'templates', 'stages'], types: ['contract'] },
  'services/endpoints': { imports: ['method', 'services/timing', 'services/limits'], types: ['config', 'contract'] },
  'services/metrics': { imports: [], types: ['method', 'services/endpoints'] },
  'services/codec': { imports: ['stages'] },
  'services/store': { imports: ['method', 'stages'], types: ['contract'] },
  'services/notices': { imports: ['contract'] },
  'services/data': { imports: ['method', 'config', 'services/store'] },
  'services/journal': { imports: ['services/timing', 'services/store'], types: ['method', 'stages'] },
  // Batch APIs of providers, and which batches were ordered: below `batches`, which knows what an order is for.
  'services/provider-batches': { imports: ['config', 'services/timing', 'services/endpoints'], types: ['method', 'services/store'] },
  'services/batches': {
    imports: [
      'method',
      'config',
      'templates',
      'stages',
      'planning',
      'services/endpoints',
      'services/store',
      'services/journal',
      'services/provider-batches',
    ],
    types: ['contract'],
  },
  'services/python': { imports: ['stages', 'services/timing'], types: ['contract'] },
  'services/local': { imports: ['stages', 'services/python'], types: ['config', 'contract'] },
  'services/training': {
    imports: ['method', 'config', 'stages', 'planning', 'services/store', 'services/local', 'services/python'],
    types: ['contract'],
  },
  'services/fine-tuning': {
    imports: ['config', 'planning', 'services/timing', 'services/endpoints'],
    types: ['method', 'stages', 'services/store'],
  },
  'services/runs': {
    imports: [
      'method',
      'config',
      'stages',
      'planning',
      'services/store',
      'services/data',
      'services/journal',
      'services/local',
      'services/tokenizers',
      'services/training',
    ],
    types: ['contract'],
  },

  // What people read and take away: figures of the store, the page that shows them, the files of it.
  'report/gather': { imports: ['method', 'config', 'contract', 'stages', 'planning', 'services'] },
  'report/page': { imports: ['method', 'config', 'contract', 'report/gather'], types: ['stages'] },
  'report/render': { imports: ['method', 'config', 'contract', 'report/gather', 'report/page'] },
  report: { imports: ['method', 'config', 'contract', 'stages', 'services', 'report'] },
  // What people look at while they decide: pages over the store, served on this machine alone; the report's topics and escaping.
  view: { imports: ['method', 'config', 'contract', 'stages', 'services', 'report'] },
  export: { imports: ['method', 'config', 'contract', 'stages', 'planning', 'services'] },

  // What Temporal runs. Workflows are replayed: no I/O, no Node module.
  workflows: { imports: ['method', 'config', 'contract'], types: ['stages'], packages: ['@temporalio/common', '@temporalio/workflow'] },
  activities: { imports: ['method', 'config', 'contract', 'stages', 'planning', 'services', 'report', 'export'] },
  workers: { imports: ['method', 'config', 'contract', 'stages', 'services', 'activities', 'workflows'] },
  cli: {
    imports: ['method', 'config', 'contract', 'stages', 'planning', 'services', 'report', 'export', 'view', 'workflows', 'workers'],
    types: ['activities'],
  },

  // What the package offers to TypeScript.
  api: { imports: ['config', 'contract', 'cli', 'services/codec'], types: ['workflows'] },
  bin: {},
  deploy: {},
  bench: {},
  gate: {},
  test: {},
};

/** Code files that lie in no room: settings of tools, which want them at the root. */
const ROOT_FILES = ['jest.config.js'];

module.exports = { ROOMS, ROOT_FILES };
