export { experiment } from './experiment';
export { synthesis } from './synthesis';
export { synthesizeShard } from './shard';
export { variant } from './variant';
export { describeWorker } from './describe-worker';
