export { experiment } from './experiment';
export { synthesis } from './synthesis';
export { synthesizeShard } from './shard';
export { variant } from './variant';
export { notice } from './notice';
export { describeWorker } from './describe-worker';
