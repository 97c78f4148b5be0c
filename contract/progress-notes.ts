import type { HoldOutOutcome, MixOutcome, ReplaySetOutcome, TaskOutcome, TrainOutcome } from './outcomes';

/** What a finished row of the progress table says of its stage, for people. */

export function replaySetNote({ rows }: ReplaySetOutcome): string {
  return `${rows} conversations`;
}

/** Of a mixture, or of what is held out of it. */
export function mixtureNote({ replay, new: fresh }: MixOutcome | HoldOutOutcome): string {
  return `${replay} replay + ${fresh} new`;
}

export function trainingNote({ steps, lastLoss }: Pick<TrainOutcome, 'steps' | 'lastLoss'>): string {
  return `${steps} steps, last loss ${lastLoss?.toFixed(3) ?? 'unknown'}`;
}

export function taskNote({ metric, score }: Pick<TaskOutcome, 'metric' | 'score'>): string {
  return `${metric} ${score.toFixed(3)}`;
}

/** @param losses mean loss a token (nats) by held-out set */
export function lossesNote(losses: Readonly<Record<string, number>>): string {
  return Object.entries(losses)
    .map(([set, loss]) => `${set} ${loss.toFixed(3)}`)
    .join(', ');
}
